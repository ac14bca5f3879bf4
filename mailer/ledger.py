"""The ledger: one row for each copy of each mailing, from the plan to its outcome.

Who gets what, what became of it, who did not and why: all of that is asked here. For each mailing
planned = accepted + refused + excluded + pending + in doubt, always, for each row is in one state.
A row is `attempting` only while a worker has it on an open connection; what a worker that went
silent had in hand is in doubt, and is sent again, marked, with the same bytes. Claiming and
settling stand in `mailer.claims`.
"""

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Integer, bindparam, exists, func, insert, select, update
from sqlalchemy.orm import Session

from core import clock, outbox, settings, tokens
from core.events import MailingFinished, MailingPlanned
from mailer.models import Delivery, Mailing, MailingState, State
from message.headers import new_message_id
from subscribers.audience import Audience, Recipient

log = logging.getLogger(__name__)

#: What marks a copy that is sent again because nobody knows whether it arrived.
REPEATED = "repeated_after_doubt"
#: States that await an outcome. (A copy in doubt does until it is settled for good.)
OPEN = (State.PLANNED, State.ATTEMPTING, State.DEFERRED)


class WrongState(ValueError):
    """The mailing stands where this cannot be done; the text says where."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The copies of a mailing, counted by what became of them."""

    planned: int = 0
    accepted: int = 0
    refused: int = 0
    excluded: int = 0
    pending: int = 0
    in_doubt: int = 0

    @property
    def balanced(self) -> bool:
        """Whether every planned copy is accounted for exactly once."""
        known = self.accepted + self.refused + self.excluded + self.pending + self.in_doubt
        return known == self.planned


def draft(
    session: Session,
    kind: str,
    *,
    list_id: int | None,
    about: int | None,
    bulk: bool,
    subject: str = "",
    source: str = "",
    priority: int = 5,
    not_before: dt.datetime | None = None,
    pointless_after: dt.datetime | None = None,
    by: int | None = None,
) -> Mailing:
    """A new mailing, with the Message-ID that all its copies and retries will carry."""
    mailing = Mailing(
        kind=kind, list_id=list_id, about=about, bulk=bulk, subject=subject, source=source,
        priority=priority, not_before=not_before, pointless_after=pointless_after,
        state=MailingState.DRAFT, created_at=clock.now(), created_by=by,
        message_id=new_message_id(tokens.random_secret(), settings.current().domain),
    )  # fmt: skip
    session.add(mailing)
    session.flush()
    return mailing


def plan(
    session: Session,
    mailing: Mailing,
    mould: bytes,
    audience: Audience,
    slots: Callable[[Recipient], dict[str, str]],
) -> Totals:
    """Write a row for each recipient, and for each who is left out with the reason; once.

    The mailing is sent from now on (or from its `not_before`), and MailingPlanned is recorded.
    Planning a mailing that is planned already changes nothing. Raises WrongState for one that was
    cancelled.
    """
    if mailing.state == MailingState.CANCELLED:
        raise WrongState("This mailing was cancelled: write a new one.")
    if mailing.state not in (MailingState.DRAFT, MailingState.APPROVED):
        return totals(session, mailing.id)
    now = clock.now()
    mailing.mould, mailing.planned_at, mailing.state = mould, now, MailingState.SENDING
    session.flush()
    rows = list(_rows(mailing, audience, slots, now))
    if rows:
        session.execute(insert(Delivery), rows)
    outbox.record(session, MailingPlanned(mailing.id), key=f"planned:{mailing.id}")
    finish_if_done(session, mailing.id)
    return totals(session, mailing.id)


def _rows(
    mailing: Mailing, audience: Audience, slots: Callable[[Recipient], dict[str, str]],
    now: dt.datetime,
) -> Iterable[dict[str, object]]:  # fmt: skip
    first = max(now, mailing.not_before or now)
    shared = {"mailing_id": mailing.id, "attempts": 0, "next_try": first}
    seen: set[object] = set()

    def twice(address: str, person_id: int | None) -> bool:
        marks: set[object] = {address.lower()}
        if person_id is not None:
            marks.add(person_id)
        double = bool(marks & seen)
        seen.update(marks)
        if double:
            log.warning("recipient_named_twice", extra={"mailing": mailing.id, "person": person_id})
        return double

    for to in audience.recipients:
        if not twice(to.address, to.person_id):
            words = {"name": to.name} | slots(to)
            yield shared | {
                "person_id": to.person_id, "address": to.address, "state": State.PLANNED,
                "slots": json.dumps(words), "reason": None, "settled_at": None,
            }  # fmt: skip
    for out in audience.excluded:
        if not twice(out.address, out.person_id):
            yield shared | {
                "person_id": out.person_id, "address": out.address, "state": State.EXCLUDED,
                "slots": "{}", "reason": out.reason, "settled_at": now,
            }  # fmt: skip


def totals(session: Session, mailing_id: int) -> Totals:
    """Count the copies of a mailing by what became of them."""
    counted = select(Delivery.state, func.count()).where(Delivery.mailing_id == mailing_id)
    found: dict[str, int] = dict(session.execute(counted.group_by(Delivery.state)).all())
    return Totals(
        planned=sum(found.values()),
        accepted=found.get(State.ACCEPTED, 0),
        refused=found.get(State.REFUSED, 0),
        excluded=found.get(State.EXCLUDED, 0),
        pending=sum(found.get(state, 0) for state in OPEN),
        in_doubt=found.get(State.IN_DOUBT, 0),
    )


_HERE = Delivery.mailing_id == bindparam("mailing_id", type_=Integer())
_DOUBTED = exists().where(_HERE, Delivery.state == State.IN_DOUBT, Delivery.settled_at.is_(None))
_WAITING = exists().where(_HERE, Delivery.state.in_((State.PLANNED, State.DEFERRED)))
_ON_THE_WIRE = exists().where(_HERE, Delivery.state == State.ATTEMPTING)
#: Whether copies of a mailing wait for an outcome: those not on the wire, and all of them.
_SOME_WAIT, _SOME_OPEN = select(_WAITING | _DOUBTED), select(_WAITING | _DOUBTED | _ON_THE_WIRE)


def finish_if_done(session: Session, mailing_id: int) -> bool:
    """Finish a mailing none of whose copies awaits an outcome, and record MailingFinished."""
    session.flush()
    if session.scalar(_SOME_WAIT, {"mailing_id": mailing_id}):
        return False
    # Two workers may settle the last two copies at once: the second sees what the first wrote.
    mailing = session.get_one(Mailing, mailing_id, with_for_update=True, populate_existing=True)
    if mailing.state not in (MailingState.SENDING, MailingState.PAUSED):
        return False
    if session.scalar(_SOME_OPEN, {"mailing_id": mailing_id}):
        return False
    mailing.state, mailing.finished_at = MailingState.FINISHED, clock.now()
    session.flush()
    outbox.record(session, MailingFinished(mailing_id), key=f"finished:{mailing_id}")
    return True


def pause(session: Session, mailing_id: int) -> Mailing:
    """Hold back the copies that are not on the wire yet; raises WrongState if none are to come."""
    return _turn(session, mailing_id, {MailingState.SENDING}, MailingState.PAUSED, "paused")


def resume(session: Session, mailing_id: int) -> Mailing:
    """Go on with a paused mailing; raises WrongState if it is not paused."""
    mailing = _turn(session, mailing_id, {MailingState.PAUSED}, MailingState.SENDING, "resumed")
    finish_if_done(session, mailing_id)
    return mailing


def cancel(session: Session, mailing_id: int) -> Mailing:
    """Send no more copies of a mailing; those on the wire still get their outcome.

    Raises WrongState if it is finished or cancelled.
    """
    may = {MailingState.DRAFT, MailingState.APPROVED, MailingState.SENDING, MailingState.PAUSED}
    mailing = _turn(session, mailing_id, may, MailingState.CANCELLED, "cancelled")
    exclude_cancelled(session, mailing_id)
    return mailing


def exclude_cancelled(session: Session, mailing_id: int) -> int:
    """Leave out what a cancelled mailing has not sent; copies being claimed are left alone."""
    waiting = (
        select(Delivery.id)
        .where(Delivery.mailing_id == mailing_id)
        .where(Delivery.state.in_((State.PLANNED, State.DEFERRED)))
        .with_for_update(skip_locked=True)
        .cte("waiting")
    )
    statement = (
        update(Delivery)
        .where(Delivery.id.in_(select(waiting.c.id)))
        .values(state=State.EXCLUDED, reason="cancelled", settled_at=clock.now())
        .returning(Delivery.id)
    )
    rows = session.scalars(statement, execution_options={"synchronize_session": False})
    return len(rows.all())


def _turn(
    session: Session, mailing_id: int, may: set[MailingState], to: MailingState, word: str
) -> Mailing:
    session.flush()
    mailing = session.get(Mailing, mailing_id, with_for_update=True, populate_existing=True)
    if mailing is None:
        raise WrongState("There is no such mailing.")
    if mailing.state not in may:
        raise WrongState(f"This mailing cannot be {word}: it is {mailing.state}.")
    mailing.state = to
    session.flush()
    return mailing

"""The ledger: one row for each copy of each mailing, from the plan to its outcome.

Who gets what, what became of it, who did not and why: all of that is asked here. For each mailing
planned = accepted + refused + excluded + pending + in doubt, always, for each row is in one state.
A row is `attempting` only while a worker has it on an open connection; what a worker that went
silent had in hand is in doubt, and is sent again, marked, with the same bytes. Claiming and
settling stand in `mailer.claims`.
"""

import datetime as dt
import logging
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Integer,
    Subquery,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.orm import Session

from core import clock, outbox, settings, tokens
from core.bell import Bell
from core.database import UtcDateTime
from core.events import MailingFinished, MailingInTrouble, MailingPlanned
from mailer.models import Delivery, Mailing, MailingState, State, Trouble
from message.headers import new_message_id
from subscribers.audience import Audience

log = logging.getLogger(__name__)

#: What marks a copy that is sent again because nobody knows whether it arrived.
REPEATED = "repeated_after_doubt"
#: Why who is on several lists gets no second copy.
ELSEWHERE = "gets it from another list"
#: States that await an outcome. (A copy in doubt does until it is settled for good.)
OPEN = (State.PLANNED, State.ATTEMPTING, State.DEFERRED)


#: Rung when copies that can be sent are committed.
bell = Bell("copies")


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
    session: Session, mailing: Mailing, mould: bytes, audience: Audience, *, named: bool = True
) -> None:
    """Write a row for each recipient, and for each who is left out with the reason; once.

    One statement, however many they are. The mailing is sent from now on (or from its
    `not_before`), and MailingPlanned is recorded; without `named` the copies name nobody. Planning
    a mailing that is planned already changes nothing. Raises WrongState for one that was cancelled.
    """
    if mailing.state == MailingState.CANCELLED:
        raise WrongState("This mailing was cancelled: write a new one.")
    if mailing.state not in (MailingState.DRAFT, MailingState.APPROVED):
        return
    now = clock.now()
    with session.no_autoflush:  # the mailing is written once, with all that is known then
        mailing.copies = _write_rows(session, mailing, audience, now, named=named)
    mailing.mould, mailing.planned_at, mailing.state = mould, now, MailingState.SENDING
    session.flush()
    outbox.record(session, MailingPlanned(mailing.id), key=f"planned:{mailing.id}")
    if not finish_if_done(session, mailing.id):
        bell.after_commit(session)


def _write_rows(
    session: Session, mailing: Mailing, audience: Audience, now: dt.datetime, *, named: bool
) -> int:
    asked = audience.question.subquery("asked")
    reason = _reason(session, mailing, asked)
    left_out = reason.is_not(None)
    rows = select(
        literal(mailing.id),
        asked.c.person_id,
        asked.c.address,
        case((left_out, null()), else_=asked.c.name if named else literal("")),
        case((left_out, State.EXCLUDED.value), else_=State.PLANNED.value),
        reason,
        literal(0),
        literal(max(now, mailing.not_before or now), UtcDateTime()),
        case((left_out, literal(now, UtcDateTime())), else_=null()),
    ).order_by(left_out, asked.c.place)
    columns = ("mailing_id", "person_id", "address", "name", "state", "reason", "attempts",
               "next_try", "settled_at")  # fmt: skip
    statement = insert(Delivery).from_select(columns, rows, include_defaults=False)
    written = session.connection().execute(statement, execution_options=_COUNTING).rowcount
    if written >= 0:
        return written
    # Of a statement that begins with WITH SQLite does not tell.
    return session.scalar(select(func.count()).where(Delivery.mailing_id == mailing.id)) or 0


def _reason(session: Session, mailing: Mailing, asked: Subquery) -> ColumnElement[str | None]:
    """Why somebody gets no copy: the audience's reason, or that one comes from another list.

    Those who plan mailings of one edition do it one after the other.
    """
    if mailing.edition is None:
        return asked.c.reason
    session.get(Mailing, mailing.edition, with_for_update=True)
    others = select(Mailing.id).where(Mailing.edition == mailing.edition, Mailing.id != mailing.id)
    elsewhere = exists().where(
        Delivery.mailing_id.in_(others),
        Delivery.person_id == asked.c.person_id,
        Delivery.state != State.EXCLUDED,
    )
    return case((asked.c.reason.is_not(None), asked.c.reason), (elsewhere, ELSEWHERE))


def totals(session: Session, mailing_id: int) -> Totals:
    """Count the copies of a mailing by what became of them, beside how many were planned."""
    planned = session.scalar(select(Mailing.copies).where(Mailing.id == mailing_id))
    # The states are named for the sake of the index, which begins with them.
    here = (Delivery.mailing_id == mailing_id) & Delivery.state.in_(list(State))
    counted = select(Delivery.state, func.count()).where(here).group_by(Delivery.state)
    found: dict[str, int] = dict(session.execute(counted).all())
    return Totals(
        planned=sum(found.values()) if planned is None else planned,
        accepted=found.get(State.ACCEPTED, 0),
        refused=found.get(State.REFUSED, 0),
        excluded=found.get(State.EXCLUDED, 0),
        pending=sum(found.get(state, 0) for state in OPEN),
        in_doubt=found.get(State.IN_DOUBT, 0),
    )


#: An INSERT tells how many rows it wrote only when it is asked to.
_COUNTING = {"preserve_rowcount": True}
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
    if not totals(session, mailing_id).balanced:
        report(session, mailing, Trouble.UNBALANCED, clock.now())
        return False
    mailing.state, mailing.finished_at = MailingState.FINISHED, clock.now()
    mailing.trouble = mailing.trouble_at = None
    session.flush()
    outbox.record(session, MailingFinished(mailing_id), key=f"finished:{mailing_id}")
    return True


def report(session: Session, mailing: Mailing, trouble: Trouble, since: dt.datetime) -> bool:
    """Note why a mailing does not go on, and record MailingInTrouble; False if that was known."""
    if mailing.trouble == trouble:
        return False
    mailing.trouble, mailing.trouble_at = trouble, since
    session.flush()
    key = f"trouble:{mailing.id}:{trouble}:{since.isoformat()}"
    outbox.record(session, MailingInTrouble(mailing.id, since), key=key)
    log.error("mailing_in_trouble", extra={"mailing": mailing.id, "why": str(trouble)})
    return True


def reasons(session: Session, mailing_id: int) -> list[tuple[str, str, int]]:
    """Why copies were left out or refused: state, reason and how many, most first."""
    why = func.coalesce(Delivery.reason, "")
    counted = (
        select(Delivery.state, why, func.count())
        .where(Delivery.mailing_id == mailing_id)
        .where(Delivery.state.in_((State.EXCLUDED, State.REFUSED)))
        .group_by(Delivery.state, why)
        .order_by(Delivery.state, func.count().desc(), why)
    )
    return [(state, reason, count) for state, reason, count in session.execute(counted)]


def pause(session: Session, mailing_id: int) -> Mailing:
    """Hold back the copies that are not on the wire yet; raises WrongState if none are to come."""
    mailing = _turn(session, mailing_id, {MailingState.SENDING}, MailingState.PAUSED, "paused")
    mailing.trouble = mailing.trouble_at = None  # somebody has looked
    return mailing


def resume(session: Session, mailing_id: int) -> Mailing:
    """Go on with a paused mailing; raises WrongState if it is not paused.

    It is due from now on: what is late, and when to give up, count from here.
    """
    mailing = _turn(session, mailing_id, {MailingState.PAUSED}, MailingState.SENDING, "resumed")
    mailing.not_before = max(clock.now(), mailing.not_before or clock.now())
    mailing.trouble = mailing.trouble_at = None
    session.flush()
    if not finish_if_done(session, mailing_id):
        bell.after_commit(session)
    return mailing


def cancel(session: Session, mailing_id: int) -> Mailing:
    """Send no more copies of a mailing; those on the wire still get their outcome.

    Raises WrongState if it is finished or cancelled.
    """
    may = {MailingState.DRAFT, MailingState.APPROVED, MailingState.SENDING, MailingState.PAUSED}
    mailing = _turn(session, mailing_id, may, MailingState.CANCELLED, "cancelled")
    mailing.trouble = mailing.trouble_at = None
    exclude_cancelled(session, mailing_id)
    return mailing


def exclude_cancelled(session: Session, mailing_id: int) -> None:
    """Leave out what a cancelled mailing has not sent; copies being claimed are left alone."""
    waiting = (
        select(Delivery.id)
        .where(Delivery.mailing_id == mailing_id)
        .where(Delivery.state.in_((State.PLANNED, State.DEFERRED)))
        .with_for_update(skip_locked=True)
        .cte("waiting")
    )
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(select(waiting.c.id)))
        .values(state=State.EXCLUDED, reason="cancelled", settled_at=clock.now()),
        execution_options={"synchronize_session": False},
    )


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

"""Claiming copies for the wire, settling what became of them, and taking up what was left behind.

A claim is committed before anything goes on the wire, and takes exactly what goes on it next; so
after a crash only what was on an open connection is in doubt.
"""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    String,
    bindparam,
    case,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from core import clock, outbox, settings
from core.database import UtcDateTime
from core.events import CopyRefused
from mailer import ledger
from mailer.ledger import REPEATED
from mailer.models import Delivery, Mailing, MailingState, State, Worker
from subscribers.models import Standing, Subscription

log = logging.getLogger(__name__)

#: Wait after the first, second, ... try that was put off (RFC 5321 §4.5.4.1). The first is short
#: because greylisting is the common case; from the second on the least is half an hour.
BACK_OFF = [dt.timedelta(minutes=m) for m in (5, 30, 60, 120, 240)]
#: A copy that could not be delivered for so long is given up (RFC 5321 §4.5.4.1: 4-5 days).
GIVE_UP = dt.timedelta(days=4)
#: A copy that was in doubt so often stays so: rather one mail missing than many too many.
MOST_DOUBTS = 5
#: How many mailings are looked at for one claim.
_MAILINGS_AT_ONCE = 20

#: Outcomes that say nothing about the copy, only that we can send nothing now, and for how long
#: all that waits is held back then.
RELAY_AWAY = "relay away"
LOGIN_REFUSED = "login refused"
SENDER_REFUSED = "sender refused"
WORKER_SILENT = "worker silent"
HOLD = {
    WORKER_SILENT: dt.timedelta(0),
    RELAY_AWAY: dt.timedelta(seconds=20),
    LOGIN_REFUSED: dt.timedelta(minutes=5),
    SENDER_REFUSED: dt.timedelta(minutes=5),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one copy on the wire: its new state and the server's words."""

    delivery_id: int
    state: State
    code: str | None = None
    words: str | None = None
    reason: str | None = None


# --- claim ------------------------------------------------------------------------------------

# Statements of the way that every copy takes are built once: building costs more than running.
_NOW: BindParameter[dt.datetime] = bindparam("now", type_=UtcDateTime())
_MAILING: BindParameter[int] = bindparam("of_mailing", type_=Integer())
_WAITING = Delivery.state.in_((State.PLANNED, State.DEFERRED)) & (Delivery.next_try <= _NOW)
_SENDING = (Mailing.state == MailingState.SENDING) & or_(
    Mailing.not_before.is_(None), Mailing.not_before <= _NOW
)
_DUE = _SENDING & exists().where(Delivery.mailing_id == Mailing.id, _WAITING)
_ANYTHING = select(exists(select(Mailing.id).where(_DUE)))
_DUE_MAILINGS = (
    select(Mailing).where(_DUE).order_by(Mailing.priority, Mailing.id).limit(_MAILINGS_AT_ONCE)
)
# In a plain IN (SELECT ... LIMIT n FOR UPDATE SKIP LOCKED) PostgreSQL may take more than n.
_PICKED = (
    select(Delivery.id)
    .join(Mailing)
    .where(Delivery.mailing_id == _MAILING, _WAITING, _SENDING)
    .order_by(Delivery.id)
    .limit(bindparam("most", type_=Integer()))
    .with_for_update(skip_locked=True, of=Delivery)
    .cte("picked")
)
_PICK = (
    update(Delivery)
    .where(Delivery.id.in_(select(_PICKED.c.id)))
    .values(
        state=State.ATTEMPTING, worker=bindparam("by", type_=String()),
        attempts=Delivery.attempts + 1,
    )
    .returning(Delivery)
    .execution_options(synchronize_session=False, populate_existing=True)
)  # fmt: skip
_STANDINGS = select(Subscription.person_id, Subscription.state).where(
    Subscription.list_id == bindparam("list_id", type_=Integer()),
    Subscription.person_id.in_(bindparam("people", expanding=True)),
)


def anything_due(session: Session) -> bool:
    """Whether a claim would find something."""
    return settings.current().sending and bool(session.scalar(_ANYTHING, {"now": clock.now()}))


def claim(session: Session, worker: str, limit: int) -> list[Delivery]:
    """Take up to `limit` copies for this worker, urgent mailings first; marks them `attempting`.

    Rows come with their mailing loaded. Copies that came to be unwanted meanwhile (the person left
    the list, the time has passed) are excluded instead.
    """
    taken: list[Delivery] = []
    if not settings.current().sending or limit <= 0:
        return taken
    now = clock.now()
    for mailing in session.scalars(_DUE_MAILINGS, {"now": now}).all():
        if mailing.pointless_after is not None and mailing.pointless_after <= now:
            _exclude_late(session, mailing)
            continue
        while len(taken) < limit:
            facts = {"of_mailing": mailing.id, "now": now, "most": limit - len(taken), "by": worker}
            picked = sorted(session.scalars(_PICK, facts), key=lambda row: row.id)
            if not picked:
                break
            for row in picked:
                set_committed_value(row, "mailing", mailing)
            taken += _still_wanted(session, mailing, picked)
        if len(taken) >= limit:
            break
    return taken


def _still_wanted(session: Session, mailing: Mailing, picked: list[Delivery]) -> list[Delivery]:
    """Those of the picked whose person still is on the list; leaving counts at once."""
    if not mailing.bulk or mailing.list_id is None:
        return picked
    people = [row.person_id for row in picked if row.person_id is not None]
    facts = {"list_id": mailing.list_id, "people": people}
    standing: dict[int, str] = dict(session.execute(_STANDINGS, facts).all())
    wanted = []
    for row in picked:
        state = standing.get(row.person_id, Standing.LEFT) if row.person_id else Standing.ACTIVE
        if state == Standing.ACTIVE:
            wanted.append(row)
        else:
            row.state, row.settled_at = State.EXCLUDED, clock.now()
            row.reason = "left" if state == Standing.LEFT else "suspended"
    if len(wanted) < len(picked):
        ledger.finish_if_done(session, mailing.id)
    return wanted


def _exclude_late(session: Session, mailing: Mailing) -> None:
    session.execute(
        update(Delivery)
        .where(Delivery.mailing_id == mailing.id)
        .where(Delivery.state.in_((State.PLANNED, State.DEFERRED)))
        .values(state=State.EXCLUDED, reason="too late", settled_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
    ledger.finish_if_done(session, mailing.id)


# --- settle -----------------------------------------------------------------------------------

_OURS = bindparam("by", type_=String())
_ACCEPT = (
    update(Delivery)
    .where(Delivery.id == bindparam("delivery", type_=Integer()))
    .where(Delivery.state == State.ATTEMPTING, or_(_OURS.is_(None), Delivery.worker == _OURS))
    .values(
        state=State.ACCEPTED, settled_at=bindparam("at", type_=UtcDateTime()),
        code=bindparam("said", type_=String()), words=bindparam("spoken", type_=String()),
        reason=case((Delivery.reason == REPEATED, REPEATED), else_=None),
    )
)  # fmt: skip


def settle(session: Session, outcomes: Sequence[Outcome], worker: str | None = None) -> None:
    """Write down what became of copies; records CopyRefused, and finishes mailings.

    An outcome counts only while the copy is `attempting`, by `worker` if one is named. News that a
    copy was accepted also counts when the copy waits to be sent again: then it is not.
    """
    ordered = sorted(outcomes, key=lambda one: one.delivery_id)
    accepted = [one for one in ordered if one.state == State.ACCEPTED]
    others = [one for one in ordered if one.state != State.ACCEPTED]
    if accepted:
        now = clock.now()
        facts = [
            {
                "delivery": one.delivery_id, "by": worker, "at": now,
                "said": (one.code or "")[:20] or None, "spoken": one.words,
            }
            for one in accepted
        ]  # fmt: skip
        if session.connection().execute(_ACCEPT, facts).rowcount != len(accepted):
            others += _not_accepted(session, accepted)
    if others:
        _write_singly(session, others, worker)
    ids = [one.delivery_id for one in ordered]
    concerned = select(Delivery.mailing_id).where(Delivery.id.in_(ids)).distinct()
    for mailing_id in sorted(session.scalars(concerned)) if ids else ():
        ledger.finish_if_done(session, mailing_id)


def _not_accepted(session: Session, outcomes: list[Outcome]) -> list[Outcome]:
    ids = [one.delivery_id for one in outcomes]
    done = select(Delivery.id).where(Delivery.id.in_(ids), Delivery.state == State.ACCEPTED)
    written = set(session.scalars(done))
    return [one for one in outcomes if one.delivery_id not in written]


def _write_singly(session: Session, outcomes: list[Outcome], worker: str | None) -> None:
    found = select(Delivery).where(Delivery.id.in_([o.delivery_id for o in outcomes]))
    rows = {row.id: row for row in session.scalars(found.order_by(Delivery.id).with_for_update())}
    for outcome in outcomes:
        row = rows[outcome.delivery_id]
        if _counts(row, outcome, worker):
            _write_one(session, row, outcome)
        else:
            log.warning("outcome_came_late", extra={"delivery": row.id, "state": outcome.state})
    session.flush()


def _counts(row: Delivery, outcome: Outcome, worker: str | None) -> bool:
    if row.state == State.ATTEMPTING:
        return worker is None or row.worker == worker
    waits = (State.PLANNED, State.DEFERRED, State.IN_DOUBT)
    return outcome.state == State.ACCEPTED and row.state in waits


def _write_one(session: Session, row: Delivery, outcome: Outcome) -> None:
    now = clock.now()
    row.code, row.words = (outcome.code or "")[:20] or None, outcome.words
    row.reason = REPEATED if row.reason == REPEATED else (outcome.reason or "")[:60] or None
    state = outcome.state
    if outcome.reason in HOLD:
        row.attempts -= 1  # our relay was away: this was no try
        state, row.next_try = State.DEFERRED, now + HOLD[outcome.reason]
    elif state in (State.DEFERRED, State.IN_DOUBT):
        row.next_try = now + BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1]
    row.state = _put_off(row, now) if state == State.DEFERRED else state
    waits = row.state == State.IN_DOUBT and row.attempts < MOST_DOUBTS
    if row.state == State.DEFERRED or waits:
        return
    row.settled_at = now
    if row.state == State.REFUSED:
        outbox.record(session, CopyRefused(row.id), key=f"refused:{row.id}")


def _put_off(row: Delivery, now: dt.datetime) -> State:
    mailing = row.mailing
    if mailing.state == MailingState.CANCELLED:
        row.reason = "cancelled"
        return State.EXCLUDED
    since = max(mailing.planned_at or now, mailing.not_before or mailing.planned_at or now)
    if now - since > GIVE_UP:
        row.reason = "gave up"
        return State.REFUSED
    return State.DEFERRED


def hold(session: Session, until: dt.datetime) -> None:
    """Let nothing that waits be tried before `until`: the relay takes no mail now."""
    waiting = (
        select(Delivery.id)
        .where(Delivery.state.in_((State.PLANNED, State.DEFERRED)), Delivery.next_try < until)
        .with_for_update(skip_locked=True)
        .cte("waiting")
    )
    session.execute(
        update(Delivery).where(Delivery.id.in_(select(waiting.c.id))).values(next_try=until),
        execution_options={"synchronize_session": False},
    )


# --- workers that went silent -----------------------------------------------------------------


def beat(session: Session, worker: str) -> None:
    """Say that a worker is alive."""
    row = session.get(Worker, worker, with_for_update=True)
    if row is None:
        session.add(Worker(id=worker, started_at=clock.now(), seen_at=clock.now()))
    else:
        row.seen_at = clock.now()
    session.flush()


def reclaim(session: Session, silent_for: dt.timedelta) -> int:
    """Plan again what silent workers had on the wire, and what was in doubt for long enough.

    Such copies keep the mark REPEATED, and go out as the same bytes. Also finishes what a crash
    kept from being finished. Returns how many copies are planned again.
    """
    now = clock.now()
    lively = select(Worker.id).where(Worker.seen_at > now - silent_for)
    doubt(session, Delivery.worker.not_in(lively))
    again = 0
    doubted = (
        select(Delivery)
        .join(Mailing)
        .where(Delivery.state == State.IN_DOUBT, Delivery.settled_at.is_(None))
        .where(Delivery.next_try <= now)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    for row in session.scalars(doubted).all():
        if row.attempts >= MOST_DOUBTS or row.mailing.state == MailingState.CANCELLED:
            row.settled_at = now
            continue
        row.state, row.reason, row.worker = State.PLANNED, REPEATED, None
        again += 1
    session.flush()
    _finish_what_a_crash_left(session)
    return again


def doubt(session: Session, whose: ColumnElement[bool]) -> int:
    """Put in doubt what is marked as on the wire by workers that have nothing there any more."""
    lost = (
        select(Delivery.id)
        .where(Delivery.state == State.ATTEMPTING, whose)
        .with_for_update(skip_locked=True)
        .cte("lost")
    )
    statement = (
        update(Delivery)
        .where(Delivery.id.in_(select(lost.c.id)))
        .values(state=State.IN_DOUBT)
        .returning(Delivery.id)
    )
    rows = session.scalars(statement, execution_options={"synchronize_session": False}).all()
    if rows:
        log.warning("copies_in_doubt", extra={"deliveries": list(rows)})
    return len(rows)


def _finish_what_a_crash_left(session: Session) -> None:
    waits = exists().where(
        Delivery.mailing_id == Mailing.id,
        Delivery.state.in_((State.PLANNED, State.DEFERRED)),
    )
    cancelled = select(Mailing.id).where(Mailing.state == MailingState.CANCELLED, waits)
    for mailing_id in session.scalars(cancelled).all():
        ledger.exclude_cancelled(session, mailing_id)
    idle = select(Mailing.id).where(Mailing.state == MailingState.SENDING, ~waits)
    for mailing_id in session.scalars(idle).all():
        ledger.finish_if_done(session, mailing_id)

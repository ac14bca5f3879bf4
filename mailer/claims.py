"""Claiming copies for the wire, settling what became of them, and taking up what was left behind.

A claim is committed before anything goes on the wire, and takes exactly what goes on it next; so
after a crash only what was on an open connection is in doubt.
"""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    Integer,
    String,
    Table,
    bindparam,
    case,
    exists,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

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


class Claim(NamedTuple):
    """A copy that a worker has taken for the wire: its row in the ledger, and its mailing."""

    id: int
    person_id: int | None
    address: str
    name: str | None
    slots: str | None
    mailing: Mailing


# Statements of the way that every copy takes are built once, on bare tables: with mapped classes,
# building and executing cost several times what the database needs.
_copy, _mailing, _subscription = (
    cast(Table, mapped.__table__) for mapped in (Delivery, Mailing, Subscription)
)
_c, _m = _copy.c, _mailing.c
_NOW: BindParameter[dt.datetime] = bindparam("now", type_=UtcDateTime())
_MAILING: BindParameter[int] = bindparam("of_mailing", type_=Integer())
_LIST: BindParameter[int] = bindparam("list_id", type_=Integer())
# Written out in the statement, so that the index of open copies is seen to serve it.
_PLANNED, _DEFERRED = (
    _c.state == bindparam(None, state, type_=String(), literal_execute=True)
    for state in (State.PLANNED, State.DEFERRED)
)
_DUE_COPIES = [waiting & (_c.next_try <= _NOW) for waiting in (_PLANNED, _DEFERRED)]
_SENDING = (_m.state == MailingState.SENDING) & or_(_m.not_before.is_(None), _m.not_before <= _NOW)
_DUE = _SENDING & or_(*(exists().where(_c.mailing_id == _m.id, due) for due in _DUE_COPIES))
_ANYTHING = select(exists(select(_m.id).where(_DUE)))
_DUE_MAILINGS = select(_m.id).where(_DUE).order_by(_m.priority, _m.id).limit(_MAILINGS_AT_ONCE)
_SUBSCRIBED = exists().where(
    _subscription.c.person_id == _c.person_id,
    _subscription.c.list_id == _LIST,
    _subscription.c.state == Standing.ACTIVE,
)
_NOT_LEFT = _c.person_id.is_(None) | _SUBSCRIBED
_STANDING = (
    select(_subscription.c.state)
    .where(_subscription.c.person_id == _c.person_id, _subscription.c.list_id == _LIST)
    .scalar_subquery()
)
_EXCLUDE_WHO_LEFT = (
    update(_copy)
    .where(_c.mailing_id == _MAILING, or_(*_DUE_COPIES), ~_NOT_LEFT)
    .values(
        state=State.EXCLUDED, settled_at=_NOW,
        reason=case((_STANDING == Standing.SUSPENDED, "suspended"), else_="left"),
    )
)  # fmt: skip


def _picking(due: ColumnElement[bool], wanted: ColumnElement[bool]) -> Executable:
    """Take the first due copies of a mailing.

    In a plain IN (SELECT ... LIMIT n FOR UPDATE SKIP LOCKED) PostgreSQL may take more than n.
    """
    picked = (
        select(_c.id)
        .where(_c.mailing_id == _MAILING, due, wanted)
        .order_by(_c.next_try, _c.id)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(skip_locked=True, of=_copy)
        .cte("picked")
    )
    return (
        update(_copy)
        .where(_c.id.in_(select(picked.c.id)))
        .values(
            state=State.ATTEMPTING, worker=bindparam("by", type_=String()),
            attempts=_c.attempts + 1,
        )
        .returning(
            _c.id, _c.person_id, _c.address, _c.name, _c.slots
        )
        )  # fmt: skip


_PICK_FROM_LIST = [_picking(due, _NOT_LEFT) for due in _DUE_COPIES]
_PICK = [_picking(due, true()) for due in _DUE_COPIES]


def anything_due(session: Session) -> bool:
    """Whether a claim would find something."""
    return settings.current().sending and bool(session.scalar(_ANYTHING, {"now": clock.now()}))


def claim(
    session: Session, worker: str, limit: int, known: dict[int, Mailing] | None = None
) -> list[Claim]:
    """Take up to `limit` copies for this worker, urgent mailings first; marks them `attempting`.

    Copies that came to be unwanted meanwhile (the person left the list, the time has passed) are
    excluded instead. `known` keeps mailings from one claim to the next: what is in a planned one
    does not change.
    """
    taken: list[Claim] = []
    known = {} if known is None else known
    if not settings.current().sending or limit <= 0:
        return taken
    now = clock.now()
    for mailing_id in session.connection().scalars(_DUE_MAILINGS, {"now": now}).all():
        if mailing_id not in known:
            known[mailing_id] = session.get_one(Mailing, mailing_id)
        mailing = known[mailing_id]
        if mailing.pointless_after is not None and mailing.pointless_after <= now:
            _exclude_late(session, mailing)
            continue
        taken += _pick(session, mailing, now, limit - len(taken), worker)
        if len(taken) >= limit:
            break
    return taken


def _pick(
    session: Session, mailing: Mailing, now: dt.datetime, limit: int, worker: str
) -> list[Claim]:
    taken: list[Claim] = []
    facts = {"of_mailing": mailing.id, "now": now, "by": worker, "list_id": mailing.list_id}
    to_list = mailing.bulk and mailing.list_id is not None
    for statement in _PICK_FROM_LIST if to_list else _PICK:
        rows = session.connection().execute(statement, facts | {"most": limit - len(taken)})
        taken += sorted(
            Claim(row.id, row.person_id, row.address, row.name, row.slots, mailing) for row in rows
        )
        if len(taken) >= limit:
            return taken
    if to_list and session.connection().execute(_EXCLUDE_WHO_LEFT, facts).rowcount:
        ledger.finish_if_done(session, mailing.id)
    return taken


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
    update(_copy)
    .where(_c.id == bindparam("delivery", type_=Integer()))
    .where(_c.state == State.ATTEMPTING, or_(_OURS.is_(None), _c.worker == _OURS))
    .values(
        state=State.ACCEPTED, settled_at=bindparam("at", type_=UtcDateTime()),
        code=bindparam("said", type_=String()), words=bindparam("spoken", type_=String()),
        reason=case((_c.reason == REPEATED, REPEATED), else_=None),
    )
)  # fmt: skip


def settle(
    session: Session, outcomes: Sequence[Outcome], worker: str | None = None, finish: bool = True
) -> None:
    """Write down what became of copies; records CopyRefused, and finishes mailings.

    An outcome counts only while the copy is `attempting`, by `worker` if one is named. News that a
    copy was accepted also counts when the copy waits to be sent again: then it is not. Without
    `finish` the caller sees to it that mailings are finished.
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
    if finish and outcomes:
        ids = [one.delivery_id for one in ordered]
        concerned = select(Delivery.mailing_id).where(Delivery.id.in_(ids)).distinct()
        for mailing_id in sorted(session.scalars(concerned)):
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

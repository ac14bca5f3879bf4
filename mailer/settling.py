"""Settling: what became of a copy on the wire is written down, and when it is tried again."""

import datetime as dt
import logging
from collections.abc import Sequence
from typing import NamedTuple, cast

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    String,
    Table,
    Update,
    bindparam,
    case,
    column,
    func,
    or_,
    select,
    update,
)  # fmt: skip
from sqlalchemy.orm import Session

from core import clock, database, outbox
from core.database import UtcDateTime
from core.events import CopyRefused
from mailer import ledger
from mailer.ledger import REPEATED
from mailer.models import Delivery, MailingState, MessageAlias, State

log = logging.getLogger(__name__)

#: Wait after the first, second, ... try that was put off (RFC 5321 §4.5.4.1). The first is short
#: because greylisting is the common case; from the second on the least is half an hour.
BACK_OFF = [dt.timedelta(minutes=m) for m in (5, 30, 60, 120, 240)]
#: A copy that could not be delivered for so long is given up (RFC 5321 §4.5.4.1: 4-5 days).
GIVE_UP = dt.timedelta(days=4)
#: A copy that was in doubt so often stays so: rather one mail missing than many too many.
MOST_DOUBTS = 5
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


class Outcome(NamedTuple):
    """What became of one copy on the wire: its new state, the server's words, and the route."""

    delivery_id: int
    state: State
    code: str | None = None
    words: str | None = None
    reason: str | None = None
    route: str | None = None


_copy = cast(Table, Delivery.__table__)
_c = _copy.c
_OURS = bindparam("by", type_=String())


def _accepting(
    copy: ColumnElement[int], code: ColumnElement[str | None], words: ColumnElement[str | None]
) -> Update:
    return (
        update(_copy)
        .where(_c.id == copy)
        .where(_c.state == State.ATTEMPTING, or_(_OURS.is_(None), _c.worker == _OURS))
        .values(
            state=State.ACCEPTED, settled_at=bindparam("at", type_=UtcDateTime()), code=code,
            words=words, reason=case((_c.reason == REPEATED, REPEATED), else_=None),
        )
    )  # fmt: skip


_ACCEPT = _accepting(
    bindparam("copy", type_=Integer()),
    bindparam("said", type_=String()),
    bindparam("spoken", type_=String()),
)
# For PostgreSQL in one statement: while the driver sends many as a pipeline, the server does not
# see how long a transaction stands idle, and would keep the locks of a process that was stopped.
_told = func.unnest(
    bindparam("copies", type_=ARRAY(Integer)), bindparam("said", type_=ARRAY(String)),
    bindparam("spoken", type_=ARRAY(String)),
).table_valued(
    column("id", Integer), column("code", String), column("words", String), name="told"
).render_derived()  # fmt: skip
_ACCEPT_MANY = _accepting(_told.c.id, _told.c.code, _told.c.words)
_NOTE_ALIAS = database.inserting(cast(Table, MessageAlias.__table__), "message_id")


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
    if accepted and _accept(session, accepted, worker) != len(accepted):
        others += _not_accepted(session, accepted)
    if others:
        _write_singly(session, others, worker)
    if finish and outcomes:
        ids = [one.delivery_id for one in ordered]
        concerned = select(Delivery.mailing_id).where(Delivery.id.in_(ids)).distinct()
        for mailing_id in sorted(session.scalars(concerned)):
            ledger.finish_if_done(session, mailing_id)


def _accept(session: Session, outcomes: list[Outcome], worker: str | None) -> int:
    """Write down what was accepted; how many rows that concerned."""
    shared: dict[str, object] = {"by": worker, "at": clock.now()}
    said = [(one.delivery_id, (one.code or "")[:20] or None, one.words) for one in outcomes]
    connection = session.connection()
    if database.on_postgresql(session):
        copies, codes, words = map(list, zip(*said, strict=True))
        told = {"copies": copies, "said": codes, "spoken": words}
        return connection.execute(_ACCEPT_MANY, shared | told).rowcount
    facts = [shared | {"copy": copy, "said": code, "spoken": words} for copy, code, words in said]
    return connection.execute(_ACCEPT, facts).rowcount


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


def hasten(session: Session, delivery_id: int) -> None:
    """Let a copy that a route could not take be tried at once, by another."""
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == State.DEFERRED)
        .values(next_try=clock.now()),
        execution_options={"synchronize_session": False},
    )


def note_alias(session: Session, message_id: str, mailing_id: int) -> None:
    """Keep a Message-ID under which copies of a mailing go, besides its own."""
    connection = session.connection()
    alias = {"message_id": message_id, "mailing_id": mailing_id}
    connection.execute(_NOTE_ALIAS[connection.dialect.name], alias)

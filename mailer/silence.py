"""Workers that went silent: what they had on the wire is in doubt, and is planned again or left."""

import datetime as dt
import logging
from collections.abc import Mapping
from typing import cast

from sqlalchemy import (
    ColumnElement,
    Executable,
    String,
    Table,
    bindparam,
    exists,
    select,
    update,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import Session

from core import clock, settings
from core.database import UtcDateTime
from mailer import ledger
from mailer.ledger import REPEATED
from mailer.models import Delivery, Mailing, MailingState, State, Worker
from mailer.settling import MOST_DOUBTS

log = logging.getLogger(__name__)


# Statements with which each run of a worker begins are built once (see mailer/claims.py).
_copy, _worker = (cast(Table, mapped.__table__) for mapped in (Delivery, Worker))
_c = _copy.c
_BEAT = {
    name: made.on_conflict_do_update(index_elements=["id"], set_={"seen_at": made.excluded.seen_at})
    for name, made in (
        ("postgresql", insert_on_postgresql(_worker)), ("sqlite", insert_on_sqlite(_worker))
    )
}  # fmt: skip


def _doubting(whose: ColumnElement[bool]) -> Executable:
    """Put in doubt what is marked as on the wire by workers that have nothing there any more."""
    lost = (
        select(_c.id)
        .where(_c.state == State.ATTEMPTING, whose)
        .with_for_update(skip_locked=True)
        .cte("lost")
    )
    return (
        update(_copy)
        .where(_c.id.in_(select(lost.c.id)))
        .values(state=State.IN_DOUBT)
        .returning(_c.id)
    )


_DOUBT_OURS = _doubting(_c.worker == bindparam("whose", type_=String()))
_LIVELY = select(_worker.c.id).where(_worker.c.seen_at > bindparam("since", type_=UtcDateTime()))
_DOUBT_SILENT = _doubting(_c.worker.not_in(_LIVELY))


def beat(session: Session, worker: str) -> None:
    """Say that a worker is alive."""
    connection, now = session.connection(), clock.now()
    row = {"id": worker, "started_at": now, "seen_at": now}
    connection.execute(_BEAT[connection.dialect.name], row)


def take_up(session: Session, worker: str, silent_for: dt.timedelta) -> None:
    """Plan again what an earlier run under the name of this worker left on the wire."""
    if _doubt(session, _DOUBT_OURS, {"whose": worker}):
        reclaim(session, silent_for)


def reclaim(session: Session, silent_for: dt.timedelta) -> int:
    """Plan again what silent workers had on the wire, and what was in doubt for long enough.

    Such copies keep the mark REPEATED, and go out as the same bytes; or they stay in doubt for
    good, where the setting `after_doubt` says so. Also finishes what a crash kept from being
    finished. Returns how many copies are planned again.
    """
    now = clock.now()
    leave = settings.current().after_doubt == "leave"
    _doubt(session, _DOUBT_SILENT, {"since": now - silent_for})
    again = 0
    doubted = (
        select(Delivery)
        .join(Mailing)
        .where(Delivery.state == State.IN_DOUBT, Delivery.settled_at.is_(None))
        .where(Delivery.next_try <= now)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    for row in session.scalars(doubted).all():
        cancelled = row.mailing.state == MailingState.CANCELLED
        if leave or cancelled or row.attempts >= MOST_DOUBTS:
            row.settled_at = now
            continue
        row.state, row.reason, row.worker = State.PLANNED, REPEATED, None
        again += 1
    session.flush()
    if again:
        ledger.bell.after_commit(session)
    _finish_what_a_crash_left(session)
    return again


def _doubt(session: Session, statement: Executable, facts: Mapping[str, object]) -> int:
    session.flush()
    rows = session.connection().scalars(statement, facts).all()
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

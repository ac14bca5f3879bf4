"""Workers that went silent: what they had on the wire is in doubt, and is planned again or left."""

import datetime as dt
import logging

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import Session

from core import clock, settings
from mailer import ledger
from mailer.ledger import REPEATED
from mailer.models import Delivery, Mailing, MailingState, State, Worker
from mailer.settling import MOST_DOUBTS

log = logging.getLogger(__name__)


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

    Such copies keep the mark REPEATED, and go out as the same bytes; or they stay in doubt for
    good, where the setting `after_doubt` says so. Also finishes what a crash kept from being
    finished. Returns how many copies are planned again.
    """
    now = clock.now()
    leave = settings.current().after_doubt == "leave"
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
        cancelled = row.mailing.state == MailingState.CANCELLED
        if leave or cancelled or row.attempts >= MOST_DOUBTS:
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

"""The outbox: events written down with the change itself, and a receipt for each reaction.

Life of an event: *record* (with the change, one commit) - *ring* - *spread* (one receipt a
reaction) - *run* each receipt with its effect in one commit. The broker only rings; whatever has
no receipt, or one that is not done, is rung again by the relay.
"""

import datetime as dt
import logging
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock, database
from core.events import CATALOGUE, Event

log = logging.getLogger(__name__)

#: After so many failures a receipt is *stuck*: a person has to look.
MOST_ATTEMPTS = 8
#: Wait before the next try after the first, second, ... failure.
BACK_OFF = [dt.timedelta(seconds=s) for s in (1, 5, 30, 120, 600, 1800, 3600)]


class EventRow(database.Base):
    """One thing that happened."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    facts: Mapped[str]
    key: Mapped[str | None] = mapped_column(String(200), unique=True)
    at: Mapped[dt.datetime]
    spread_at: Mapped[dt.datetime | None]
    __table_args__ = (Index("ix_event_unspread", "id", postgresql_where="spread_at IS NULL"),)


class Receipt(database.Base):
    """What became of one reaction to one event: due, done or stuck."""

    __tablename__ = "receipt"
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    reaction: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(10), default="due")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[dt.datetime]
    trouble: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("event_id", "reaction"),
        Index("ix_receipt_due", "state", "next_try"),
    )


Reaction = Callable[[Session, Event], None]
_ring: Callable[[int], None] | None = None


def ring_with(ring: Callable[[int], None] | None) -> None:
    """Have `ring` called with the id of each event recorded, once it is committed."""
    global _ring
    _ring = ring


def record(session: Session, event: Event, key: str | None = None) -> int | None:
    """Write an event down in the caller's transaction.

    `key` makes it unique: the second record of the same key does nothing and returns None.
    Returns the id of the event.
    """
    values = {"name": type(event).__name__, "facts": event.to_json(), "key": key, "at": clock.now()}
    insert = insert_on_postgresql if database.on_postgresql(session) else insert_on_sqlite
    statement = insert(EventRow).values(**values)
    if key is not None:
        statement = statement.on_conflict_do_nothing(index_elements=["key"])
    event_id = session.scalar(statement.returning(EventRow.id))
    if event_id is not None:
        database.after_commit(session, lambda: _tell(event_id))
    return event_id


def _tell(event_id: int) -> None:
    if _ring is None:
        return
    try:
        _ring(event_id)
    except Exception as trouble:  # noqa: BLE001 - a broken bell loses nothing: the relay rings again
        log.warning("bell_broken", extra={"event": event_id, "why": type(trouble).__name__})


def spread(event_id: int, reactions: Callable[[type[Event]], Iterable[str]]) -> list[int]:
    """Give an event one receipt a reaction, once; returns the ids of its receipts that are due.

    `reactions` names the reactions to a kind of event.
    """
    with database.transaction() as session:
        row = session.get(EventRow, event_id, with_for_update=True)
        if row is None:
            return []
        if row.spread_at is None:
            now = clock.now()
            for name in reactions(CATALOGUE[row.name]):
                session.add(Receipt(event_id=event_id, reaction=name, next_try=now, attempts=0))
            row.spread_at = now
            session.flush()
        due = select(Receipt.id).where(Receipt.event_id == event_id, Receipt.state == "due")
        return list(
            session.scalars(due.where(Receipt.next_try <= clock.now()).order_by(Receipt.id))
        )


def run(receipt_id: int, find: Callable[[str], Reaction]) -> bool:
    """Run one reaction and mark its receipt done, in one commit; returns whether it is done.

    A failure is rolled back and noted on the receipt (class and place of the exception, never its
    text: that may hold personal data), to be tried again later; after MOST_ATTEMPTS it is stuck.
    """
    try:
        with database.transaction() as session:
            receipt = session.get(Receipt, receipt_id, with_for_update={"skip_locked": True})
            if receipt is None or receipt.state != "due":
                return receipt is not None and receipt.state == "done"
            row = session.get_one(EventRow, receipt.event_id)
            event = CATALOGUE[row.name].from_json(row.facts)
            find(receipt.reaction)(session, event)
            receipt.state = "done"
            receipt.trouble = None
            return True
    except Exception as trouble:  # noqa: BLE001 - whatever went wrong is written on the receipt
        _note(receipt_id, trouble)
        return False


def _note(receipt_id: int, trouble: Exception) -> None:
    frames = traceback.extract_tb(trouble.__traceback__)
    place = " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames[-4:]))
    with database.transaction() as session:
        receipt = session.get(Receipt, receipt_id, with_for_update=True)
        if receipt is None or receipt.state != "due":
            return
        receipt.attempts += 1
        receipt.trouble = f"{type(trouble).__name__} at {place}"
        receipt.next_try = clock.now() + BACK_OFF[min(receipt.attempts, len(BACK_OFF)) - 1]
        if receipt.attempts >= MOST_ATTEMPTS:
            receipt.state = "stuck"
        facts = {"receipt": receipt_id, "reaction": receipt.reaction, "trouble": receipt.trouble}
    log.error("reaction_failed", extra=facts)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the outbox still owes: ids of events to ring for, and how many receipts are stuck."""

    events: list[int]
    stuck: int


def backlog(session: Session, limit: int = 500) -> Backlog:
    """Events not spread yet, or with a receipt that is due now, oldest first."""
    unspread = select(EventRow.id).where(EventRow.spread_at.is_(None)).order_by(EventRow.id)
    due = (
        select(Receipt.event_id)
        .where(Receipt.state == "due", Receipt.next_try <= clock.now())
        .order_by(Receipt.event_id)
    )
    ids = {*session.scalars(unspread.limit(limit)), *session.scalars(due.limit(limit))}
    stuck = session.scalar(select(func.count()).where(Receipt.state == "stuck")) or 0
    return Backlog(sorted(ids), stuck)


def retry(session: Session, receipt_id: int) -> None:
    """Let a stuck reaction try again."""
    receipt = session.get_one(Receipt, receipt_id)
    receipt.state, receipt.attempts, receipt.next_try = "due", 0, clock.now()

"""The outbox: events written down with the change itself, and a receipt for each reaction.

Life of an event: *record* (with the change, one commit) - *ring* - *spread* (one receipt a
reaction) - *run* each receipt with its effect in one commit. The broker only rings; whatever has
no receipt, or one that is not done, is found by the next look (the relay). Where the reactions to
an event can react to several at once, all this is one commit for many events; if that fails, each
receipt is run by itself.
"""

import datetime as dt
import logging
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ForeignKey,
    Index,
    Row,
    Select,
    String,
    UniqueConstraint,
    func,
    insert,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock, database
from core.events import CATALOGUE, Event

log = logging.getLogger(__name__)

#: After so many failures a receipt is *stuck*: a person has to look.
MOST_ATTEMPTS = 8
#: The event that comes in numbers: a mailbox may be full.
ARRIVED = "MailArrived"
#: So many events are taken at once: what a batch costs is shared by many, and a writer keeps
#: others waiting for a fraction of a second.
AT_ONCE = 200
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
    __table_args__ = (
        Index(
            "ix_event_unspread", "name", "id",
            postgresql_where=text("spread_at IS NULL"), sqlite_where=text("spread_at IS NULL"),
        ),
    )  # fmt: skip


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
#: A reaction to several events of its kind at once, with the same effect as one by one.
ReactionTogether = Callable[[Session, Sequence[Event]], None]
_ring: Callable[[int], None] | None = None


def ring_with(ring: Callable[[int], None] | None) -> None:
    """Have `ring` called once events are committed, with the id of the last of a transaction."""
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
        _ring_for(session, event_id)
    return event_id


def record_many(session: Session, events: Sequence[tuple[Event, str]]) -> None:
    """Write down events with their keys in the caller's transaction; known keys do nothing."""
    now = clock.now()
    rows = [
        {"name": type(event).__name__, "facts": event.to_json(), "key": key, "at": now}
        for event, key in events
    ]
    if rows:
        make = insert_on_postgresql if database.on_postgresql(session) else insert_on_sqlite
        session.execute(make(EventRow).on_conflict_do_nothing(index_elements=["key"]), rows)
        _ring_for(session, 0)


def _ring_for(session: Session, event_id: int) -> None:
    """One bell a transaction is enough: who hears it looks for whatever waits."""
    if "rung" not in session.info:
        database.after_commit(session, lambda: _tell(session.info["rung"]))
    session.info["rung"] = event_id


def _tell(event_id: int) -> None:
    if _ring is None:
        return
    try:
        _ring(event_id)
    except Exception as trouble:  # noqa: BLE001 - a broken bell loses nothing: the next look finds it
        log.warning("bell_broken", extra={"event": event_id, "why": type(trouble).__name__})


def work(
    reactions: Callable[[type[Event]], Iterable[str]],
    find: Callable[[str], Reaction],
    find_together: Callable[[str], ReactionTogether | None] = lambda _: None,
) -> int:
    """Spread what waits and run what is due, up to AT_ONCE of each; returns how much that was.

    `reactions` names the reactions to a kind of event; `find` gives one by its name, and
    `find_together` its form for several events, if it has one.
    """
    with database.reading() as session:
        name, due = _next_name(session), _due(session)
    done = _react_at_once(name, reactions, find_together) if name else 0
    if done is None:
        done = _spread_waiting(reactions)
        with database.reading() as session:
            due = _due(session)
    for reaction, receipts in due.items():
        together = find_together(reaction) if len(receipts) > 1 else None
        count = _run_together(reaction, together) if together else None
        if count is None:
            count = sum(run(receipt, find) for receipt in receipts)
        done += count
    return done


def _due(session: Session) -> dict[str, list[int]]:
    """The receipts that are due, by their reaction."""
    wanted = select(Receipt.reaction, Receipt.id).where(
        Receipt.state == "due", Receipt.next_try <= clock.now()
    )
    due: dict[str, list[int]] = {}
    for row in session.execute(wanted.order_by(Receipt.id).limit(AT_ONCE)):
        due.setdefault(row.reaction, []).append(row.id)
    return due


def _waiting() -> Select[int, str, str]:
    waiting = select(EventRow.id, EventRow.name, EventRow.facts)
    return waiting.where(EventRow.spread_at.is_(None)).order_by(EventRow.id).limit(AT_ONCE)


def _next_name(session: Session) -> str | None:
    """The name of the event to take up next, if one waits.

    What is in hand is brought to its end before more mail is taken in.
    """
    others = _waiting().where(EventRow.name.in_(CATALOGUE.keys() - {ARRIVED})).limit(1)
    arrived = _waiting().where(EventRow.name == ARRIVED).limit(1)
    first = union_all(*(select(one.subquery()) for one in (others, arrived))).subquery()
    return session.scalar(select(first.c.name).order_by(first.c.name == ARRIVED).limit(1))


def _react_at_once(
    name: str,
    reactions: Callable[[type[Event]], Iterable[str]],
    find_together: Callable[[str], ReactionTogether | None],
) -> int | None:
    """Spread events of a name, react and give receipts that are done, all in one commit.

    Returns how many events; None if not all reactions can, or one failed: then nothing of it has
    happened.
    """
    names = list(reactions(CATALOGUE[name]))
    forms = [form for one in names if (form := find_together(one)) is not None]
    if not names or len(forms) < len(names):
        return None
    try:
        with database.transaction() as session:
            wanted = _waiting().where(EventRow.name == name)
            rows = session.execute(wanted.with_for_update(skip_locked=True)).all()
            events = [CATALOGUE[name].from_json(row.facts) for row in rows]
            for react in forms if events else ():
                react(session, events)
            _give_receipts(session, rows, lambda _: names, "done")
    except Exception as trouble:  # noqa: BLE001 - which of them it was shows when each is run
        log.warning("reactions_apart", extra={"why": type(trouble).__name__})
        return None
    return len(rows)


def _spread_waiting(reactions: Callable[[type[Event]], Iterable[str]]) -> int:
    """Give events that wait one receipt a reaction; returns how many events."""
    with database.transaction() as session:
        rows = session.execute(_waiting().with_for_update(skip_locked=True)).all()
        _give_receipts(session, rows, reactions, "due")
    return len(rows)


def _give_receipts(
    session: Session,
    rows: Sequence[Row[int, str, str]],
    reactions: Callable[[type[Event]], Iterable[str]],
    state: str,
) -> None:
    now = clock.now()
    receipts = [
        {"event_id": row.id, "reaction": name, "next_try": now, "attempts": 0, "state": state}
        for row in rows
        for name in reactions(CATALOGUE[row.name])
    ]
    if receipts:
        session.execute(insert(Receipt), receipts)
    spread = update(EventRow).where(EventRow.id.in_([row.id for row in rows]))
    session.execute(spread.values(spread_at=now))


def _run_together(reaction: str, react: ReactionTogether) -> int | None:
    """Run what is due of one reaction and mark it done, in one commit; returns how many.

    None if that failed: then nothing of it has happened.
    """
    wanted = (
        select(Receipt.id, EventRow.name, EventRow.facts)
        .join(EventRow, EventRow.id == Receipt.event_id)
        .where(Receipt.reaction == reaction, Receipt.state == "due")
        .where(Receipt.next_try <= clock.now())
        .order_by(Receipt.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=Receipt)
    )
    try:
        with database.transaction() as session:
            rows = session.execute(wanted).all()
            if rows:
                react(session, [CATALOGUE[row.name].from_json(row.facts) for row in rows])
                done = update(Receipt).where(Receipt.id.in_([row.id for row in rows]))
                session.execute(done.values(state="done", trouble=None))
    except Exception as trouble:  # noqa: BLE001 - which of them it was shows when each is run
        log.warning("reactions_apart", extra={"why": type(trouble).__name__})
        return None
    return len(rows)


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


def backlog(session: Session, limit: int = 50) -> Backlog:
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

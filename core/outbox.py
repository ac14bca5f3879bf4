"""The outbox: events written down with the change itself, and a receipt for each reaction.

Life of an event: *record* (with the change, one commit) - *ring* - *spread* (one receipt a
reaction) - *run* each receipt with its effect in one commit. The broker only rings; whatever has
no receipt, or one that is not done, is found by the next look (the relay). Where the reactions to
an event can react to several at once, all this is one commit for many events, and what a few
messages lead to is in it too; if that fails, each receipt is run by itself.
"""

import datetime as dt
import logging
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import (
    BindParameter,
    ForeignKey,
    Index,
    Row,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
    update,
)  # fmt: skip
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock, database, rows
from core.among import among
from core.bell import Bell
from core.database import UtcDateTime
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
#: What tells of the reactions: their names by kind of event, one by its name, and the form of one
#: for several events, if it has one.
Names = Callable[[type[Event]], Iterable[str]]
Find = Callable[[str], Reaction]
FindTogether = Callable[[str], ReactionTogether | None]

#: Rung when events are committed.
bell = Bell("events")

# Statements of the way that every event takes are built once, on bare tables: with mapped classes,
# building and executing cost several times what the database needs.
_event, _receipt = (cast(Table, mapped.__table__) for mapped in (EventRow, Receipt))
_e, _r = _event.c, _receipt.c
_NOW: BindParameter[dt.datetime] = bindparam("now", type_=UtcDateTime())
_WAITING = select(_e.id, _e.name, _e.facts).where(_e.spread_at.is_(None)).order_by(_e.id)
_TAKE_ALL = _WAITING.limit(AT_ONCE).with_for_update(skip_locked=True)
_TAKE = _TAKE_ALL.where(_e.name == bindparam("called", type_=String()))
# What is in hand is brought to its end before more mail is taken in.
_FIRST = union_all(
    *(
        select(_WAITING.where(which).limit(1).subquery())
        for which in (_e.name.in_(sorted(CATALOGUE.keys() - {ARRIVED})), _e.name == ARRIVED)
    )
).subquery()
_NEXT_NAME = select(_FIRST.c.name).order_by(_FIRST.c.name == ARRIVED).limit(1)
_DUE = (
    select(_r.reaction, _r.id)
    .where(_r.state == "due", _r.next_try <= _NOW)
    .order_by(_r.id)
    .limit(AT_ONCE)
)
#: To each of the events taken a receipt of one reaction.
_GIVE = insert(_receipt).from_select(
    ["event_id", "reaction", "state", "attempts", "next_try"],
    select(
        _e.id, bindparam("reaction", type_=String()), bindparam("as", type_=String()),
        literal(0), _NOW,
    ).where(among(_e.id, "taken")).order_by(_e.id),
)  # fmt: skip
_SPREAD = update(_event).where(among(_e.id, "taken")).values(spread_at=_NOW)
#: A key that is known makes no second event.
_RECORD = database.inserting(_event, "key")
_RECORD_ONE = {name: statement.returning(_e.id) for name, statement in _RECORD.items()}
_RECORD_MANY = {
    name: _RECORD[name].from_select(
        ["name", "facts", "key", "at"],
        # SQLite would take ON CONFLICT for the condition of a join.
        select(told.c.name, told.c.facts, told.c.key, _NOW).where(literal(1) == 1),
    )
    for name, told in rows.given("name facts key", "").items()
}


def record(session: Session, event: Event, key: str | None = None) -> int | None:
    """Write an event down in the caller's transaction.

    `key` makes it unique: the second record of the same key does nothing and returns None.
    Returns the id of the event.
    """
    connection = session.connection()
    statement = _RECORD_ONE[connection.dialect.name]
    event_id: int | None = connection.scalar(statement, _row(event, key) | {"at": clock.now()})
    if event_id is not None:
        _note_recorded(session, [event])
    return event_id


def record_many(session: Session, events: Sequence[tuple[Event, str]]) -> None:
    """Write down events with their keys in the caller's transaction; known keys do nothing."""
    if events:
        connection = session.connection()
        told = rows.handed([_row(event, key) for event, key in events])
        statement = _RECORD_MANY[connection.dialect.name]
        connection.execute(statement, {"rows": told, "now": clock.now()})
        _note_recorded(session, [event for event, _ in events])


def _row(event: Event, key: str | None) -> dict[str, str | None]:
    return {"name": type(event).__name__, "facts": event.to_json(), "key": key}


def _note_recorded(session: Session, events: Iterable[Event]) -> None:
    """Ring after the commit, and remember the names: whoever reacts here may go on with them."""
    bell.after_commit(session)
    _recorded(session).update((type(event).__name__, None) for event in events)


def _recorded(session: Session) -> dict[str, None]:
    """The names of the events that were recorded in a transaction, the first of them first."""
    names: dict[str, None] = session.info.setdefault("recorded", {})
    return names


def work(reactions: Names, find: Find, find_together: FindTogether = lambda _: None) -> int:
    """Spread what waits and run what is due, up to AT_ONCE of each; returns how much that was.

    What is recorded on the way is followed up without another look.
    """
    with database.reading() as session:
        waiting, due = _next_names(session), _due(session)
    done = 0
    while waiting:
        taken = _react_at_once(waiting.pop(0), reactions, find_together)
        if taken is None:
            done += _spread_waiting(reactions)
            with database.reading() as session:
                due = _due(session)
            break
        done += taken.count
        waiting += [name for name in taken.recorded if name not in waiting]
    for reaction, receipts in due.items():
        together = find_together(reaction) if len(receipts) > 1 else None
        count = _run_together(reaction, together) if together else None
        if count is None:
            count = sum(run(receipt, find) for receipt in receipts)
        done += count
    return done


def _due(session: Session) -> dict[str, list[int]]:
    """The receipts that are due, by their reaction."""
    due: dict[str, list[int]] = {}
    for row in session.connection().execute(_DUE, {"now": clock.now()}):
        due.setdefault(row.reaction, []).append(row.id)
    return due


def _next_names(session: Session) -> list[str]:
    """The name of the event to take up next, if one waits."""
    return list(session.connection().scalars(_NEXT_NAME))


@dataclass(frozen=True, slots=True)
class _Taken:
    """How many events were reacted to, and the names of those that were recorded meanwhile."""

    count: int
    recorded: tuple[str, ...]


def _react_at_once(name: str, reactions: Names, find_together: FindTogether) -> _Taken | None:
    """Spread events of a name, react and give receipts that are done, all in one commit.

    None if not all reactions can, or one failed: then nothing of it has happened.
    """
    forms = _forms(name, reactions, find_together)
    if forms is None:
        return None
    try:
        with database.transaction() as session:
            bell.keep_quiet(session)  # what is recorded here is followed up by `work`
            count = _take(session, name, forms)
            # What few messages lead to is taken up in the same commit: each is filed the sooner.
            if name == ARRIVED and count <= database.FEW:
                for told in tuple(_recorded(session)):
                    more = _forms(told, reactions, find_together)
                    count += _take(session, told, more) if more else 0
            return _Taken(count, tuple(_recorded(session)))
    except Exception as trouble:  # noqa: BLE001 - which of them it was shows when each is run
        log.warning("reactions_apart", extra={"why": type(trouble).__name__})
        return None


def _forms(
    name: str, reactions: Names, find_together: FindTogether
) -> dict[str, ReactionTogether] | None:
    """The reactions to events of a name, in their form for several; None if one has none."""
    names = list(reactions(CATALOGUE[name]))
    forms = {one: form for one in names if (form := find_together(one)) is not None}
    return forms if len(forms) == len(names) else None


def _take(session: Session, name: str, forms: Mapping[str, ReactionTogether]) -> int:
    """React to the events of a name that wait; returns how many they were."""
    taken = session.connection().execute(_TAKE, {"called": name}).all()
    if taken:
        database.plan_for(session, len(taken))
        events = [CATALOGUE[name].from_json(row.facts) for row in taken]
        _recorded(session).pop(name, None)
        for react in forms.values():
            react(session, events)
        _give_receipts(session, taken, lambda _: forms, "done")
    return len(taken)


def _spread_waiting(reactions: Names) -> int:
    """Give events that wait one receipt a reaction; returns how many events."""
    with database.transaction() as session:
        taken = session.connection().execute(_TAKE_ALL).all()
        _give_receipts(session, taken, reactions, "due")
    return len(taken)


def _give_receipts(
    session: Session, rows: Sequence[Row[int, str, str]], reactions: Names, state: str
) -> None:
    now = clock.now()
    connection = session.connection()
    due: dict[str, list[int]] = {}
    for row in rows:
        for name in reactions(CATALOGUE[row.name]):
            due.setdefault(name, []).append(row.id)
    for name, taken in due.items():
        facts = {"reaction": name, "as": state, "taken": taken, "now": now}
        connection.execute(_GIVE, facts)
    if rows:
        connection.execute(_SPREAD, {"taken": [row.id for row in rows], "now": now})


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

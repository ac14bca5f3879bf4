"""One session over SQLite or PostgreSQL: the engine, transactions and the column types."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    DateTime,
    Engine,
    Insert,
    MetaData,
    Table,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An instant: stored in UTC without a zone, handed out in UTC with one."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else _in_utc(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """On SQLite write the text itself, as `DateTime` would: each row holds several instants."""
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)
        return lambda value: value and in_words(value)

    def process_result_value(
        self, value: dt.datetime | None, dialect: Dialect
    ) -> dt.datetime | None:
        return value.replace(tzinfo=dt.UTC) if value is not None else None


def in_words(value: dt.datetime) -> str:
    """An instant as SQLite stores it and PostgreSQL reads it; ValueError for a time of no zone."""
    return _in_utc(value).isoformat(" ", "microseconds")


def _in_utc(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return value.astimezone(dt.UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """Root of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {dt.datetime: UtcDateTime}


class InTransaction(RuntimeError):
    """Something that waits for the network was called while a transaction is open."""


#: No transaction of ours waits for the network. One that stands still belongs to a process that
#: was stopped or cut off, and must not keep its locks: others could not take up what it left.
_NO_IDLE_LOCKS = "-c idle_in_transaction_session_timeout=60s"

#: PostgreSQL takes a page out of order for four times as dear as the next one, as it was on disks
#: that turn, and so reads a whole table of 20,000 posts to find two hundred of them.
_NO_TURNING_DISK = "-c random_page_cost=1.1"

#: 8 MiB of pages are kept by each connection: more of them cost memory and gain nothing.
_PRAGMAS = (
    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=60000",
    "cache_size=-8192",
)  # fmt: skip

#: A connection that has rested for so long is asked whether it lives before it is used again.
#: (To ask each time would cost as much as a small question does.)
RESTED_SECONDS = 1.0

#: So many statements are parsed and planned once a connection. A message alone takes seventy: of
#: the hundred that the driver remembers each would be forgotten before it comes again.
MOST_PREPARED = 500
_WROTE = "wrote"

_engine: Engine | None = None
_open = threading.local()


def connect(address: str) -> Engine:
    """Open the database at a SQLAlchemy address and make it the one of this process."""
    global _engine
    if _engine is not None:
        _engine.dispose()
    url = make_url(address)
    if url.get_backend_name() == "sqlite":
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        # The connection last used has the right pages at hand: others need not keep them too.
        _engine = create_engine(url, connect_args={"timeout": 60}, pool_use_lifo=True)
        event.listen(_engine, "connect", _prepare_sqlite)
        event.listen(_engine, "begin", _begin_sqlite)
    else:
        _engine = create_engine(
            url, pool_size=10, max_overflow=20, pool_use_lifo=True,
            connect_args={"options": f"{_NO_IDLE_LOCKS} {_NO_TURNING_DISK}"},
        )  # fmt: skip
        event.listen(_engine, "connect", _prepare_postgresql)
        event.listen(_engine, "before_cursor_execute", _note_writing)
        event.listen(_engine, "checkin", _note_rest)
        event.listen(_engine, "checkout", _ask_after_rest)
    return _engine


def engine() -> Engine:
    """The database of this process; `connect` comes first."""
    if _engine is None:
        raise RuntimeError("no database is connected: call core.database.connect first")
    return _engine


def _note_rest(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info["rests_since"] = time.monotonic()


def _ask_after_rest(connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:
    """Have a connection that was lost while it rested replaced, and all others with it."""
    since = entry.info.get("rests_since")
    if since is None or time.monotonic() - since < RESTED_SECONDS:
        return
    dialect = engine().dialect
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as trouble:
        raise InvalidatePoolError from trouble


def _prepare_postgresql(connection: Any, _record: object) -> None:
    connection.prepared_max = MOST_PREPARED


def _note_writing(
    connection: Any, _cursor: object, _text: object, _facts: object, context: Any, _many: object
) -> None:
    """Of a session that only reads, whatever is no plain question is undone at its end."""
    compiled = context.compiled
    if compiled is None or not compiled.statement.is_select:
        connection.info[_WROTE] = True


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late
    for line in _PRAGMAS:
        connection.execute(f"PRAGMA {line}")


def _begin_sqlite(connection: Any) -> None:
    reading = connection.get_execution_options().get("reading", False)
    # A writer that begins by reading could find the lock taken when it is too late to wait.
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that is committed when the block ends well and rolled back when it does not.

    This is the only place that commits. What `after_commit` has noted runs once it is done.
    """
    session = Session(engine(), expire_on_commit=False)
    _open.depth = getattr(_open, "depth", 0) + 1
    try:
        with session.begin():
            yield session
    finally:
        _open.depth -= 1
        session.close()
    for act in session.info.get("after_commit", []):
        act()


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only reads; it never waits for writers, and what it changes is dropped."""
    with (
        engine().connect().execution_options(reading=True) as connection,
        Session(connection, expire_on_commit=False) as session,
    ):
        _open.depth = getattr(_open, "depth", 0) + 1
        connection.info[_WROTE] = not on_postgresql(session)
        try:
            yield session
        except BaseException:
            connection.info[_WROTE] = True
            raise
        finally:
            _open.depth -= 1
            session.expunge_all()  # what was read stays readable; a rollback would expire it
            if connection.info[_WROTE]:
                session.rollback()
            else:  # at a rollback the driver forgets all statements that it has prepared
                session.commit()


def after_commit(session: Session, act: Callable[[], None]) -> None:
    """Have `act` called once the transaction of `session` has been committed."""
    session.info.setdefault("after_commit", []).append(act)


def forbid_transaction() -> None:
    """Raise InTransaction if this thread holds a transaction: called before the network is."""
    if getattr(_open, "depth", 0):
        raise InTransaction("no network call inside a transaction: commit first")


def hold(session: Session, *things: object) -> None:
    """Keep what was read at hand until the transaction ends: a session itself forgets it at once.

    Who asks for it by its id later asks the session, not the database.
    """
    session.info.setdefault("held", []).extend(things)


#: What is asked for more values than so many is planned by what there is.
FEW = 20


def plan_for(session: Session, count: int) -> None:
    """Prepare a transaction that asks for so many values at once.

    PostgreSQL keeps the plan of a prepared statement. One that was made while a table was small
    reads the whole of it later on, until statistics are taken: of 20,000 messages that came at
    once, each took the server twice as long as of 5,000. For a few values, to plan costs more.
    """
    if count > FEW and on_postgresql(session):
        session.execute(_PLAN_ANEW)


_PLAN_ANEW = text("SET LOCAL plan_cache_mode = force_custom_plan")


def next_ids(session: Session, table: Table, count: int) -> list[int]:
    """Ids for so many new rows of a table, which nobody else gets.

    To write rows with their ids is cheaper than to ask for the id of each that was written.
    """
    if count == 0:
        return []
    if on_postgresql(session):
        sequence = func.pg_get_serial_sequence(table.name, "id")
        each = select(func.nextval(sequence)).select_from(func.generate_series(1, count))
        return list(session.scalars(each))
    # SQLite has one writer, and that is this transaction.
    last = session.scalar(select(func.max(table.c.id))) or 0
    return list(range(last + 1, last + 1 + count))


def inserting(table: Table, *unique: str) -> Mapping[str, Insert]:
    """To insert rows but those whose `unique` columns are taken: by the name of the dialect."""
    return {
        "postgresql": insert_on_postgresql(table).on_conflict_do_nothing(index_elements=unique),
        "sqlite": insert_on_sqlite(table).on_conflict_do_nothing(index_elements=unique),
    }


def on_postgresql(session: Session) -> bool:
    """Whether the session speaks to PostgreSQL (else SQLite)."""
    return session.get_bind().dialect.name == "postgresql"

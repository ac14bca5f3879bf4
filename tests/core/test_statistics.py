"""Statistics of new tables: taken once they hold something, and then left to the database."""

import time

import pytest
from sqlalchemy import func, insert, select, text

from core import clock, database, statistics
from core.outbox import EventRow

_TAKEN = text(
    "SELECT last_analyze FROM pg_stat_user_tables WHERE relname = 'event'"
    " AND last_analyze IS NOT NULL"
)


def fill(count: int) -> None:
    """Write so many events."""
    with database.transaction() as session:
        session.execute(
            insert(EventRow),
            [
                {"name": "Joined", "facts": "{}", "key": f"k{number}", "at": clock.now()}
                for number in range(count)
            ],
        )


def taken() -> list[object]:
    """When statistics were taken because we asked; what is asked for says so a moment later."""
    end = time.monotonic() + 3
    found: list[object] = []
    while not found and time.monotonic() < end:
        statistics.take_first()
        with database.reading() as session:
            found = list(session.scalars(_TAKEN))
        time.sleep(0.1)
    return found


def test_statistics_of_a_table_are_taken_when_it_has_grown(db: str) -> None:
    """On PostgreSQL, once; SQLite plans without, and is left alone."""
    fill(statistics.ENOUGH)
    statistics.take_first()
    if database.engine().dialect.name != "postgresql":
        with database.reading() as session:
            assert session.scalar(select(func.count()).select_from(EventRow)) == statistics.ENOUGH
        return
    first = taken()
    assert first
    assert taken() == first


def test_a_small_table_needs_none(db: str) -> None:
    """Whatever the plan, a few rows are read at once."""
    fill(statistics.ENOUGH - 1)
    if database.engine().dialect.name == "postgresql":
        assert not taken()


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_batch_is_looked_up_and_not_searched_for(db: str) -> None:
    """What 200 of 20,000 rows cost must not grow with the table: the index leads to them."""
    fill(20_000)
    assert taken()
    keys = [f"k{number * 7}" for number in range(200)]
    with database.reading() as session:
        plan = session.scalars(
            text("EXPLAIN SELECT id FROM event WHERE key = ANY(:keys)"), {"keys": keys}
        )
        assert "Index Scan" in plan.all()[0]

"""Many rows as one parameter: words, numbers and nothing arrive as they were."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    select,
)
from sqlalchemy.exc import StatementError

from core import database, rows

GIVEN = rows.given("said other", "number")
WORDS = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ROWS = st.lists(st.tuples(WORDS, st.none() | st.integers(-(2**63), 2**63 - 1)))


def test_rows_arrive_as_they_were_and_in_order(db: str) -> None:
    """Quotes, signs of any language, numbers of 64 bits; what is missing is nothing."""
    told = GIVEN[database.engine().dialect.name].c
    wanted = select(told.said, told.number, told.other)
    with database.reading() as session:

        @settings(max_examples=100, deadline=None)
        @given(ROWS)
        def holds(values: list[tuple[str | None, int | None]]) -> None:
            handed = rows.handed([{"said": word, "number": number} for word, number in values])
            found = session.execute(wanted, {"rows": handed}).all()
            assert [tuple(row) for row in found] == [(*each, None) for each in values]

        holds()


def test_rows_are_written_as_they_are(db: str) -> None:
    """Bytes, instants of any zone, truths, words and nothing: read again they are the same."""
    table = Table(
        "anything", MetaData(), Column("words", String()), Column("truth", Boolean()),
        Column("at", database.UtcDateTime()), Column("content", LargeBinary()),
        Column("number", BigInteger()),
    )  # fmt: skip
    table.create(database.engine())
    zone = dt.timezone(dt.timedelta(hours=5, minutes=45))
    values = st.fixed_dictionaries(
        {
            "words": WORDS,
            "truth": st.none() | st.booleans(),
            "at": st.none() | st.datetimes(dt.datetime(1975, 1, 2), timezones=st.just(zone)),
            "content": st.none() | st.binary(),
            "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        }
    )

    @settings(max_examples=100, deadline=None)
    @given(st.lists(values))
    def holds(wanted: list[dict[str, object]]) -> None:
        with database.transaction() as session:
            rows.write(session, table, wanted)
            found = [dict(row._mapping) for row in session.execute(select(table))]
            session.execute(delete(table))
        assert found == wanted

    holds()


def test_what_no_column_holds_is_refused(db: str) -> None:
    """By both databases, and nothing of it is written."""
    table = Table("anything", MetaData(), Column("words", String()))
    table.create(database.engine())
    with pytest.raises((TypeError, StatementError)), database.transaction() as session:
        rows.write(session, table, [{"words": object()}])

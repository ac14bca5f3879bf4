"""Many rows as one parameter: words, numbers, instants and nothing arrive as they were."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core import database, rows

GIVEN = rows.given("said other", "number", "at")
WORDS = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.none() | st.integers(-(2**63), 2**63 - 1)
NEPAL = dt.timezone(dt.timedelta(hours=5, minutes=45))
INSTANTS = st.none() | st.datetimes(dt.datetime(1975, 1, 2), timezones=st.just(NEPAL))
ROWS = st.lists(st.tuples(WORDS, NUMBERS, INSTANTS))


def test_rows_arrive_as_they_were_and_in_order(db: str) -> None:
    """Quotes, signs of any language, numbers of 64 bits, instants; what is missing is nothing."""
    told = GIVEN[database.engine().dialect.name].c
    wanted = select(told.said, told.number, told.at, told.other)
    with database.reading() as session:

        @settings(max_examples=100, deadline=None)
        @given(ROWS)
        def holds(values: list[tuple[str | None, int | None, dt.datetime | None]]) -> None:
            handed = rows.handed(
                [{"said": word, "number": number, "at": at} for word, number, at in values]
            )
            found = session.execute(wanted, {"rows": handed}).all()
            assert [tuple(row) for row in found] == [(*each, None) for each in values]

        holds()

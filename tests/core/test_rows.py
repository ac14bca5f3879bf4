"""Many rows as one parameter: words, numbers and nothing arrive as they were."""

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

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

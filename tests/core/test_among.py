"""Many values as one parameter, and ids before the rows: the same on both databases."""

import pytest
from sqlalchemy import insert, select

from core import clock, database
from core.among import among
from core.outbox import EventRow
from mailer.models import Incoming

WORDS = ["plain", 'with "quotes" and \\', "it's; --", "Ymddiriedolaeth ŵ 会议", "", "[1,2]"]


def _write(words: list[str]) -> list[int]:
    with database.transaction() as session:
        ids = database.next_ids(session, EventRow.__table__, len(words))  # type: ignore[arg-type]
        rows = [
            {"id": number, "name": "Test", "facts": word, "at": clock.now()}
            for number, word in zip(ids, words, strict=True)
        ]
        session.execute(insert(EventRow), rows)
    return ids


def test_rows_are_found_by_numbers_and_by_words(db: str) -> None:
    """Whatever signs the words hold, each finds itself only; no value finds nothing."""
    ids = _write(WORDS)
    by_id = select(EventRow.facts).where(among(EventRow.id, "ids")).order_by(EventRow.id)
    by_word = select(EventRow.id).where(among(EventRow.facts, "words"), EventRow.id > 0)
    with database.reading() as session:
        assert session.scalars(by_id, {"ids": ids[2:]}).all() == WORDS[2:]
        assert session.scalars(by_id, {"ids": set()}).all() == []
        for number, word in zip(ids, WORDS, strict=True):
            assert session.scalars(by_word, {"words": {word, "no such"}}).all() == [number]


def test_more_values_than_a_statement_may_have_parameters(db: str) -> None:
    """SQLite takes 32,766 parameters and PostgreSQL 65,535: this is one."""
    (number,) = _write(["x"])
    wanted = select(EventRow.id).where(among(EventRow.id, "ids"))
    with database.reading() as session:
        assert session.scalars(wanted, {"ids": range(70_000)}).all() == [number]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_an_index_finds_the_rows(db: str) -> None:
    """Compared as a boolean, the condition would have SQLite read the whole table."""
    wanted = select(EventRow.facts).where(among(EventRow.id, "ids"), among(EventRow.key, "keys"))
    asked = wanted.compile(database.engine())
    with database.reading() as session:
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", ("[]", "[]"))
        first = plan.first()
    assert first is not None
    assert first.detail.startswith("SEARCH event USING")


def test_numbers_may_be_large(db: str) -> None:
    """UIDs have 32 bits, without a sign (RFC 9051 §2.3.1.1)."""
    wanted = select(Incoming.id).where(among(Incoming.uid, "uids"))
    with database.reading() as session:
        assert session.scalars(wanted, {"uids": [2**32 - 1]}).all() == []


def test_ids_are_given_to_one_only(db: str) -> None:
    """Ids that one transaction got come neither again nor from the database itself."""
    first = _write(["a", "b"])
    with database.transaction() as session:
        row = EventRow(name="Test", facts="c", at=clock.now())
        session.add(row)
        session.flush()
        alone = row.id
    second = _write(["d"])
    assert len({*first, alone, *second}) == 4
    assert [*first, alone, *second] == sorted([*first, alone, *second])

"""A search as it is typed, and what it finds on both databases."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import access, query, search
from archive.query import Query, read
from core import database
from tests.archive.letters import mail, put
from tests.conftest import Network


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("copilot licences", Query(("copilot", "licences"))),
        ('"note taking" cost', Query(("note taking", "cost"))),
        ('from:jane From:"Ben Boon"', Query(authors=("jane", "Ben", "Boon"))),
        ("list:AI-Network after:2026-03", Query(lists=("ai-network",), after=dt.date(2026, 3, 1))),
        ("before:2026-3-9 x", Query(("x",), before=dt.date(2026, 3, 9))),
        ("has:attachment", Query(attachment=True)),
        ("re:invent https://x.example", Query(("re", "invent", "https", "x", "example"))),
        ("", Query()),
        ("from: list:", Query(("from", "list"))),
    ],
)
def test_what_is_said(typed: str, said: Query) -> None:
    """Operators in any case, values in quotation marks, and words."""
    assert read(typed) == said


@pytest.mark.parametrize(
    "typed", ["after:yesterday", "before:2026-13", "after:0001-01-01", "has:legs"]
)
def test_what_says_nothing_is_told(typed: str) -> None:
    """The rest of the query still works."""
    said = read(f"copilot {typed}")
    assert said.words == ("copilot",)
    assert len(said.troubles) == 1
    assert typed.partition(":")[0] in said.troubles[0]


@given(st.text(max_size=60))
def test_no_query_is_wrong(typed: str) -> None:
    """Whatever is typed is read."""
    said = read(typed)
    assert len(said.words) <= query.MOST_WORDS


@pytest.mark.parametrize(
    ("typed", "subjects"),
    [
        ("from:zoe", {"Notes"}),
        ("from:anna licences", {"Licences"}),
        ("from:anna notes", set()),
        ("from:will", {"Notes"}),
        ("from:will licences", set()),
        ("from:zoe from:anna", set()),
        ("costs from:zoe", {"Notes"}),
        ("list:ai-network", {"Licences", "Notes"}),
        ("list:nowhere licences", set()),
        ("after:2027-02-02", {"Licences", "Notes"}),
        ("after:2027-02-03 licences", set()),
        ("before:2027-02-02 licences", set()),
        ("has:attachment", {"Notes"}),
        ("has:attachment licences", set()),
        ("after:never licences", {"Licences"}),
    ],
)
def test_what_is_found(network: Network, typed: str, subjects: set[str]) -> None:
    """The same posts on both databases; without words the latest first."""
    notes = mail("Zoe Will <zoe@calder.example>", "Notes", "What it costs.\n", minute=5)
    notes.add_attachment(b"a,b\n", maintype="text", subtype="csv", filename="costs.csv")
    with database.transaction() as session:
        put(session, network.main, mail(subject="Licences", text="Per head.\n"), notes)
    with database.reading() as session:
        viewer = access.viewer(session, network.coordinator)
        assert {hit.post.subject for hit in search.search(session, viewer, typed)} == subjects
        # Who may not read finds nothing, however it is asked.
        assert search.search(session, access.ANYBODY, typed) == []

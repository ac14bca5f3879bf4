"""Finding posts: the same words on both databases, and no query that is wrong."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archive import access, search
from archive.models import Post, PostState
from core import database
from tests.archive.letters import mail, put
from tests.conftest import Network


def found(network: Network, query: str, **more: int) -> list[str]:
    """The subjects that the coordinator finds."""
    with database.reading() as session:
        viewer = access.viewer(session, network.coordinator)
        return [hit.post.subject for hit in search.search(session, viewer, query, **more)]


def fill(network: Network) -> None:
    """Three posts."""
    with database.transaction() as session:
        put(
            session, network.main,
            mail(subject="Copilot licences", text="What do you pay for a licence per head?\n"),
            mail("Zoë Ångström <zoe@calder.example>", subject="Note taking in social care",
                 text="Magic notes saved hours; costs see https://calder.example/notes.\n"),
            mail(subject="Weekly news", text="Nothing about licences, much about parking.\n"),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("copilot", {"Copilot licences"}),
        ("licence", {"Copilot licences", "Weekly news"}),
        ("licences parking", {"Weekly news"}),
        ('"magic notes"', {"Note taking in social care"}),
        ('"notes magic"', set()),
        ("zoë", {"Note taking in social care"}),
        ("calder.example", {"Note taking in social care"}),
        ("licen", {"Copilot licences", "Weekly news"}),
        ("zebra", set()),
        ("", set()),
        ('" OR 1=1 --', set()),
    ],
)
def test_what_is_found(network: Network, query: str, subjects: set[str]) -> None:
    """All words, in any form, wherever they stand; phrases in quotation marks."""
    fill(network)
    assert set(found(network, query)) == subjects


def test_the_subject_weighs_more(network: Network) -> None:
    """Best first: what has the word in its subject."""
    fill(network)
    assert found(network, "licences")[0] == "Copilot licences"
    assert found(network, "licences", limit=1) == ["Copilot licences"]
    assert found(network, "licences", list_id=network.sub) == []


def test_the_snippet_shows_the_hit(network: Network) -> None:
    """The piece of text around the hit, with the hit marked."""
    with database.transaction() as session:
        text = "beginning " * 60 + "here is the zebra we want " + "ending " * 60
        put(session, network.main, mail(subject="Long", text=text))
    with database.reading() as session:
        viewer = access.viewer(session, network.coordinator)
        (hit,) = search.search(session, viewer, "zebra")
    assert "zebra" in hit.snippet
    assert len(hit.snippet) < 400
    assert [piece for piece, marked in hit.marked if marked] == ["zebra"]
    assert "".join(piece for piece, _ in hit.marked) == hit.snippet


def test_what_changes_is_indexed_anew(network: Network) -> None:
    """A rejected post is found no more; a changed one by its new words."""
    fill(network)
    with database.transaction() as session:
        viewer = access.viewer(session, network.coordinator)
        post = session.get_one(Post, search.search(session, viewer, "copilot")[0].post.id)
        post.own_words = "giraffe"
        search.index(session, post)
        search.index(session, post)
    assert found(network, "giraffe") == ["Copilot licences"]
    assert found(network, "head") == []
    with database.transaction() as session:
        post = session.get_one(Post, post.id)
        post.state = PostState.REJECTED
        search.index(session, post)
    assert found(network, "giraffe") == []


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=st.text(max_size=40))
@example(query='"unbalanced')
@example(query="a AND NEAR( OR NOT *:^ subject:x {y} -z (")
@example(query="\x00 \ud800 '' \\ %s :x & | ! <->")
@example(query="the of and")
def test_no_query_is_wrong(network: Network, query: str) -> None:
    """Whatever is typed, there is an answer and no error."""
    found(network, query)

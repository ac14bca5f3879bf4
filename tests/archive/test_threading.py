"""The forest: a function of the messages, not of the order in which they came."""

import datetime as dt
import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import threading
from archive.threading import Arrived, Placed, arrange, discussions, nearest_first

NINE = dt.datetime(2027, 2, 2, 9, tzinfo=dt.UTC)


def at(minutes: float) -> dt.datetime:
    """So many minutes after nine."""
    return NINE + dt.timedelta(minutes=minutes)


def parents(*messages: Arrived) -> dict[object, object]:
    """The parent of each message, by key."""
    return {key: placed.parent for key, placed in arrange(messages).items()}


def simple(key: str, *references: str, minute: float = 0, subject: str = "") -> Arrived:
    """A message whose key is its Message-ID; references nearest first; "Re: " makes an answer."""
    topic = subject.removeprefix("Re: ")
    return Arrived(key, key, references, at(minute), topic, subject.startswith("Re: "))


def test_an_answer_hangs_below_what_it_answers() -> None:
    """The nearest reference is the parent."""
    assert parents(simple("a"), simple("b", "a"), simple("c", "b", "a")) == {
        "a": None, "b": "a", "c": "b",
    }  # fmt: skip


def test_a_missing_parent_does_not_split() -> None:
    """With the parent missing, the nearest known ancestor takes its place; when none is there,
    those who name the same missing message stand together."""
    found = arrange([simple("a"), simple("c", "b", "a"), simple("d", "b")])
    assert found["c"].parent == "a"
    assert found["d"].parent == "a"
    assert len(discussions(found)) == 1
    orphans = arrange([simple("x", "gone"), simple("y", "gone")])
    assert [(p.parent, p.missing, p.reason) for p in orphans.values()] == [
        (None, "gone", threading.MISSING)
    ] * 2
    assert len(discussions(orphans)) == 1


def test_later_messages_tell_what_an_answer_without_references_answers() -> None:
    """RFC 5256 §3 (1)(A): a chain of references places also what stands inside it."""
    chain = simple("c", "b", "a", minute=3)
    assert parents(simple("a"), simple("b", minute=1, subject="Re: x"), chain)["b"] == "a"
    # A message that does not say that it is an answer opened its discussion.
    assert parents(simple("a"), simple("b", minute=1, subject="x"), chain)["b"] is None


def test_cycles_are_cut() -> None:
    """Messages that name each other, or themselves, all stay reachable."""
    found = arrange([simple("a", "b"), simple("b", "c"), simple("c", "a"), simple("d", "d")])
    assert sum(placed.parent is None for placed in found.values()) == 2
    assert len(discussions(found)) == 2


def test_the_same_message_id_twice_stays_two() -> None:
    """Nothing hides behind a Message-ID that is used again; answers go to the earliest."""
    first, second = (
        Arrived(key, "same", (), at(minute)) for key, minute in (("first", 0), ("second", 5))
    )
    found = arrange([second, first, simple("answer", "same", minute=9)])
    assert set(found) == {"first", "second", "answer"}
    assert found["answer"].parent == "first"


def test_a_message_without_an_id() -> None:
    """It is placed by what it refers to, and nobody can refer to it."""
    found = arrange([simple("a"), Arrived("lost", None, ("a",), at(1))])
    assert found["lost"].parent == "a"


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        (
            "an answer without references joins a recent discussion of its subject",
            [simple("a", subject="Costs"), simple("b", minute=60, subject="Re: Costs")],
            {"a": None, "b": "a"},
        ),
        (
            "what is no answer does not",
            [simple("a", subject="Costs"), simple("b", minute=60, subject="Costs")],
            {"a": None, "b": None},
        ),
        (
            "nor after 30 days",
            [simple("a", subject="Costs"), simple("b", minute=31 * 1440, subject="Re: Costs")],
            {"a": None, "b": None},
        ),
        (
            "nor below a later message",
            [simple("b", subject="Re: Costs"), simple("a", minute=60, subject="Costs")],
            {"a": None, "b": None},
        ),
        (
            "an answer with references and a new subject stays where its references put it",
            [simple("a", subject="Costs"), simple("b", "a", minute=1, subject="Re: Licences")],
            {"a": None, "b": "a"},
        ),
        (
            "two discussions of one subject, kept apart by their headers",
            [
                simple("a", subject="Costs"), simple("b", minute=1, subject="Costs"),
                simple("c", "a", minute=2, subject="Re: Costs"),
                simple("d", "b", minute=3, subject="Re: Costs"),
            ],
            {"a": None, "b": None, "c": "a", "d": "b"},
        ),
        (
            "of two, the later one",
            [
                simple("a", subject="Costs"), simple("b", minute=1, subject="Costs"),
                simple("c", minute=2, subject="Re: Costs"),
            ],
            {"a": None, "b": None, "c": "b"},
        ),
        (
            "a parent that nobody knows (rewritten on the way) leaves the subject",
            [simple("a", subject="Costs"), simple("b", "gone", minute=9, subject="Re: Costs")],
            {"a": None, "b": "a"},
        ),
    ],
)  # fmt: skip
def test_subjects(what: str, messages: list[Arrived], expected: dict[object, object]) -> None:
    """The last rung of the ladder, for answers whose parent nobody knows."""
    assert parents(*messages) == expected, what


def test_of_two_discussions_the_one_in_which_the_author_wrote() -> None:
    """Who takes part tells more than what is newer."""
    first = Arrived("a", "a", (), at(0), "costs", author="Anna")
    second = Arrived("b", "b", (), at(1), "costs", author="Ben")
    answer = Arrived("c", "c", (), at(2), "costs", True, author="Anna")
    assert parents(first, second, answer)["c"] == "a"


def test_a_pinned_message_stays() -> None:
    """Where somebody said that a message belongs, subject and chain have no say."""
    pinned = Arrived("p", "p", (), at(1), "costs", True, pinned=True)
    assert parents(simple("a", subject="costs"), pinned)["p"] is None


@pytest.mark.parametrize(
    ("in_reply_to", "references", "expected"),
    [
        ((), (), ()),
        ((), ("a", "b", "c"), ("c", "b", "a")),
        (("c",), ("a", "b", "c"), ("c", "b", "a")),
        (("x",), ("a", "b"), ("x", "b", "a")),
        (("b",), ("a", "b", "c"), ("b", "c", "a")),
        (("x", "y"), ("a", "b"), ("b", "a", "x", "y")),
        (("x", "y"), (), ("x", "y")),
    ],
)
def test_nearest_first(
    in_reply_to: tuple[str, ...], references: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """RFC 5322 §3.6.4: In-Reply-To names what is answered, References end with it."""
    assert nearest_first(in_reply_to, references) == expected


IDS = st.sampled_from("abcdefgh")
MESSAGES = st.lists(
    st.builds(
        Arrived,
        key=st.integers(0, 10_000),
        message_id=st.one_of(st.none(), IDS),
        references=st.lists(IDS, max_size=4).map(tuple),
        sent_at=st.one_of(st.none(), st.integers(0, 60 * 1440).map(at)),
        topic=st.sampled_from(["", "costs", "licences"]),
        is_reply=st.booleans(),
        author=st.sampled_from(["Anna", "Ben"]),
        pinned=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda message: message.key,
)


def shape(places: dict[object, Placed]) -> set[tuple[object, object, object, str]]:
    """A forest without the numbers of its trees."""
    return {(p.key, p.parent, p.missing, p.reason) for p in places.values()}


@given(MESSAGES, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_forest(messages: list[Arrived], dice: object) -> None:
    """The forest is a function of the set of messages; nothing is left out, nothing goes round."""
    mixed = list(messages)
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = arrange(messages), arrange(mixed)
    assert shape(one) == shape(other)
    assert {frozenset(d) for d in discussions(one)} == {frozenset(d) for d in discussions(other)}
    assert set(one) == {message.key for message in messages}
    for placed in one.values():
        above, steps = placed, 0
        while above.parent is not None:
            assert one[above.parent].tree == placed.tree
            above, steps = one[above.parent], steps + 1
            assert steps <= len(one)


def test_every_order_of_a_small_discussion() -> None:
    """All 720 orders of six messages with a missing one, a cycle and a double."""
    messages = [
        simple("a", subject="x"), simple("b", "a", minute=1), simple("d", "c", "b", minute=3),
        simple("e", "c", minute=4), Arrived("b2", "b", ("a",), at(2)),
        simple("f", minute=9, subject="Re: x"),
    ]  # fmt: skip
    shapes = {frozenset(shape(arrange(some))) for some in itertools.permutations(messages)}
    assert len(shapes) == 1


@pytest.mark.parametrize("backwards", [False, True])
def test_ten_thousand_deep(backwards: bool) -> None:
    """Depth costs neither stack nor patience."""
    ids = [str(n) for n in range(10_000)]
    messages = [
        simple(one, *reversed(ids[max(0, n - 20) : n]), minute=-n if backwards else n)
        for n, one in enumerate(ids)
    ]
    start = time.perf_counter()
    found = arrange(messages)
    assert time.perf_counter() - start < 5
    assert found["9999"].parent == "9998"
    assert len(discussions(found)) == 1


def test_a_pinned_message_stays_where_it_was_put() -> None:
    """Somebody said that it begins a discussion: what later messages tell changes nothing."""
    old = Arrived("a", "a@x", sent_at=NINE, topic="t")
    begun = Arrived("b", "b@x", sent_at=NINE, topic="t", is_reply=True, pinned=True)
    later = Arrived("c", "c@x", ("b@x", "a@x"), NINE, "t", is_reply=True)
    places = arrange([old, begun, later])
    assert places["b"].parent is None
    assert places["c"].parent == "b"

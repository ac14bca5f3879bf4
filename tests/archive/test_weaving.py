"""The forest in the database is the one that threading draws, whatever came first."""

import datetime as dt
import itertools
import threading as threading_of_python
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from archive import reading, shelves, threading, weaving
from archive.export import export_threads
from archive.letters import Letter, topic_of
from archive.models import Post, Reference, ReplyTarget, Thread
from core import database
from message import thread_index
from message.quoting import Passage
from subscribers.models import MailingList
from tests.archive.letters import NINE
from tests.conftest import Network


def letter(
    message_id: str, *references: str, minute: float = 0, subject: str = "x", reason: str = "new"
) -> Letter:
    """A letter; references nearest first."""
    at = NINE + dt.timedelta(minutes=minute)
    return Letter(
        message_id=message_id, references=references, sent_at=at, received_at=at, dated=True,
        subject=subject, topic=topic_of(subject), is_reply=subject.startswith("Re:"),
        author="Anna", address="anna@ashford.example", passages=(Passage("own", message_id),),
        html=None, attachments=(), reason=reason,
    )  # fmt: skip


def empty(session: Session) -> None:
    """Take all posts out of the archive again."""
    for table in (Reference, ReplyTarget, Post, Thread):
        session.execute(delete(table))


def shape(session: Session, list_id: int) -> set[frozenset[tuple[str, str | None, str]]]:
    """The threads of a list: sets of post, parent and reason."""
    threads = export_threads(session, session.get_one(MailingList, list_id))
    return {
        frozenset((p["message_id"], p["parent"], p["reason"]) for p in thread["posts"])
        for thread in threads
    }


DISCUSSIONS = [
    letter("a@x", subject="Costs"),
    letter("b@x", "a@x", minute=1, subject="Re: Costs"),
    letter("d@x", "c@x", "b@x", minute=3, subject="Re: Costs"),
    letter("e@x", "c@x", minute=4, subject="Re: Costs"),
    letter("s@x", minute=5, subject="Re: Costs"),
    letter("l@x", subject="Licences", minute=1),
]


def test_every_order_gives_the_same_threads(network: Network) -> None:
    """Orphans are joined when their parent arrives; ghosts, subjects and merges included."""
    shapes = set()
    orders = list(itertools.permutations(DISCUSSIONS))
    for order in orders[:: 24 if database.engine().dialect.name == "sqlite" else 72]:
        with database.transaction() as session:
            empty(session)
            for one in order:
                shelves.put(session, network.main, [one])
            shapes.add(frozenset(shape(session, network.main)))
    assert len(shapes) == 1
    (found,) = shapes
    assert {len(thread) for thread in found} == {1, 5}


LATER = 40 * 24 * 60.0  # minutes: further off than answers without references are looked for
CLOCK_WRONG = [
    letter("a@x", "d@x", subject="Costs"),
    letter("c@x", subject="Re: Costs", minute=LATER),
    letter("d@x", "a@x", subject="Re: Costs", minute=LATER),
    letter("e@x", "a@x", subject=""),
]


def test_whoever_names_each_other_weeks_apart_is_threaded_in_any_order(network: Network) -> None:
    """An answer that loses its parent, for each names the other, finds what is near itself."""
    shapes = set()
    for order in itertools.permutations(CLOCK_WRONG):
        with database.transaction() as session:
            empty(session)
            for one in order:
                shelves.put(session, network.main, [one])
            shapes.add(frozenset(shape(session, network.main)))
            assert weaving.weave_anew(session, network.main) == 0
    assert len(shapes) == 1


IDS = [f"{one}@x" for one in "abcdef"]


#: A conversation in Outlook, two answers in it, and an answer to one of these.
INDEXES = [b"c" * 22, b"c" * 22 + b"aaaaa", b"c" * 22 + b"bbbbb", b"c" * 22 + b"aaaaa" + b"ddddd"]


def with_index(draw: st.DrawFn, one: Letter) -> Letter:
    """The letter as Outlook may have sent it: with an index, and perhaps with nothing else."""
    index = draw(st.sampled_from([None, None, *INDEXES]))
    if index is None:
        return one
    named = one.references or thread_index.ancestors(index)
    return replace(one, references=named, index=thread_index.id_of(index))


@st.composite
def some_letters(draw: st.DrawFn) -> list[Letter]:
    """A few letters that refer to each other in every way, in some order."""
    chosen = draw(st.lists(st.sampled_from(IDS), unique=True, min_size=2, max_size=6))
    letters = [
        with_index(
            draw,
            letter(
                one,
                *draw(
                    st.lists(st.sampled_from([i for i in [*IDS, "g@x"] if i != one]), max_size=2)
                ),
                minute=draw(st.integers(0, 4)) * 60 * 24 * 10,
                subject=draw(
                    st.sampled_from(["", "Costs", "Re: Costs", "Re: Licences", "Licences"])
                ),
            ),
        )
        for one in chosen
    ]
    return draw(st.permutations(letters))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(letters=some_letters(), sizes=st.lists(st.integers(1, 3), max_size=3))
def test_arrival_one_by_one_is_arrangement_at_once(
    network: Network, letters: list[Letter], sizes: list[int]
) -> None:
    """Woven in one by one, in batches or all at once: the parents are those of the pure forest."""
    pure = threading.arrange(one.leaf().arrived() for one in letters)
    wanted = {(key, placed.parent) for key, placed in pure.items()}
    together = {frozenset(keys) for keys in threading.discussions(pure)}
    for batches in ([1] * 6, [*sizes, 1, 1, 1, 1, 1], [6]):
        with database.transaction() as session:
            empty(session)
            waiting = list(letters)
            for size in batches:
                shelves.put(session, network.main, waiting[:size])
                del waiting[:size]
            shelves.put(session, network.main, waiting)
            threads = export_threads(session, session.get_one(MailingList, network.main))
        assert {
            (p["message_id"], p["parent"]) for thread in threads for p in thread["posts"]
        } == wanted
        assert {frozenset(p["message_id"] for p in t["posts"]) for t in threads} == together


def test_a_joined_thread_leads_on(network: Network) -> None:
    """Given two threads, when the message arrives that joins them, then the old link still leads
    to the discussion, the counters are right, and reply targets move along."""
    with database.transaction() as session:
        (first,) = shelves.put(session, network.main, [letter("a@x")])
        (other,) = shelves.put(session, network.main, [letter("c@x", "b@x", minute=2)])
        old = session.get_one(Post, other.post_id).thread_id
        session.add(ReplyTarget(mailing_id=_mailing(session), item=1, list_id=network.main,
                                thread_id=old, post_id=other.post_id, title="x"))  # fmt: skip
    with database.transaction() as session:
        shelves.put(session, network.main, [letter("b@x", "a@x", minute=1)])
    with database.reading() as session:
        found = reading.thread(session, old)
        assert found is not None
        assert found.id == session.get_one(Post, first.post_id).thread_id
        assert (found.posts, found.subject) == (3, "x")
        assert session.scalar(select(ReplyTarget.thread_id)) == found.id
        assert [t.id for t in reading.threads_of(session, network.main)] == [found.id]
        depths = [(depth, p.message_id) for depth, p in reading.thread_tree(session, found.id)]
        assert depths == [(0, "a@x"), (1, "b@x"), (2, "c@x")]


def _mailing(session: Session) -> int:
    from tests.archive.letters import mailing

    return mailing(session, "digest", 1)[0].id


def test_lists_do_not_mix(network: Network) -> None:
    """The same Message-IDs on two lists are two posts in two threads."""
    with database.transaction() as session:
        shelves.put(session, network.main, [letter("a@x")])
        shelves.put(session, network.sub, [letter("a@x"), letter("b@x", "a@x", minute=1)])
        shelves.put(session, network.main, [letter("b@x", "a@x", minute=1)])
        assert len(shape(session, network.main)) == len(shape(session, network.sub)) == 1


def test_the_same_twice_and_another_under_the_same_id(network: Network) -> None:
    """A copy is no second post; another message under a taken Message-ID is kept apart."""
    with database.transaction() as session:
        other = letter("a@x", subject="Something else", minute=9)
        words = [
            filed.outcome
            for filed in shelves.put(
                session, network.main, [letter("a@x"), letter("a@x"), other, other]
            )
        ]
        assert words == ["filed", "duplicate", "filed", "duplicate"]
        again = shelves.put(session, network.main, [letter("a@x"), other])
        assert [filed.outcome for filed in again] == ["duplicate", "duplicate"]
        assert len({filed.post_id for filed in again}) == 2


def test_many_at_once(network: Network) -> None:
    """Answers that are filed at the same time by several workers all count, in one thread."""
    with database.transaction() as session:
        shelves.put(session, network.main, [letter("a@x")])
    start = threading_of_python.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        with database.transaction() as session:
            above = "a@x" if number % 2 else f"{number + 1}@x"
            one = letter(f"{number}@x", above, minute=number)
            shelves.put(session, network.main, [one])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    with database.reading() as session:
        (found,) = reading.threads_of(session, network.main)
        assert found.posts == 7
        assert len(reading.thread_tree(session, found.id)) == 7


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("Copilot Licences", "Copilot Licences"),
        ("Re: [AI Network] Copilot Licences", "Copilot Licences"),
        ("AW: RE: Kosten", "Kosten"),
        ("[Case study] Note taking", "[Case study] Note taking"),
        ("", "(no subject)"),
        ("Re:", "Re:"),
    ],
)
def test_titles(subject: str, title: str) -> None:
    """A discussion is called what its first post says, without the marks of an answer."""
    assert weaving.title_of(subject) == title


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=st.permutations(DISCUSSIONS), wrong=st.lists(st.integers(0, 30), max_size=4))
def test_drawn_anew_it_is_as_it_arrived(
    network: Network, order: list[Letter], wrong: list[int]
) -> None:
    """Weaving all of a list anew changes nothing, and puts right what something else has spoilt."""
    with database.transaction() as session:
        empty(session)
        for one in order:
            shelves.put(session, network.main, [one])
        before = shape(session, network.main)
        assert weaving.weave_anew(session, network.main) == 0
        posts = session.scalars(select(Post).order_by(Post.id)).all()
        for number in wrong:
            post = posts[number % len(posts)]
            post.parent_id, post.thread_id = None, posts[number // 2 % len(posts)].thread_id
        session.flush()
        weaving.weave_anew(session, network.main)
        assert shape(session, network.main) == before

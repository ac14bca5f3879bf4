"""What moderators say of places holds, whatever comes later, and can be taken back."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from archive import access, editing, reading, routing, shelves, targets, weaving
from archive.access import NotAllowed, Viewer
from archive.editing import NotPossible
from archive.letters import Letter
from archive.models import Edit, Post, ReplyTarget, Thread
from core import database
from core.outbox import EventRow
from subscribers.models import Role
from tests.archive.letters import mailing
from tests.archive.test_weaving import empty, letter, shape, some_letters
from tests.conftest import Network

Place = tuple[str, int | None, str, int, str]
WISHES = st.tuples(
    st.sampled_from(["merge", "split", "move", "top"]), st.integers(0, 9), st.integers(0, 9)
)


def boss(network: Network) -> Viewer:
    """Somebody who may moderate."""
    return Viewer(network.coordinator, Role.COORDINATOR)


def put(session: Session, network: Network, *letters: Letter) -> list[Post]:
    """File letters one by one."""
    return [
        session.get_one(Post, shelves.put(session, network.main, [one])[0].post_id)
        for one in letters
    ]


def clear(session: Session) -> None:
    """An empty archive."""
    session.expire_all()
    session.execute(delete(Edit))
    empty(session)
    session.expunge_all()


def everything(session: Session) -> tuple[list[Place], list[tuple[object, ...]]]:
    """The place of each post, and the threads that are to be seen."""
    session.flush()
    session.expire_all()
    posts = session.scalars(select(Post).order_by(Post.message_id))
    threads = session.scalars(select(Thread).where(Thread.posts > 0).order_by(Thread.id))
    return (
        [(p.message_id, p.parent_id, p.reason, p.thread_id, p.thread.subject) for p in posts],
        [(t.id, t.subject, t.posts, t.started_at, t.last_at, t.merged_into) for t in threads],
    )


def sound(session: Session) -> None:
    """Every count is right, every parent is in the same thread, and nothing is an orphan."""
    posts = session.scalars(select(Post)).all()
    by_id = {post.id: post for post in posts}
    for thread in session.scalars(select(Thread)):
        assert thread.posts == sum(1 for post in posts if post.thread_id == thread.id)
        if thread.posts:
            assert thread.merged_into is None
            assert len(reading.thread_tree(session, thread.id)) == thread.posts
        else:
            found = reading.thread(session, thread.id)
            assert found is not None
            assert found.posts
    for post in posts:
        if post.parent_id is not None:
            assert by_id[post.parent_id].thread_id == post.thread_id


def wish(session: Session, viewer: Viewer, what: str, one: int, other: int) -> Edit | None:
    """Make an edit of some posts or threads; None if it is refused."""
    session.expire_all()
    posts = session.scalars(select(Post).order_by(Post.message_id)).all()
    this, that = posts[one % len(posts)], posts[other % len(posts)]
    try:
        if what == "merge":
            return editing.merge(session, viewer, this.thread, that.thread)
        if what == "split":
            return editing.split(session, viewer, this, f"Title {one}")
        return editing.move(session, viewer, this, that.thread if what == "top" else that)
    except NotPossible:
        return None


@st.composite
def told_letters(draw: st.DrawFn) -> list[Letter]:
    """A few letters, of some of which a reply address told the place."""
    told = st.sampled_from([False, False, False, True])
    return [
        replace(one, reason="reply token; with 3") if draw(told) else one
        for one in draw(some_letters())
    ]


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    letters=told_letters(), known=st.integers(2, 6), wishes=st.lists(WISHES, min_size=1, max_size=4)
)
def test_edits_hold_and_undo_restores(
    network: Network, letters: list[Letter], known: int, wishes: list[tuple[str, int, int]]
) -> None:
    """Drawn anew nothing changes; undone in reverse each former state is back; the sums are right.

    What arrives later comes in two orders, to the same places, and those of drawing all anew.
    """
    viewer = boss(network)
    with database.transaction() as session:
        clear(session)
        put(session, network, *letters[:known])
        states, edits = [everything(session)], []
        for what, one, other in wishes:
            edit = wish(session, viewer, what, one, other)
            if edit is not None:
                edits.append(edit)
                states.append(everything(session))
                sound(session)
                assert states[-1] != states[-2]
                assert weaving.weave_anew(session, network.main) == 0
                assert everything(session) == states[-1]
        outcomes = []
        later = letters[known:]
        for order in (later, later[::-1], None):
            with session.begin_nested() as point:
                if order is None:
                    shelves.put(session, network.main, later)
                else:
                    put(session, network, *order)
                sound(session)
                outcomes.append(shape(session, network.main))
                before = everything(session)
                assert weaving.weave_anew(session, network.main) == 0
                assert everything(session) == before
                point.rollback()
                session.expire_all()
        assert outcomes[0] == outcomes[1] == outcomes[2]
        for edit, before in zip(reversed(edits), reversed(states[:-1]), strict=True):
            editing.undo(session, viewer, edit)
            assert everything(session) == before
            sound(session)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(letters=told_letters(), wishes=st.lists(WISHES, max_size=3), known=st.integers(2, 6))
def test_undone_after_more_has_come_it_is_as_if_never_said(
    network: Network, letters: list[Letter], wishes: list[tuple[str, int, int]], known: int
) -> None:
    """Edits, later arrivals, all undone: the discussions are those of the messages alone."""
    viewer = boss(network)
    with database.transaction() as session:
        clear(session)
        put(session, network, *letters)
        wanted = shape(session, network.main)
        clear(session)
        put(session, network, *letters[:known])
        edits = [edit for one in wishes if (edit := wish(session, viewer, *one)) is not None]
        put(session, network, *letters[known:])
        for edit in reversed(edits):
            try:
                editing.undo(session, viewer, edit)
            except NotPossible:  # what came since hangs the former parent below the post
                return
        assert shape(session, network.main) == wanted
        sound(session)


def test_a_merged_discussion_takes_later_answers_along(network: Network) -> None:
    """Two answers to a missing message are joined elsewhere: a third one, and the missing one,
    come along; the old number leads on; undone, it is theirs again."""
    with database.transaction() as session:
        (a,) = put(session, network, letter("a@x", subject="Costs"))
        b1, _ = put(session, network, letter("b1@x", "g@x", minute=1), letter("b2@x", "g@x"))
        old = b1.thread_id
        edit = editing.merge(session, boss(network), b1.thread, a.thread)
        put(session, network, letter("b3@x", "g@x", minute=4), letter("g@x", minute=-9))
        found = reading.thread(session, old)
        assert found is not None
        assert (found.id, found.posts, found.subject) == (a.thread_id, 5, "Costs")
        editing.undo(session, boss(network), edit)
        session.expire_all()
        assert (b1.thread_id, b1.thread.posts, b1.thread.merged_into) == (old, 4, None)
        assert reading.thread(session, a.thread_id) is a.thread


def test_a_split_post_is_not_pulled_back(network: Network) -> None:
    """Neither its own references nor later ones join it again; its title and both numbers stay."""
    with database.transaction() as session:
        a, b = put(session, network, letter("a@x"), letter("b@x", "a@x", minute=1))
        old = a.thread_id
        editing.split(session, boss(network), b, "  Another\n matter ")
        (c,) = put(session, network, letter("c@x", "b@x", "a@x", minute=2, subject="Re: x"))
        weaving.weave_anew(session, network.main)
        session.expire_all()
        assert a.thread_id == old
        assert c.thread_id == b.thread_id != old
        assert b.thread.subject == "Another matter"
        assert c.parent_id == b.id


def test_what_was_told_before_is_known_again(network: Network) -> None:
    """A post that a reply address had placed is moved and put back: the reason is that again."""
    with database.transaction() as session:
        a, b, c = put(
            session, network, letter("a@x"), letter("b@x", minute=1),
            letter("c@x", "a@x", minute=2, reason="reply token; with 3"),
        )  # fmt: skip
        first = editing.move(session, boss(network), c, b)
        second = editing.move(session, boss(network), c, a.thread) if c.parent_id == b.id else None
        session.expire_all()
        assert c.reason == "moved"
        with pytest.raises(NotPossible, match="later"):
            editing.undo(session, boss(network), first)
        assert second is not None
        editing.undo(session, boss(network), second)
        session.expire_all()
        assert (c.parent_id, c.reason) == (b.id, "moved")
        editing.undo(session, boss(network), first)
        session.expire_all()
        assert (c.parent_id, c.reason) == (a.id, "reply token; with 3")
        with pytest.raises(NotPossible, match="already"):
            editing.undo(session, boss(network), first)


def test_items_of_a_digest_follow_their_answers(network: Network) -> None:
    """An item that its first answer opened leads to where that discussion was joined, and back."""
    with database.transaction() as session:
        digest = mailing(session, "digest", 1)[0]
        target = ReplyTarget(mailing_id=digest.id, item=1, list_id=network.main, title="Costs")
        session.add(target)
        session.flush()
        number = targets.number_of(target)
        (a,) = put(session, network, letter("a@x", subject="Another"))
        (one,) = put(session, network, letter("o@x", number, minute=1, reason="only item"))
        routing.note_answer(session, one)
        session.expire_all()
        old = target.thread_id
        assert old == one.thread_id
        edit = editing.move(session, boss(network), one, a)
        assert target.thread_id == a.thread_id
        (two,) = put(session, network, letter("t@x", number, minute=2, reason="only item"))
        assert two.thread_id == a.thread_id
        editing.undo(session, boss(network), edit)
        session.expire_all()
        assert target.thread_id == one.thread_id == two.thread_id == old


def test_only_moderators_and_only_on_their_list(network: Network) -> None:
    """A member may not; another list is refused; so is below itself, its answer, where it is."""
    member = network.person("Ben", "ben@bexhill.example", network.main)
    mod = network.person("Mo", "mo@calder.example", network.main, moderator=True)
    with database.transaction() as session:
        a, b = put(session, network, letter("a@x"), letter("b@x", "a@x", minute=1))
        other = session.get_one(Post, shelves.put(session, network.sub, [letter("z@x")])[0].post_id)
        for who in (access.viewer(session, member), access.ANYBODY):
            for act in (
                partial(editing.merge, session, who, a.thread, a.thread),
                partial(editing.split, session, who, b, ""),
                partial(editing.move, session, who, b, a),
            ):
                with pytest.raises(NotAllowed):
                    act()
        who = access.viewer(session, mod)
        refusals: list[tuple[partial[Edit], str]] = [
            (partial(editing.move, session, who, a, other), "another list"),
            (partial(editing.move, session, who, a, b), "answer to the one"),
            (partial(editing.move, session, who, a, a), "below itself"),
            (partial(editing.move, session, who, b, a), "already"),
            (partial(editing.merge, session, who, a.thread, a.thread), "same discussion"),
            (partial(editing.merge, session, who, a.thread, other.thread), "another list"),
            (partial(editing.split, session, who, a, ""), "already"),
        ]
        for thing, words in refusals:
            with pytest.raises(NotPossible, match=words):
                thing()
        edit = editing.split(session, who, b, "")
        with pytest.raises(NotAllowed):
            editing.undo(session, access.viewer(session, member), edit)
        editing.undo(session, who, edit)
        names = list(session.scalars(select(EventRow.name).order_by(EventRow.id)))
        assert names.count("DiscussionEdited") == 2

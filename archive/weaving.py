"""The forest in the database: each new post is woven in as if all had come in order.

What a new post may change is found by the ids that it shares with others and by its subject.
Those discussions are arranged anew as a whole (`archive.threading`), so that the outcome is the
same whatever came first; threads that turn out to be one are joined.
"""

import datetime as dt
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Integer, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from archive import threading
from archive.leaves import (
    Leaf,
    arrived,
    as_it_came,
    leaves_of,
    moved,
    neighbours,
    standing_edits,
    threads_with_ids,
)
from archive.models import Edit, Post, PostState, ReplyTarget, Thread
from core import database, rows
from core.among import among
from core.database import Base
from message import subject
from subscribers.models import MailingList


@dataclass(frozen=True, slots=True)
class Woven:
    """The places of leaves: threads are in the database, parents are told by Message-ID."""

    thread_id: dict[str, int]
    parent: dict[str, str | None]
    reason: dict[str, str]
    standing: dict[str, Leaf]  # those that were there before


Place = tuple[int, int | None, str]  # the thread, the parent, the reason


def places(woven: Woven, post_ids: Mapping[str, int]) -> dict[str, Place]:
    """Where the leaves stand, the new ones given by the ids of their posts."""
    ids = {mid: leaf.post_id for mid, leaf in woven.standing.items()} | dict(post_ids)
    return {
        message_id: (
            thread_id,
            None if (parent := woven.parent[message_id]) is None else ids[parent],
            woven.reason[message_id],
        )
        for message_id, thread_id in woven.thread_id.items()
    }


_thread = cast(Table, Thread.__table__)
_t = _thread.c
_POSTS_IN = select(_t.id, _t.posts).where(among(_t.id, "numbers"))
_COUNT = {
    name: update(_thread)
    .where(_t.id == told.c.id)
    .values(
        subject=told.c.subject, started_at=told.c.started_at, last_at=told.c.last_at,
        posts=told.c.posts, merged_into=None,
    )
    for name, told in rows.given("subject", "id posts", "started_at last_at").items()
}  # fmt: skip
_TURN = (
    select(MailingList.id)
    .where(MailingList.id == bindparam("of_list", type_=Integer()))
    .with_for_update(key_share=True)
)


def take_turns(session: Session, list_id: int) -> None:
    """Have the list's archive to oneself until the transaction ends.

    Two posts woven in at once would not see each other. (SQLite has one writer anyway; the lock
    of PostgreSQL is one that does not stop rows which only refer to the list.)
    """
    session.execute(_TURN, {"of_list": list_id})


def weave(session: Session, list_id: int, new: Sequence[Leaf]) -> Woven:
    """Find the places of new leaves of a list and make room: threads made, joined and counted.

    The caller then writes the posts and calls `settle` with the result.
    """
    if not new:
        return Woven({}, {}, {}, {})
    edits = standing_edits(session, list_id)
    standing = neighbours(session, list_id, new, edits)
    leaves = standing | {leaf.message_id: leaf for leaf in new}
    return _woven(session, list_id, leaves, standing, edits)


def around(session: Session, list_id: int, ids: Collection[str]) -> dict[str, Leaf]:
    """The posts of the discussions with these Message-IDs, and of all that depend on them."""
    threads = threads_with_ids(session, list_id, ids)
    leaves = list(leaves_of(session, threads))
    found = neighbours(session, list_id, leaves, standing_edits(session, list_id))
    return found | {leaf.message_id: leaf for leaf in leaves}


def weave_around(
    session: Session, list_id: int, leaves: dict[str, Leaf], claims: Iterable[tuple[str, int]]
) -> None:
    """Find the places of posts anew after a person said something of them.

    `claims` name posts whose discussion is to have a thread's number, the strongest first.
    """
    edits = standing_edits(session, list_id)
    woven = _woven(session, list_id, leaves, leaves, edits, claims)
    settle(session, woven, places(woven, {}))


def weave_anew(session: Session, list_id: int) -> int:
    """Find the places of all posts of a list from what they say; returns how many have moved.

    Nobody's word is lost: what a person said of a post's place is part of what it says.
    """
    take_turns(session, list_id)
    threads = select(Post.thread_id).where(Post.list_id == list_id, Post.state == PostState.FILED)
    found = leaves_of(session, session.scalars(threads.distinct()).all())
    standing = {leaf.message_id: leaf for leaf in found}
    edits = standing_edits(session, list_id)
    woven = _woven(session, list_id, standing, standing, edits)
    changed = settle(session, woven, places(woven, {}))
    seen = select(Post.id).where(Post.thread_id == Thread.id, Post.state == PostState.FILED)
    bare = update(Thread).where(Thread.list_id == list_id, Thread.posts > 0, ~seen.exists())
    session.execute(bare.values(posts=0))
    return changed


def _woven(
    session: Session,
    list_id: int,
    leaves: Mapping[str, Leaf],
    standing: dict[str, Leaf],
    edits: Mapping[str, Edit],
    claims: Iterable[tuple[str, int]] = (),
) -> Woven:
    places = threading.arrange(arrived(leaves.values(), edits), moved(edits))
    discussions = [
        sorted((leaves[str(key)] for key in keys), key=lambda leaf: _rank(leaf, places))
        for keys in threading.discussions(places)
    ]
    woven = Woven({}, {}, {}, standing)
    threads = _threads_for(session, list_id, discussions, edits, claims)
    for thread_id, discussion in zip(threads, discussions, strict=True):
        for leaf in discussion:
            placed = places[leaf.message_id]
            woven.thread_id[leaf.message_id] = thread_id
            woven.parent[leaf.message_id] = None if placed.parent is None else str(placed.parent)
            woven.reason[leaf.message_id] = _reason(leaf, placed, edits)
    _note_what_was_told(session, list_id, leaves, edits)
    _leave_empty(session, leaves.values(), woven)
    return woven


def _reason(leaf: Leaf, placed: threading.Placed, edits: Mapping[str, Edit]) -> str:
    if leaf.message_id in edits:
        return threading.MOVED
    leaf = as_it_came(leaf, edits)
    return leaf.reason if leaf.told else placed.reason


def _note_what_was_told(
    session: Session, list_id: int, leaves: Mapping[str, Leaf], edits: Mapping[str, Edit]
) -> None:
    """Of a message that came after it was moved, keep the reason for when that is undone."""
    for message_id in edits.keys() & leaves.keys():
        came = leaves[message_id]
        if not edits[message_id].reason and came.told:
            same = update(Edit).where(Edit.list_id == list_id, Edit.message_id == message_id)
            session.execute(same.values(reason=came.reason))


def _rank(leaf: Leaf, places: Mapping[Hashable, threading.Placed]) -> tuple[bool, dt.datetime, str]:
    return (places[leaf.message_id].parent is not None, leaf.sent_at, leaf.message_id)


def settle(session: Session, woven: Woven, found: Mapping[str, Place]) -> int:
    """Write down the places of the posts that have to move, and say how many they are.

    `found` are all `places`; new posts are written already where they belong.
    """
    changes = []
    for message_id, leaf in woven.standing.items():
        thread_id, parent_id, reason = found[message_id]
        if (leaf.thread_id, leaf.parent_id, leaf.reason) != (thread_id, parent_id, reason):
            changes.append(
                {
                    "id": leaf.post_id, "thread_id": thread_id, "parent_id": parent_id,
                    "reason": reason,
                }
            )  # fmt: skip
    if changes:
        session.flush()
        session.execute(update(Post), changes)
        _forget(session, Post, "thread_id", "parent_id", "reason", "thread")
    return len(changes)


def _threads_for(
    session: Session,
    list_id: int,
    discussions: Sequence[Sequence[Leaf]],
    edits: Mapping[str, Edit],
    claims: Iterable[tuple[str, int]],
) -> list[int]:
    """For each discussion the oldest thread that any of it stood in, or a new one; counted."""
    stood = _stood_in(session, discussions, claims)
    new = iter(database.next_ids(session, _thread, stood.count(None)))
    ids = [next(new) if number is None else number for number in stood]
    opened, counted = [], []
    for number, thread_id, discussion in zip(stood, ids, discussions, strict=True):
        facts: dict[str, object] = {
            "id": thread_id,
            "subject": _title(discussion[0], edits),
            "started_at": min(leaf.sent_at for leaf in discussion),
            "last_at": max(leaf.received_at for leaf in discussion),
            "posts": len(discussion),
        }
        if number is None:
            opened.append(facts | {"list_id": list_id})
        else:
            counted.append(facts)
    connection = session.connection()
    if opened:
        connection.execute(insert(_thread), opened)
    if counted:
        connection.execute(_COUNT[connection.dialect.name], {"rows": rows.handed(counted)})
        _forget(session, Thread)
    return ids


def _stood_in(
    session: Session, discussions: Sequence[Sequence[Leaf]], claims: Iterable[tuple[str, int]]
) -> list[int | None]:
    """For each discussion the thread that is to be its own; None where there is none yet."""
    claimed = _claimed(discussions, claims)
    had = {leaf.thread_id for leaves in discussions for leaf in leaves if leaf.thread_id}
    had |= set(claimed.values())
    session.flush()
    found = session.connection().execute(_POSTS_IN, {"numbers": had}) if had else ()
    posts = {row.id: row.posts for row in found}
    stood: list[int | None] = []
    for turn, discussion in enumerate(discussions):
        own = {leaf.thread_id for leaf in discussion if leaf.thread_id} & posts.keys()
        own -= set(claimed.values())
        # One that was never seen (of a post that was held) gives way to one that was.
        best = min(own, key=lambda number: (posts[number] == 0, number), default=None)
        best = claimed.get(turn, best)
        if best is not None:
            del posts[best]
        stood.append(best)
    return stood


def _forget(session: Session, mapped: type[Base], *names: str) -> None:
    """Have what is loaded of mapped rows read again, for it has changed in the database."""
    for loaded in session.identity_map.values():
        if isinstance(loaded, mapped):
            session.expire(loaded, names or None)


def _claimed(
    discussions: Sequence[Sequence[Leaf]], claims: Iterable[tuple[str, int]]
) -> dict[int, int]:
    """Which discussion, by its turn, has the number of which thread before all others."""
    claims = list(claims)
    turns = {
        leaf.message_id: turn
        for turn, leaves in enumerate(discussions if claims else ())
        for leaf in leaves
    }
    claimed: dict[int, int] = {}
    for message_id, number in claims:
        turn = turns[message_id]
        if turn not in claimed and number not in claimed.values():
            claimed[turn] = number
    return claimed


def _title(opening: Leaf, edits: Mapping[str, Edit]) -> str:
    edit = edits.get(opening.message_id)
    return (edit.title if edit else "") or title_of(opening.subject)


def title_of(opening: str) -> str:
    """What a discussion is called, after the subject of the post that opens it."""
    said = " ".join(opening.split())
    base = subject.base_subject(said)
    start = said.lower().rfind(base) if subject.is_reply(said) and base else -1
    return (said[start : start + len(base)] if start >= 0 else said) or "(no subject)"


def _leave_empty(session: Session, leaves: Iterable[Leaf], woven: Woven) -> None:
    """Threads that lost all their posts lead on to where these went; so do reply targets."""
    alive = set(woven.thread_id.values())
    emptied: dict[int, int] = {}
    for leaf in leaves:
        old, new = leaf.thread_id, woven.thread_id[leaf.message_id]
        if old is None or old == new:
            continue
        if old not in alive:
            emptied.setdefault(old, new)
        session.execute(
            update(ReplyTarget).where(ReplyTarget.post_id == leaf.post_id).values(thread_id=new)
        )
    for old, new in emptied.items():
        thread = session.get_one(Thread, old)
        thread.posts, thread.merged_into = 0, new
        lost = update(ReplyTarget).where(
            ReplyTarget.thread_id == old, ReplyTarget.post_id.is_(None)
        )
        session.execute(lost.values(thread_id=new))

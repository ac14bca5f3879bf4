"""The forest in the database: each new post is woven in as if all had come in order.

What a new post may change is found by the ids that it shares with others and by its subject.
Those discussions are arranged anew as a whole (`archive.threading`), so that the outcome is the
same whatever came first; threads that turn out to be one are joined.
"""

import datetime as dt
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from archive import threading
from archive.models import Post, PostState, Reference, ReplyTarget, Thread
from message import subject
from subscribers.models import MailingList

T = TypeVar("T")

#: Places that somebody told us; they are kept, whatever subjects and references say.
TOLD = frozenset(
    {
        "reply token", "quoted item", "visible number", "item title", "only item", "answered",
        "mailing", "moved",
    }
)  # fmt: skip
_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Leaf:
    """A post as far as weaving is concerned."""

    message_id: str
    references: tuple[str, ...]  # nearest first
    sent_at: dt.datetime
    received_at: dt.datetime
    subject: str
    topic: str
    is_reply: bool
    author: str
    reason: str
    post_id: int | None = None
    thread_id: int | None = None
    parent_id: int | None = None

    def arrived(self) -> threading.Arrived:
        """The leaf in the terms of threading."""
        return threading.Arrived(
            self.message_id, self.message_id, self.references, self.sent_at, self.topic,
            self.is_reply, self.author, pinned=self.told,
        )  # fmt: skip

    @property
    def told(self) -> bool:
        """Whether somebody said where the post belongs."""
        return self.reason.partition(";")[0] in TOLD


@dataclass(frozen=True, slots=True)
class Woven:
    """The places of leaves: threads are in the database, parents are told by Message-ID."""

    thread_id: dict[str, int]
    parent: dict[str, str | None]
    reason: dict[str, str]
    standing: dict[str, Leaf]  # those that were there before


def leaf_of(post: Post, references: tuple[str, ...]) -> Leaf:
    """A post that is in the database as a leaf."""
    return Leaf(
        post.message_id, references, post.sent_at, post.received_at, post.subject, post.topic,
        post.is_reply, post.author, post.reason, post.id, post.thread_id, post.parent_id,
    )  # fmt: skip


def take_turns(session: Session, list_id: int) -> None:
    """Have the list's archive to oneself until the transaction ends.

    Two posts woven in at once would not see each other. (SQLite has one writer anyway; the lock
    of PostgreSQL is one that does not stop rows which only refer to the list.)
    """
    session.execute(
        select(MailingList.id).where(MailingList.id == list_id).with_for_update(key_share=True)
    )


def weave(session: Session, list_id: int, new: Sequence[Leaf]) -> Woven:
    """Find the places of new leaves of a list and make room: threads made, joined and counted.

    The caller then writes the posts and calls `settle` with the result.
    """
    if not new:
        return Woven({}, {}, {}, {})
    standing = _neighbours(session, list_id, new)
    leaves = standing | {leaf.message_id: leaf for leaf in new}
    return _woven(session, list_id, leaves, standing)


def weave_anew(session: Session, list_id: int) -> int:
    """Find the places of all posts of a list from what they say; returns how many have moved.

    Nobody's word is lost: what a person said of a post's place is part of what it says.
    """
    take_turns(session, list_id)
    threads = select(Post.thread_id).where(Post.list_id == list_id, Post.state == PostState.FILED)
    found = _leaves_of(session, session.scalars(threads.distinct()).all())
    standing = {leaf.message_id: leaf for leaf in found}
    moved = settle(session, _woven(session, list_id, standing, standing), {})
    seen = select(Post.id).where(Post.thread_id == Thread.id, Post.state == PostState.FILED)
    bare = update(Thread).where(Thread.list_id == list_id, Thread.posts > 0, ~seen.exists())
    session.execute(bare.values(posts=0))
    return moved


def _woven(
    session: Session, list_id: int, leaves: Mapping[str, Leaf], standing: dict[str, Leaf]
) -> Woven:
    places = threading.arrange(leaf.arrived() for leaf in leaves.values())
    discussions = [
        sorted((leaves[str(key)] for key in keys), key=lambda leaf: _rank(leaf, places))
        for keys in threading.discussions(places)
    ]
    woven = Woven({}, {}, {}, standing)
    for thread, discussion in zip(
        _threads_for(session, list_id, discussions), discussions, strict=True
    ):
        for leaf in discussion:
            placed = places[leaf.message_id]
            woven.thread_id[leaf.message_id] = thread.id
            woven.parent[leaf.message_id] = None if placed.parent is None else str(placed.parent)
            woven.reason[leaf.message_id] = leaf.reason if leaf.told else placed.reason
    _leave_empty(session, leaves.values(), woven)
    return woven


def _rank(leaf: Leaf, places: Mapping[Hashable, threading.Placed]) -> tuple[bool, dt.datetime, str]:
    return (places[leaf.message_id].parent is not None, leaf.sent_at, leaf.message_id)


def settle(session: Session, woven: Woven, post_ids: Mapping[str, int]) -> int:
    """Write the places down: of the new posts, given by id, and of those that have to move.

    Returns how many were written.
    """
    ids = {mid: leaf.post_id for mid, leaf in woven.standing.items()} | dict(post_ids)
    changes = []
    for message_id, post_id in ids.items():
        parent = woven.parent[message_id]
        place = (
            woven.thread_id[message_id],
            None if parent is None else ids[parent],
            woven.reason[message_id],
        )
        leaf = woven.standing.get(message_id)
        if leaf is None or (leaf.thread_id, leaf.parent_id, leaf.reason) != place:
            thread_id, parent_id, reason = place
            changes.append(
                {"id": post_id, "thread_id": thread_id, "parent_id": parent_id, "reason": reason}
            )
    if changes:
        session.flush()
        session.execute(update(Post), changes)
        for loaded in session.identity_map.values():
            if isinstance(loaded, Post):
                session.expire(loaded, ["thread_id", "parent_id", "reason", "thread"])
    return len(changes)


def _threads_for(
    session: Session, list_id: int, discussions: Sequence[Sequence[Leaf]]
) -> list[Thread]:
    """For each discussion the oldest thread that any of it stood in, or a new one; counted."""
    had = {leaf.thread_id for leaves in discussions for leaf in leaves if leaf.thread_id}
    known: dict[int, Thread] = {}
    for some in slices(sorted(had)):
        known |= {t.id: t for t in session.scalars(select(Thread).where(Thread.id.in_(some)))}
    threads = []
    for discussion in discussions:
        own = {leaf.thread_id for leaf in discussion if leaf.thread_id} & known.keys()
        # One that was never seen (of a post that was held) gives way to one that was.
        best = min(own, key=lambda number: (known[number].posts == 0, number), default=None)
        thread = Thread(list_id=list_id) if best is None else known.pop(best)
        thread.subject = title_of(discussion[0].subject)
        thread.started_at = min(leaf.sent_at for leaf in discussion)
        thread.last_at = max(leaf.received_at for leaf in discussion)
        thread.posts = len(discussion)
        thread.merged_into = None
        threads.append(thread)
    session.add_all(threads)
    session.flush()
    return threads


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


def _neighbours(session: Session, list_id: int, new: Sequence[Leaf]) -> dict[str, Leaf]:
    """All posts of the threads that the new leaves might join or change."""
    found: dict[str, Leaf] = {}
    threads: set[int] = set()
    known_ids: set[str] = set()
    known_topics: set[str] = set()
    ours = {leaf.message_id for leaf in new}
    fresh: list[Leaf] = list(new)
    while fresh:
        ids = {one for leaf in fresh for one in (leaf.message_id, *leaf.references)} - known_ids
        lone = [leaf for leaf in fresh if leaf.message_id in ours or leaf.is_reply]
        topics = [leaf for leaf in lone if leaf.topic and leaf.topic not in known_topics]
        known_ids |= ids
        more = _threads_with_ids(session, list_id, ids) | _threads_of_topic(
            session, list_id, topics
        )
        known_topics |= {leaf.topic for leaf in topics}
        fresh = [
            leaf
            for leaf in _leaves_of(session, more - threads)
            if leaf.message_id not in ours and leaf.message_id not in found
        ]
        threads |= more
        found |= {leaf.message_id: leaf for leaf in fresh}
    return found


def _threads_with_ids(session: Session, list_id: int, ids: Collection[str]) -> set[int]:
    found: set[int] = set()
    filed = and_(Post.list_id == list_id, Post.state == PostState.FILED)
    for some in slices(sorted(ids)):
        found.update(
            session.scalars(select(Post.thread_id).where(filed, Post.message_id.in_(some)))
        )
        # Asked apart and sorted out here: SQLite would begin with all posts of the list.
        naming = select(Reference.post_id).where(Reference.message_id.in_(some))
        for posts in slices(sorted(set(session.scalars(naming)))):
            there = select(Post.thread_id, Post.list_id, Post.state).where(Post.id.in_(posts))
            found.update(
                row.thread_id
                for row in session.execute(there)
                if (row.list_id, row.state) == (list_id, PostState.FILED)
            )
    return found


def _threads_of_topic(session: Session, list_id: int, leaves: Sequence[Leaf]) -> set[int]:
    """Threads with a subject of these leaves, near them in time: one may join the other."""
    if not leaves:
        return set()
    first = min(leaf.sent_at for leaf in leaves) - threading.WINDOW
    last = max(leaf.sent_at for leaf in leaves) + threading.WINDOW
    found: set[int] = set()
    for some in slices(sorted({leaf.topic for leaf in leaves})):
        wanted = select(Post.thread_id).where(
            Post.list_id == list_id,
            Post.state == PostState.FILED,
            Post.topic.in_(some),
            Post.sent_at.between(first, last),
        )
        found.update(session.scalars(wanted.distinct()))
    return found


_COLUMNS = (
    Post.message_id, Post.sent_at, Post.received_at, Post.subject, Post.topic, Post.is_reply,
    Post.author, Post.reason, Post.id, Post.thread_id, Post.parent_id,
)  # fmt: skip


def _leaves_of(session: Session, threads: Collection[int]) -> Iterator[Leaf]:
    for some in slices(sorted(threads)):
        of_threads = and_(Post.thread_id.in_(some), Post.state == PostState.FILED)
        references: dict[int, list[str]] = {}
        for post_id, message_id in session.execute(
            select(Reference.post_id, Reference.message_id)
            .join(Post, Post.id == Reference.post_id)
            .where(of_threads)
            .order_by(Reference.post_id, Reference.position)
        ):
            references.setdefault(post_id, []).append(message_id)
        for row in session.execute(select(*_COLUMNS).where(of_threads)):
            yield Leaf(
                row.message_id, tuple(references.get(row.id, ())), row.sent_at, row.received_at,
                row.subject, row.topic, row.is_reply, row.author, row.reason, row.id,
                row.thread_id, row.parent_id,
            )  # fmt: skip


def slices(things: Sequence[T], size: int = _AT_ONCE) -> Iterator[Sequence[T]]:
    """Pieces of a sequence that fit into one query."""
    for start in range(0, len(things), size):
        yield things[start : start + size]

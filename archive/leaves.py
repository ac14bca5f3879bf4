"""Posts as weaving sees them, what was said of their places, and which of them hang together."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from archive import threading
from archive.models import Edit, Post, PostState, Reference

T = TypeVar("T")

#: Places that somebody told us; they are kept, whatever subjects and references say.
TOLD = frozenset(
    {
        "reply token", "quoted item", "visible number", "item title", "only item", "answered",
        "mailing",
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
    index: str = ""  # its Thread-Index, as an id

    def arrived(self) -> threading.Arrived:
        """The leaf in the terms of threading."""
        return threading.Arrived(
            self.message_id, self.message_id, self.references, self.sent_at, self.topic,
            self.is_reply, self.author, pinned=self.told, index=self.index,
        )  # fmt: skip

    @property
    def told(self) -> bool:
        """Whether somebody said where the post belongs."""
        return self.reason.partition(";")[0] in TOLD


def leaf_of(session: Session, post: Post) -> Leaf:
    """A post that is in the database as a leaf."""
    named = select(Reference.position, Reference.message_id).where(Reference.post_id == post.id)
    rows = session.execute(named.order_by(Reference.position)).all()
    references = tuple(row.message_id for row in rows if row.position != Reference.OWN_INDEX)
    index = next((row.message_id for row in rows if row.position == Reference.OWN_INDEX), "")
    return Leaf(
        post.message_id, references, post.sent_at, post.received_at, post.subject, post.topic,
        post.is_reply, post.author, post.reason, post.id, post.thread_id, post.parent_id, index,
    )  # fmt: skip


def standing_edits(session: Session, list_id: int) -> dict[str, Edit]:
    """What moderators said of places on a list and nobody has undone, by Message-ID."""
    said = select(Edit).where(Edit.list_id == list_id, Edit.undone_at.is_(None))
    return {edit.message_id: edit for edit in session.scalars(said.order_by(Edit.id))}


def arrived(leaves: Iterable[Leaf], edits: Mapping[str, Edit]) -> list[threading.Arrived]:
    """Leaves in the terms of threading."""
    return [as_it_came(leaf, edits).arrived() for leaf in leaves]


def moved(edits: Mapping[str, Edit]) -> dict[str, str]:
    """Edits in the terms of threading."""
    return {message_id: edit.below for message_id, edit in edits.items()}


def as_it_came(leaf: Leaf, edits: Mapping[str, Edit]) -> Leaf:
    """The leaf with what was known of its place before a moderator moved it."""
    if leaf.reason != threading.MOVED:
        return leaf
    edit = edits.get(leaf.message_id)
    return replace(leaf, reason=edit.reason if edit else "")


def neighbours(
    session: Session, list_id: int, new: Sequence[Leaf], edits: Mapping[str, Edit]
) -> dict[str, Leaf]:
    """All posts of the threads that the new leaves might join or change."""
    cut = {edit.topic for edit in edits.values() if edit.topic}
    found: dict[str, Leaf] = {}
    threads: set[int] = set()
    known_ids: set[str] = set()
    known_topics: set[str] = set()
    ours = {leaf.message_id for leaf in new}
    fresh: list[Leaf] = list(new)
    while fresh:
        named = ((leaf.message_id, leaf.index, *leaf.references) for leaf in fresh)
        ids = set().union(*named) - known_ids - {""}
        for message_id, edit in edits.items():
            if edit.below and (edit.below in ids or message_id in ids):
                ids |= {message_id, edit.below} - known_ids
        lone = [leaf for leaf in fresh if leaf.message_id in ours or leaf.is_reply]
        topics = [leaf for leaf in lone if leaf.topic and leaf.topic not in known_topics]
        known_ids |= ids
        more = threads_with_ids(session, list_id, ids) | _threads_of_topic(session, list_id, topics)
        if cut:  # what was joined by a subject may stand apart now: both belong together here
            again = cut & {leaf.topic for leaf in fresh}
            cut -= again
            more |= _threads_ever_of(session, list_id, again)
        known_topics |= {leaf.topic for leaf in topics}
        fresh = [
            leaf
            for leaf in leaves_of(session, more - threads)
            if leaf.message_id not in ours and leaf.message_id not in found
        ]
        threads |= more
        found |= {leaf.message_id: leaf for leaf in fresh}
    return found


def threads_with_ids(session: Session, list_id: int, ids: Collection[str]) -> set[int]:
    """The threads of posts that have or name one of these Message-IDs."""
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


def _threads_ever_of(session: Session, list_id: int, topics: Collection[str]) -> set[int]:
    wanted = select(Post.thread_id).where(
        Post.list_id == list_id, Post.state == PostState.FILED, Post.topic.in_(topics)
    )
    return set(session.scalars(wanted.distinct())) if topics else set()


_COLUMNS = (
    Post.message_id, Post.sent_at, Post.received_at, Post.subject, Post.topic, Post.is_reply,
    Post.author, Post.reason, Post.id, Post.thread_id, Post.parent_id,
)  # fmt: skip


def leaves_of(session: Session, threads: Collection[int]) -> Iterator[Leaf]:
    """All posts of threads."""
    for some in slices(sorted(threads)):
        of_threads = and_(Post.thread_id.in_(some), Post.state == PostState.FILED)
        references: dict[int, list[str]] = {}
        indexes: dict[int, str] = {}
        for post_id, position, message_id in session.execute(
            select(Reference.post_id, Reference.position, Reference.message_id)
            .join(Post, Post.id == Reference.post_id)
            .where(of_threads)
            .order_by(Reference.post_id, Reference.position)
        ):
            if position == Reference.OWN_INDEX:
                indexes[post_id] = message_id
            else:
                references.setdefault(post_id, []).append(message_id)
        for row in session.execute(select(*_COLUMNS).where(of_threads)):
            yield Leaf(
                row.message_id, tuple(references.get(row.id, ())), row.sent_at, row.received_at,
                row.subject, row.topic, row.is_reply, row.author, row.reason, row.id,
                row.thread_id, row.parent_id, indexes.get(row.id, ""),
            )  # fmt: skip


def slices(things: Sequence[T], size: int = _AT_ONCE) -> Iterator[Sequence[T]]:
    """Pieces of a sequence that fit into one query."""
    for start in range(0, len(things), size):
        yield things[start : start + size]

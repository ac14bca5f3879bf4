"""Posts as weaving sees them, what was said of their places, and which of them hang together."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from sqlalchemy import Integer, Table, and_, bindparam, select, union_all
from sqlalchemy.orm import Session

from archive import threading
from archive.models import Edit, Post, PostState, Reference
from core.among import among
from core.database import UtcDateTime

#: Places that somebody told us; they are kept, whatever subjects and references say.
TOLD = frozenset(
    {
        "reply token", "quoted item", "visible number", "item title", "only item", "answered",
        "mailing",
    }
)  # fmt: skip


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


_EDITS = (
    select(Edit)
    .where(Edit.list_id == bindparam("of_list", type_=Integer()), Edit.undone_at.is_(None))
    .order_by(Edit.id)
)


def standing_edits(session: Session, list_id: int) -> dict[str, Edit]:
    """What moderators said of places on a list and nobody has undone, by Message-ID."""
    return {edit.message_id: edit for edit in session.scalars(_EDITS, {"of_list": list_id})}


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
    asked: list[_Asked] = []
    ours = {leaf.message_id for leaf in new}
    fresh: list[Leaf] = list(new)
    while fresh:
        named = ((leaf.message_id, leaf.index, *leaf.references) for leaf in fresh)
        ids = set().union(*named) - known_ids - {""}
        for message_id, edit in edits.items():
            if edit.below and (edit.below in ids or message_id in ids):
                ids |= {message_id, edit.below} - known_ids
        lone = [leaf for leaf in fresh if leaf.message_id in ours or leaf.is_reply]
        known_ids |= ids
        more = threads_with_ids(session, list_id, ids)
        more |= _threads_by_subject(session, list_id, lone, asked)
        if cut:  # what was joined by a subject may stand apart now: both belong together here
            again = cut & {leaf.topic for leaf in fresh}
            cut -= again
            more |= _threads_ever_of(session, list_id, again)
        fresh = [
            leaf
            for leaf in leaves_of(session, more - threads)
            if leaf.message_id not in ours and leaf.message_id not in found
        ]
        threads |= more
        found |= {leaf.message_id: leaf for leaf in fresh}
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """Subjects whose threads were asked for, and from when to when leaves with them were sent."""

    topics: frozenset[str]
    first: dt.datetime
    last: dt.datetime

    def of(self, leaf: Leaf) -> bool:
        """Whether what is near a leaf in time was asked for as well."""
        return leaf.topic in self.topics and self.first <= leaf.sent_at <= self.last


# Statements of the way that every post takes are built once, on bare tables.
_post, _reference = (cast(Table, mapped.__table__) for mapped in (Post, Reference))
_p, _r = _post.c, _reference.c
_LIST = bindparam("of_list", type_=Integer())
# List and state of those that name an id are looked at here: asked for, they would have SQLite
# begin with all posts of the list.
_WITH_IDS = union_all(
    select(_p.thread_id, _p.list_id, _p.state).where(
        _p.list_id == _LIST, among(_p.message_id, "ids")
    ),
    select(_p.thread_id, _p.list_id, _p.state)
    .join(_reference, _r.post_id == _p.id)
    .where(among(_r.message_id, "ids")),
)
_OF_TOPIC = (
    select(_p.thread_id)
    .where(_p.list_id == _LIST, _p.state == PostState.FILED)
    .where(among(_p.topic, "topics"))
    .where(_p.sent_at >= bindparam("first", type_=UtcDateTime()))
    .where(_p.sent_at <= bindparam("last", type_=UtcDateTime()))
    .distinct()
)
_OF_THREADS = and_(among(_p.thread_id, "threads"), _p.state == PostState.FILED)
_REFERENCES = (
    select(_r.post_id, _r.position, _r.message_id)
    .join(_post, _p.id == _r.post_id)
    .where(_OF_THREADS)
    .order_by(_r.post_id, _r.position)
)
_LEAVES = select(
    _p.message_id, _p.sent_at, _p.received_at, _p.subject, _p.topic, _p.is_reply, _p.author,
    _p.reason, _p.id, _p.thread_id, _p.parent_id,
).where(_OF_THREADS)  # fmt: skip


def threads_with_ids(session: Session, list_id: int, ids: Collection[str]) -> set[int]:
    """The threads of posts that have or name one of these Message-IDs."""
    if not ids:
        return set()
    session.flush()
    return {
        row.thread_id
        for row in session.connection().execute(_WITH_IDS, {"of_list": list_id, "ids": ids})
        if (row.list_id, row.state) == (list_id, PostState.FILED)
    }


def _threads_by_subject(
    session: Session, list_id: int, leaves: Sequence[Leaf], asked: list[_Asked]
) -> set[int]:
    """Threads with a subject of these leaves, near them in time: one may join the other.

    What was asked for before is not asked for again.
    """
    new = [leaf for leaf in leaves if leaf.topic and not any(one.of(leaf) for one in asked)]
    if not new:
        return set()
    sent = [leaf.sent_at for leaf in new]
    near = _Asked(frozenset(leaf.topic for leaf in new), min(sent), max(sent))
    asked.append(near)
    facts = {
        "of_list": list_id,
        "first": near.first - threading.WINDOW,
        "last": near.last + threading.WINDOW,
        "topics": near.topics,
    }
    return set(session.connection().scalars(_OF_TOPIC, facts))


def _threads_ever_of(session: Session, list_id: int, topics: Collection[str]) -> set[int]:
    wanted = select(Post.thread_id).where(
        Post.list_id == list_id, Post.state == PostState.FILED, Post.topic.in_(topics)
    )
    return set(session.scalars(wanted.distinct())) if topics else set()


def leaves_of(session: Session, threads: Collection[int]) -> Iterator[Leaf]:
    """All posts of threads."""
    if not threads:
        return
    session.flush()
    connection = session.connection()
    references: dict[int, list[str]] = {}
    indexes: dict[int, str] = {}
    for post_id, position, message_id in connection.execute(_REFERENCES, {"threads": threads}):
        if position == Reference.OWN_INDEX:
            indexes[post_id] = message_id
        else:
            references.setdefault(post_id, []).append(message_id)
    for row in connection.execute(_LEAVES, {"threads": threads}):
        yield Leaf(
            row.message_id, tuple(references.get(row.id, ())), row.sent_at, row.received_at,
            row.subject, row.topic, row.is_reply, row.author, row.reason, row.id,
            row.thread_id, row.parent_id, indexes.get(row.id, ""),
        )  # fmt: skip

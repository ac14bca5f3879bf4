"""By what readers know a post and what it answers, so that their programs put its copy there.

Each may be known as it came, by our copy of it, and to Outlook by an index of its own.
"""

from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Integer, Table, and_, bindparam, literal, select, union_all
from sqlalchemy.orm import Session

from archive.models import Post, PostState, Reference
from mailer.models import Mailing
from message import thread_index


@dataclass(frozen=True, slots=True)
class _Known:
    message_id: str
    copies: tuple[str, ...] = ()
    index: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A post, the one that opens its discussion (if that is another), and the one it answers."""

    post: _Known
    root: _Known | None
    parent: _Known | None

    def ids(self) -> tuple[str, ...]:
        """Under which ids readers know what the post answers: as it came, and as our copy.

        The root of the discussion first, then the parent.
        """
        ids = [
            name
            for one in (self.root, self.parent)
            if one is not None
            for name in (one.message_id, *one.copies)
        ]
        return tuple(dict.fromkeys(reversed(ids)))[::-1]

    def index(self) -> bytes:
        """Where Outlook sees the post: in the root's conversation, by its own index if of that."""
        root = self.root or self.post
        conversation = root.index or thread_index.opening(root.message_id)
        own = self.post.index
        if own is not None and own.startswith(conversation[: thread_index.HEADER]):
            return own
        if self.root is None:
            return conversation
        return thread_index.answering(conversation, self.post.message_id)


# One statement, built once: each copy of a post waits for it.
_post, _reference, _mailing = (
    cast(Table, mapped.__table__) for mapped in (Post, Reference, Mailing)
)
_p, _r, _m = _post.c, _reference.c, _mailing.c
_POST, _PARENT, _THREAD = (bindparam(name, type_=Integer()) for name in ("own", "above", "within"))
_opening = (
    select(_p.id)
    .where(_p.thread_id == _THREAD, _p.parent_id.is_(None))
    .where(_p.state == PostState.FILED, _p.id != _POST)
    .order_by(_p.sent_at, _p.id)
    .limit(1)
    .subquery()
)
_which = union_all(
    select(literal("root").label("role"), _opening.c.id),
    select(literal("parent"), _p.id).where(_p.id == _PARENT),
    select(literal("post"), _p.id).where(_p.id == _POST),
).subquery("which")
_ALL = (
    select(_which.c.role, _p.message_id, _r.message_id.label("index"), _m.message_id.label("copy"))
    .join(_post, _p.id == _which.c.id)
    .outerjoin(_reference, and_(_r.post_id == _p.id, _r.position == Reference.OWN_INDEX))
    .outerjoin(_mailing, and_(_m.kind == "post", _m.about == _p.id))
    .order_by(_m.id)
)


def answered(session: Session, post: Post) -> Answered:
    """What a post answers, and by what readers know all of these."""
    facts = {"own": post.id, "above": post.parent_id, "within": post.thread_id}
    rows: dict[str, list[Any]] = {}
    for row in session.connection().execute(_ALL, facts):
        rows.setdefault(row.role, []).append(row)
    known = {role: _known(some) for role, some in rows.items()}
    return Answered(known["post"], known.get("root"), known.get("parent"))


def _known(rows: list[Any]) -> _Known:
    first = rows[0]
    index = thread_index.of_id(first.index) if first.index else None
    return _Known(first.message_id, tuple(row.copy for row in rows if row.copy), index)

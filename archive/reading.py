"""Reading the archive: threads of a list, a thread as a tree, what is new since the last digest."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.models import Attachment, Blob, Edit, Post, PostState, Thread
from subscribers.models import MailingList, Person

PAGE = 30
#: What the reason of a post means, for "Why is it here?".
REASONS = {
    "new": "It opened this discussion.",
    "mailing": "The network sent it; answers to it come here.",
    "in-reply-to": "It names the message that it answers.",
    "references": "It names an earlier message of this discussion.",
    "thread-index": "Outlook says which message it answers.",
    "missing parent": "It answers a message that is not in the archive.",
    "chain": "Later messages tell what it answers.",
    "subject": "It says that it is an answer, and has the subject of this discussion.",
    "reply token": "It was written to the reply address of this discussion.",
    "quoted item": "It quotes this item of a digest next to its words.",
    "visible number": "It names the number of this discussion.",
    "item title": "It names the title of this discussion.",
    "only item": "It answers a digest that had this discussion only.",
    "answered": "The sender was asked, and chose this discussion.",
    "moved": "A moderator put it here.",
}


def why_here(post: Post) -> str:
    """Why a post stands where it stands, in a sentence."""
    return REASONS.get(post.reason.partition(";")[0], "")


def edits_of(session: Session, thread: Thread) -> list[tuple[Edit, str]]:
    """What moderators did to a discussion and nobody has undone, with their names; newest first."""
    here = select(Post.message_id).where(Post.thread_id == thread.id, Post.state == PostState.FILED)
    wanted = (
        select(Edit, Person.name)
        .join(Person, Person.id == Edit.person_id)
        .where(Edit.list_id == thread.list_id, Edit.undone_at.is_(None))
        .where(Edit.message_id.in_(here) | Edit.below.in_(here))
    )
    rows = session.execute(wanted.order_by(Edit.id.desc()))
    return [(row.Edit, row.name or "a moderator") for row in rows]


def said_elsewhere(session: Session, posts: Sequence[Post]) -> dict[int, list[Post]]:
    """For each post those that the same message became in other places, by the post's id."""
    messages = {post.incoming_id for post in posts if post.incoming_id is not None}
    if not messages:
        return {}
    wanted = select(Post).where(Post.incoming_id.in_(messages), Post.state == PostState.FILED)
    parts: dict[int | None, list[Post]] = {}
    for part in session.scalars(wanted.order_by(Post.id)):
        parts.setdefault(part.incoming_id, []).append(part)
    return {
        post.id: others
        for post in posts
        if (others := [one for one in parts.get(post.incoming_id, []) if one.id != post.id])
    }


def threads_of(
    session: Session, list_: MailingList | int, page: int = 1, size: int = PAGE
) -> list[Thread]:
    """The threads of a list, the last active first; pages count from 1."""
    wanted = (
        select(Thread)
        .where(Thread.list_id == (list_ if isinstance(list_, int) else list_.id), Thread.posts > 0)
        .order_by(Thread.last_at.desc(), Thread.id.desc())
        .limit(size)
        .offset((max(page, 1) - 1) * size)
    )
    return list(session.scalars(wanted))


def thread(session: Session, thread_id: int) -> Thread | None:
    """A thread, or the one that it was joined to; None if there is nothing to see."""
    found = session.get(Thread, thread_id)
    seen: set[int] = set()
    while found is not None and found.merged_into is not None and found.id not in seen:
        seen.add(found.id)
        found = session.get(Thread, found.merged_into)
    return found if found is not None and found.posts else None


def thread_tree(session: Session, thread_id: int) -> list[tuple[int, Post]]:
    """The posts of a thread with their depths, each answer below what it answers.

    Of a thread that was joined to another, those of that one.
    """
    found = thread(session, thread_id)
    posts = session.scalars(
        select(Post)
        .where(Post.thread_id == (found.id if found else 0), Post.state == PostState.FILED)
        .order_by(Post.sent_at, Post.id)
    ).all()
    here = {post.id for post in posts}
    below: dict[int | None, list[Post]] = {}
    for post in posts:
        below.setdefault(post.parent_id if post.parent_id in here else None, []).append(post)
    ordered: list[tuple[int, Post]] = []
    waiting = [(0, post) for post in reversed(below.get(None, []))]
    while waiting:
        depth, post = waiting.pop()
        ordered.append((depth, post))
        waiting += [(depth + 1, answer) for answer in reversed(below.get(post.id, []))]
    return ordered


def parts_of(post: Post) -> list[tuple[str, str]]:
    """The passages of a post: own, quoted, signature or folded, and the text."""
    return [(str(kind), str(text)) for kind, text in json.loads(post.parts)]


def attachments_of(session: Session, post_ids: Sequence[int]) -> dict[int, list[Attachment]]:
    """The attachments of posts, by post."""
    found: dict[int, list[Attachment]] = {}
    wanted = select(Attachment).where(Attachment.post_id.in_(post_ids)).order_by(Attachment.id)
    for attachment in session.scalars(wanted):
        found.setdefault(attachment.post_id, []).append(attachment)
    return found


def content_of(session: Session, attachment: Attachment) -> bytes:
    """The bytes of an attachment."""
    return session.get_one(Blob, attachment.sha256).content


@dataclass(frozen=True, slots=True)
class Discussion:
    """A thread with what is new in it, oldest first."""

    thread: Thread
    posts: tuple[Post, ...]


def digest_items(
    session: Session, list_id: int, since: dt.datetime, until: dt.datetime
) -> list[Discussion]:
    """The discussions of a list in which people wrote after `since` and up to `until`.

    What the network itself sent is no news; the liveliest discussion comes first.
    """
    posts = session.scalars(
        select(Post)
        .where(
            Post.list_id == list_id,
            Post.state == PostState.FILED,
            Post.mailing_id.is_(None),
            Post.received_at > since,
            Post.received_at <= until,
        )
        .order_by(Post.received_at, Post.id)
    )
    found: dict[int, list[Post]] = {}
    for post in posts:
        found.setdefault(post.thread_id, []).append(post)
    items = [
        Discussion(session.get_one(Thread, thread_id), tuple(new))
        for thread_id, new in found.items()
    ]
    return sorted(items, key=lambda item: (-len(item.posts), item.thread.id))

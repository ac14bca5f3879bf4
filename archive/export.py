"""Archives out: a list's posts as an mbox that imports into the same archive, and its threads."""

import zlib
from typing import Any, BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive import mailboxes, reading
from archive.letters import known_id
from archive.models import Post, PostState, Reference, Thread
from core import addresses
from mailer.models import Incoming
from message import compose, headers, thread_index
from message.address import Mailbox
from message.parse import Attachment
from subscribers.models import MailingList

#: The mailbox under which imported messages are kept.
IMPORTED = "import"


def export_mbox(session: Session, list_: MailingList, out: BinaryIO) -> int:
    """Write the posts of a list as an mbox (mboxrd), oldest first; returns how many.

    What was imported goes out as it came. What members sent goes out as it stands in the archive:
    their raw mail holds addresses and tokens that are nobody else's business.
    """
    posts = session.scalars(
        select(Post)
        .where(Post.list_id == list_.id, Post.state == PostState.FILED)
        .order_by(Post.sent_at, Post.id)
    ).all()
    for post in posts:
        raw = _as_it_came(session, post) or _as_it_stands(session, list_, post)
        out.write(mailboxes.as_mbox(raw, post.sent_at))
    return len(posts)


def _as_it_came(session: Session, post: Post) -> bytes | None:
    incoming = session.get(Incoming, post.incoming_id) if post.incoming_id else None
    if incoming is None or incoming.mailbox != IMPORTED:
        return None
    return zlib.decompress(incoming.raw)


def _as_it_stands(session: Session, list_: MailingList, post: Post) -> bytes:
    named = session.scalars(
        select(Reference.message_id)
        .where(Reference.post_id == post.id)
        .order_by(Reference.position.desc())
    ).all()
    address = addresses.of(list_.name)
    fields: list[tuple[str, headers.Value]] = [
        ("From", Mailbox(post.author, address)),
        ("To", Mailbox(list_.title, address)),
        ("Subject", " ".join(post.subject.split())),
        ("Date", mailboxes.mail_date(post.sent_at)),
        ("Message-ID", f"<{_writable(post.message_id)}>"),
    ]
    indexes = [index for one in named if (index := thread_index.of_id(one)) is not None]
    references = [f"<{_writable(one)}>" for one in named if thread_index.of_id(one) is None]
    if indexes:
        fields.append(("Thread-Index", thread_index.written(indexes[0])))
    if references:
        fields.append(("References", " ".join(references)))
    files = reading.attachments_of(session, [post.id]).get(post.id, [])
    return compose.message_bytes(
        compose.Draft(
            fields,
            "".join(text for _, text in reading.parts_of(post)),
            post.html,
            files=[Attachment(f.name, f.type, reading.content_of(session, f)) for f in files],
        )
    )


def _writable(message_id: str) -> str:
    """An id as it can stand in a header: one that cannot goes out by its hash."""
    fit = message_id.isascii() and message_id.isprintable() and not set(message_id) & set(" <>")
    return message_id if fit else known_id(message_id * 250)


def export_threads(session: Session, list_: MailingList) -> list[dict[str, Any]]:
    """Each thread of a list, oldest first: its subject, and its posts as they hang together.

    A post is told by `message_id`, `parent` (a Message-ID, or None) and `reason`.
    """
    threads = session.scalars(
        select(Thread)
        .where(Thread.list_id == list_.id, Thread.posts > 0)
        .order_by(Thread.started_at, Thread.id)
    ).all()
    posts: dict[int, list[Any]] = {}
    ids: dict[int, str] = {}
    rows = session.execute(
        select(Post.id, Post.thread_id, Post.message_id, Post.parent_id, Post.reason)
        .where(Post.list_id == list_.id, Post.state == PostState.FILED)
        .order_by(Post.sent_at, Post.message_id)
    )
    for row in rows:
        posts.setdefault(row.thread_id, []).append(row)
        ids[row.id] = row.message_id
    return [
        {
            "thread": thread.id,
            "subject": thread.subject,
            "posts": [
                {
                    "message_id": row.message_id,
                    "parent": ids.get(row.parent_id),
                    "reason": row.reason,
                }
                for row in posts.get(thread.id, [])
            ],
        }
        for thread in threads
    ]

"""Tables of the archive: threads, posts, what they refer to, and where answers belong."""

import datetime as dt
import enum
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database import Base


class PostState(enum.StrEnum):
    """Whether a post is to be seen."""

    FILED = "filed"
    HELD = "held"
    REJECTED = "rejected"


class Thread(Base):
    """A discussion on a list. `merged_into` leads on when it turned out to be part of another."""

    __tablename__ = "thread"
    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))
    subject: Mapped[str]
    started_at: Mapped[dt.datetime]
    last_at: Mapped[dt.datetime]
    posts: Mapped[int] = mapped_column(default=0)
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("thread.id"))
    __table_args__ = (Index("ix_thread_list_last", "list_id", "last_at"),)


class Post(Base):
    """One message in a thread; `reason` says why it stands here.

    `parts` is a JSON list of [kind, text]: own, quoted, signature, folded; put together again they
    are the decoded body. `topic` is the subject without its prefixes in lower case, `is_reply`
    whether it said to be an answer: by both, answers that name no message find their discussion.
    """

    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    reason: Mapped[str] = mapped_column(String(30))
    message_id: Mapped[str] = mapped_column(String(998))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    author: Mapped[str] = mapped_column(String(200))
    organisation: Mapped[str] = mapped_column(String(200), default="")
    subject: Mapped[str]
    topic: Mapped[str] = mapped_column(String(200), default="")
    is_reply: Mapped[bool] = mapped_column(default=False)
    sent_at: Mapped[dt.datetime]
    received_at: Mapped[dt.datetime]
    incoming_id: Mapped[int | None] = mapped_column(ForeignKey("incoming.id"), index=True)
    mailing_id: Mapped[int | None] = mapped_column(ForeignKey("mailing.id"), index=True)
    own_words: Mapped[str]
    parts: Mapped[str]
    html: Mapped[str | None]
    state: Mapped[str] = mapped_column(String(10), default=PostState.FILED)
    held_why: Mapped[str | None]
    thread: Mapped[Thread] = relationship()
    __table_args__ = (
        UniqueConstraint("list_id", "message_id"),
        Index("ix_post_list_received", "list_id", "received_at"),
        Index("ix_post_list_topic", "list_id", "topic", "sent_at"),
    )


class Reference(Base):
    """A Message-ID that a post refers to, the nearest ancestor first.

    It may be that of a message that nobody has seen (yet): such rows join what belongs together
    when the missing message arrives. At the position OWN_INDEX stands what the post itself is known
    by to Outlook, besides its Message-ID (`message/thread_index.py`).
    """

    OWN_INDEX: ClassVar[int] = 1000

    __tablename__ = "reference"
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(998), index=True)


class EditKind(enum.StrEnum):
    """What a moderator did to discussions."""

    MERGE = "merge"
    SPLIT = "split"
    MOVE = "move"


class Edit(Base):
    """A moderator's word on a place: this message, with its answers, stands below that one.

    `below` is a Message-ID, or empty: then the message opens a discussion, called `title`. The
    latest edit of a message that is not undone holds. `message_id` may be that of a message which
    nobody has seen: what answers it comes along. `reason`, `was_below` and `was_in` tell how it
    stood before, `topic` by which subject it may have been joined.
    """

    __tablename__ = "edit"
    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))
    kind: Mapped[str] = mapped_column(String(10))
    message_id: Mapped[str] = mapped_column(String(998))
    below: Mapped[str] = mapped_column(String(998), default="")
    title: Mapped[str] = mapped_column(default="")
    topic: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(String(30), default="")
    was_below: Mapped[str] = mapped_column(String(998), default="")
    was_in: Mapped[int] = mapped_column(ForeignKey("thread.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    at: Mapped[dt.datetime]
    undone_at: Mapped[dt.datetime | None]
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    __table_args__ = (
        Index(
            "ix_edit_standing", "list_id",
            postgresql_where=text("undone_at IS NULL"), sqlite_where=text("undone_at IS NULL"),
        ),
    )  # fmt: skip


class ReplyTarget(Base):
    """Where an answer to an item of a mailing belongs; item 0 is the mailing as a whole.

    `thread_id` is empty until the first answer opens one. `words` are the item's own words, by
    which it is recognised in a quotation.
    """

    __tablename__ = "reply_target"
    id: Mapped[int] = mapped_column(primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailing.id"))
    item: Mapped[int]
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))
    thread_id: Mapped[int | None] = mapped_column(ForeignKey("thread.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    title: Mapped[str]
    words: Mapped[str] = mapped_column(default="")
    __table_args__ = (UniqueConstraint("mailing_id", "item"),)


class Blob(Base):
    """The content of attachments, kept once however often it was sent."""

    __tablename__ = "blob"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Attachment(Base):
    """A file that came with a post."""

    __tablename__ = "attachment"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(127))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(ForeignKey("blob.sha256"))

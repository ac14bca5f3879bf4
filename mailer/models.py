"""Tables of the post room: mailings, their copies, and the mail that came in."""

import datetime as dt
import enum

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database import Base


class MailingState(enum.StrEnum):
    """Where a mailing stands. Only `sending` mailings give copies to the wire."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENDING = "sending"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class State(enum.StrEnum):
    """Where one copy stands."""

    PLANNED = "planned"
    ATTEMPTING = "attempting"
    DEFERRED = "deferred"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXCLUDED = "excluded"
    IN_DOUBT = "in_doubt"


class Trouble(enum.StrEnum):
    """Why a mailing does not go on by itself."""

    STALLED = "stalled"  # copies are due, and nothing moves
    LATE = "late"  # so late that a person decides whether it still goes out
    UNBALANCED = "unbalanced"  # what became of its copies does not add up


class Mailing(Base):
    """Anything sent, to one person or to many; `about` is the id of what it speaks of.

    What `about` counts depends on the kind: a join request, a meeting, a post, a list, ...
    """

    __tablename__ = "mailing"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    list_id: Mapped[int | None] = mapped_column(ForeignKey("list.id"))
    about: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10), default=MailingState.DRAFT, index=True)
    bulk: Mapped[bool]
    priority: Mapped[int] = mapped_column(default=5)  # smaller goes first; service mail is 1
    #: The id of the first mailing of those that bring the same to several lists.
    edition: Mapped[int | None] = mapped_column(ForeignKey("mailing.id"), index=True)
    subject: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")  # what the author wrote, Markdown
    message_id: Mapped[str] = mapped_column(String(250), unique=True)  # without <>
    mould: Mapped[bytes | None] = mapped_column(LargeBinary)
    not_before: Mapped[dt.datetime | None]
    pointless_after: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[dt.datetime | None]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    planned_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    copies: Mapped[int | None]  # how many were planned: what became of them has to add up to it
    trouble: Mapped[str | None] = mapped_column(String(20))
    trouble_at: Mapped[dt.datetime | None]
    __table_args__ = (Index("ix_mailing_kind_about", "kind", "about"),)


class Delivery(Base):
    """One copy of a mailing for one recipient, and what became of it.

    `name` is the person's as it stood at planning ("" where the kind of mail names nobody, NULL for
    who is left out). The texts that differ from copy to copy follow from it, from `address`, which
    is where the copy goes, and from the ids; `slots` is a JSON object of other texts that this copy
    alone has, by slot name, and goes first. `excluded` copies say why in `reason`.
    """

    __tablename__ = "delivery"
    id: Mapped[int] = mapped_column(primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailing.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    address: Mapped[str] = mapped_column(String(320))
    state: Mapped[str] = mapped_column(String(10), default=State.PLANNED)
    reason: Mapped[str | None] = mapped_column(String(60))
    name: Mapped[str | None] = mapped_column(String(200))
    slots: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[dt.datetime]
    worker: Mapped[str | None] = mapped_column(String(80))
    code: Mapped[str | None] = mapped_column(String(20))  # SMTP reply code and enhanced status
    words: Mapped[str | None]  # what the server said
    settled_at: Mapped[dt.datetime | None]
    bounced_at: Mapped[dt.datetime | None]
    bounce: Mapped[str | None] = mapped_column(String(60))  # class and status of the bounce
    mailing: Mapped[Mailing] = relationship()
    __table_args__ = (
        UniqueConstraint("mailing_id", "person_id"),
        UniqueConstraint("mailing_id", "address"),
        Index(
            "ix_delivery_claim",
            "state",
            "mailing_id",
            "next_try",
            "id",
        ),
    )


class MessageAlias(Base):
    """A Message-ID under which a mailing was seen on the wire besides its own."""

    __tablename__ = "message_alias"
    message_id: Mapped[str] = mapped_column(String(998), primary_key=True)
    mailing_id: Mapped[int] = mapped_column(ForeignKey("mailing.id"))


class Worker(Base):
    """A process that sends; copies of one that went silent are in doubt."""

    __tablename__ = "worker"
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    started_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]


class Incoming(Base):
    """A message as it came, kept before anything else is done with it.

    `state`: kept, sorted, stuck (nobody understood it; the coordinator sees it).
    `verdict`: one of message.verdict.Verdict; the ids are what the envelope addresses told.
    `vouched`: the author's domain, if its signature was found good on arrival; `doubt`: why not.
    """

    __tablename__ = "incoming"
    id: Mapped[int] = mapped_column(primary_key=True)
    mailbox: Mapped[str] = mapped_column(String(200))
    uidvalidity: Mapped[int] = mapped_column(BigInteger)
    uid: Mapped[int] = mapped_column(BigInteger)
    raw: Mapped[bytes] = mapped_column(LargeBinary)  # zlib
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int]
    arrived_at: Mapped[dt.datetime]
    state: Mapped[str] = mapped_column(String(10), default="kept", index=True)
    verdict: Mapped[str | None] = mapped_column(String(20))
    why: Mapped[str | None]
    list_id: Mapped[int | None] = mapped_column(ForeignKey("list.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    token: Mapped[str | None] = mapped_column(String(64))  # the token it was written to
    command: Mapped[str | None] = mapped_column(String(20))
    vouched: Mapped[str | None] = mapped_column(String(255))
    doubt: Mapped[str | None] = mapped_column(String(200))
    __table_args__ = (UniqueConstraint("mailbox", "uidvalidity", "uid"),)


class MailboxPosition(Base):
    """Up to where a mailbox has been read, and when it last answered."""

    __tablename__ = "mailbox_position"
    mailbox: Mapped[str] = mapped_column(String(200), primary_key=True)
    uidvalidity: Mapped[int] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[dt.datetime]


class Budget(Base):
    """How much of a limit of sending is spoken for: of a route, or of a recipient domain."""

    __tablename__ = "budget"
    key: Mapped[str] = mapped_column(String(320), primary_key=True)
    full_at: Mapped[dt.datetime]

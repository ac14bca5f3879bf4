"""Tables of the people, their addresses and organisations, the lists and who is on them."""

import datetime as dt
import enum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database import Base
from message.address import domain_of


class OrganisationKind(enum.StrEnum):
    """What an organisation is to the network; closed lists admit councils and the host only."""

    COUNCIL = "council"
    PARTNER = "partner"
    HOST = "host"
    OTHER = "other"


class Reach(enum.StrEnum):
    """Whether mail gets through to an address."""

    OK = "ok"
    DOUBTFUL = "doubtful"
    DEAD = "dead"


class Role(enum.StrEnum):
    """What a person may do in the whole network; a moderator's role stands on the subscription."""

    MEMBER = "member"
    COORDINATOR = "coordinator"
    OPERATOR = "operator"


class Mode(enum.StrEnum):
    """How a subscriber takes a list's posts. Newsletters and announcements reach every mode."""

    EACH = "each"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    NONE = "none"


class Standing(enum.StrEnum):
    """State of a subscription."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


class RequestState(enum.StrEnum):
    """Where a wish to join stands."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    HELD = "held"  # waits for the coordinator
    JOINED = "joined"
    REFUSED = "refused"
    REPLACED = "replaced"  # asked again later: only the newest mail confirms
    FORGOTTEN = "forgotten"  # never confirmed: nothing personal is left in the row


class Organisation(Base):
    """A council, partner, the host or another body."""

    __tablename__ = "organisation"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(20), default=OrganisationKind.OTHER)


class OrganisationDomain(Base):
    """A mail domain by which an organisation is recognised, in normal form."""

    __tablename__ = "organisation_domain"
    domain: Mapped[str] = mapped_column(String(255), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    organisation: Mapped[Organisation] = relationship()


class Person(Base):
    """Somebody who takes part, or took part."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[str] = mapped_column(String(20), default=Role.MEMBER)
    created_at: Mapped[dt.datetime]
    organisation: Mapped[Organisation | None] = relationship()
    addresses: Mapped[list["Address"]] = relationship(
        back_populates="person", order_by="Address.id"
    )


def _domain(context: Any) -> str:
    return domain_of(context.get_current_parameters()["key"])


class Address(Base):
    """A mailbox of a person; the first is where mail goes. `key` is its normal form.

    `domain` follows from the key: it is a column so that a domain's addresses are found at once.
    """

    __tablename__ = "address"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    mailbox: Mapped[str] = mapped_column(String(320))
    key: Mapped[str] = mapped_column(String(320), unique=True)
    domain: Mapped[str] = mapped_column(String(320), index=True, default=_domain, server_default="")
    verified_at: Mapped[dt.datetime | None]
    reach: Mapped[str] = mapped_column(String(20), default=Reach.OK)
    person: Mapped[Person] = relationship(back_populates="addresses")


class Incident(Base):
    """A mail domain that refuses our mail to several people at once; `reason` is a Reason.

    `addresses` counts the mailboxes, `words` is what its server said first. One that closed by
    itself has no `closed_by`; closed by a coordinator, its refusals count as any others.
    """

    __tablename__ = "incident"
    id: Mapped[int] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[dt.datetime]
    last_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    addresses: Mapped[int] = mapped_column(default=0)
    words: Mapped[str] = mapped_column(default="")
    __table_args__ = (
        Index("ix_incident_domain", "domain"),
        Index(
            "ix_incident_open",
            "domain",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
            sqlite_where=text("closed_at IS NULL"),
        ),
    )


class Refusal(Base):
    """One refusal of mail to an address; `reason` is a message.refusals.Reason.

    `delivery` is the number of the copy, `words` what the server said.
    """

    __tablename__ = "refusal"
    id: Mapped[int] = mapped_column(primary_key=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id"), index=True)
    reason: Mapped[str] = mapped_column(String(20))
    permanent: Mapped[bool]
    at: Mapped[dt.datetime]
    words: Mapped[str] = mapped_column(default="", server_default="")
    delivery: Mapped[int | None]
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incident.id"), index=True)
    __table_args__ = (UniqueConstraint("delivery", "reason"), Index("ix_refusal_at", "at"))


class Decision(enum.StrEnum):
    """What became of somebody who seems to have left."""

    BACK = "back"  # mail gets through again, or is tried again
    REMOVED = "removed"
    INCIDENT = "incident"  # it was their whole domain


class Leaver(Base):
    """Somebody whose mailbox is dead, until a coordinator decides; `decision` is a Decision."""

    __tablename__ = "leaver"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    at: Mapped[dt.datetime]
    told_at: Mapped[dt.datetime | None]
    decision: Mapped[str | None] = mapped_column(String(10))
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class MailingList(Base):
    """A mailing list: the network's main one or a subgroup. `name` is its local part."""

    __tablename__ = "list"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(default="")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("list.id"))
    closed: Mapped[bool] = mapped_column(default=False)  # councils and the host only
    announce_only: Mapped[bool] = mapped_column(default=False)
    default_mode: Mapped[str] = mapped_column(String(10), default=Mode.MONTHLY)
    created_at: Mapped[dt.datetime]


class Subscription(Base):
    """A person on a list."""

    __tablename__ = "subscription"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))
    state: Mapped[str] = mapped_column(String(10), default=Standing.ACTIVE)
    moderator: Mapped[bool] = mapped_column(default=False)
    mode: Mapped[str] = mapped_column(String(10), default=Mode.MONTHLY)
    joined_at: Mapped[dt.datetime]
    left_at: Mapped[dt.datetime | None]
    left_how: Mapped[str | None] = mapped_column(String(20))
    person: Mapped[Person] = relationship()
    list: Mapped[MailingList] = relationship()
    __table_args__ = (
        UniqueConstraint("person_id", "list_id"),
        Index("ix_subscription_list_state", "list_id", "state"),
    )


class JoinRequest(Base):
    """A wish to join a list, from the asking to the decision; `state` is a RequestState.

    Rows are never deleted: a mailed token holds their number, which must not be given out again.
    """

    __tablename__ = "join_request"
    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))
    mailbox: Mapped[str] = mapped_column(String(320))
    key: Mapped[str] = mapped_column(String(320), index=True)
    name: Mapped[str] = mapped_column(String(200))
    organisation: Mapped[str] = mapped_column(String(200), default="")
    source: Mapped[str] = mapped_column(String(10))  # form, mail, import
    wording: Mapped[str]
    evidence: Mapped[str]
    state: Mapped[str] = mapped_column(String(10), default=RequestState.ASKED)
    asked_at: Mapped[dt.datetime]
    confirmed_at: Mapped[dt.datetime | None]
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    list: Mapped[MailingList] = relationship()


class Consent(Base):
    """What a person agreed to: the words shown, when, by which act, and when it was withdrawn."""

    __tablename__ = "consent"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))
    wording: Mapped[str]
    evidence: Mapped[str]
    given_at: Mapped[dt.datetime]
    withdrawn_at: Mapped[dt.datetime | None]


class SignIn(Base):
    """A mailed link to sign in: used once, for minutes, in the browser that asked for it."""

    __tablename__ = "sign_in"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    browser: Mapped[str] = mapped_column(String(64))  # SHA-256 of the browser's secret
    asked_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]

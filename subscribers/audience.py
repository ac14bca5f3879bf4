"""Who gets a mailing: a rule becomes people, with the reason for each who is left out."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from subscribers.models import (
    Address,
    MailingList,
    Mode,
    Organisation,
    Person,
    Reach,
    Role,
    Standing,
    Subscription,
)
from subscribers.organisations import SECTOR

NO_ADDRESS = "no address"
SUSPENDED = "suspended"
NOT_A_COUNCIL = "not a council"
NOT_VERIFIED = "address not verified"
UNREACHABLE = "address unreachable"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets a copy; without a person's id it is an address only."""

    person_id: int | None
    address: str
    name: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """Somebody who belongs to the audience and gets no copy, and why."""

    person_id: int
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets a mailing and who does not."""

    recipients: tuple[Recipient, ...]
    excluded: tuple[Excluded, ...] = ()


def members_of(session: Session, list_id: int, modes: Collection[Mode] | None = None) -> Audience:
    """The members of a list; with `modes`, those who take its posts in one of these ways.

    Who left, or takes posts in another way, does not belong to the audience at all.
    """
    closed = session.get_one(MailingList, list_id).closed
    wanted = _on_list(list_id)
    if modes is not None:
        wanted = wanted.where(Subscription.mode.in_(list(modes)))
    return _sorted_out(session, wanted, closed)


def moderators_of(session: Session, list_id: int) -> Audience:
    """The moderators of a list; the coordinators where it has none that can be reached."""
    closed = session.get_one(MailingList, list_id).closed
    found = _sorted_out(session, _on_list(list_id).where(Subscription.moderator.is_(True)), closed)
    return found if found.recipients else coordinators(session)


def coordinators(session: Session) -> Audience:
    """The coordinators; the operators where there is none that can be reached."""
    for role in (Role.COORDINATOR, Role.OPERATOR):
        found = _sorted_out(session, _people(literal("active")).where(Person.role == role), False)
        if found.recipients:
            break
    return found


def one(session: Session, person_id: int) -> Audience:
    """A single person, for what is written to them alone: also when they are on no list."""
    person = _people(literal("active")).where(Person.id == person_id)
    return _sorted_out(session, person, False)


def _people(standing: Any) -> Select[Any]:
    """Each person with their first address, which is where mail goes."""
    first = (
        select(func.min(Address.id))
        .where(Address.person_id == Person.id)
        .correlate(Person)
        .scalar_subquery()
    )
    return (
        select(
            Person.id, Person.name, standing.label("standing"),
            Organisation.name.label("organisation"), Organisation.kind,
            Address.mailbox, Address.verified_at, Address.reach,
        )
        .outerjoin(Address, Address.id == first)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .order_by(Person.id)
    )  # fmt: skip


def _on_list(list_id: int) -> Select[Any]:
    return (
        _people(Subscription.state)
        .join(Subscription, Subscription.person_id == Person.id)
        .where(Subscription.list_id == list_id, Subscription.state != Standing.LEFT)
    )


def _sorted_out(session: Session, wanted: Select[Any], closed: bool) -> Audience:
    recipients: list[Recipient] = []
    excluded: list[Excluded] = []
    for row in session.execute(wanted):
        why = _why_not(row, closed)
        if why is None:
            recipients.append(Recipient(row.id, row.mailbox, row.name, row.organisation or ""))
        else:
            # The ledger keeps one row an address, so that even a missing one has to be one's own.
            excluded.append(Excluded(row.id, row.mailbox or f"(person {row.id})", why))
    return Audience(tuple(recipients), tuple(excluded))


def _why_not(row: Any, closed: bool) -> str | None:
    if row.mailbox is None:
        return NO_ADDRESS
    if closed and row.kind not in SECTOR:
        return NOT_A_COUNCIL
    if row.verified_at is None:
        return NOT_VERIFIED
    if row.reach == Reach.DEAD:
        return UNREACHABLE
    return SUSPENDED if row.standing == Standing.SUSPENDED else None

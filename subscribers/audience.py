"""Who gets a mailing: a rule becomes people, with the reason for each who is left out.

An audience is a question to the database, not its answer: the ledger plans a million copies with
it in one statement, and previews read it row by row.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    case,
    cast,
    column,
    false,
    func,
    literal,
    null,
    or_,
    select,
    values,
)
from sqlalchemy.orm import Session

from message.address import normal_form
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
SAME_ADDRESS = "same address as somebody else"

#: A question to the database that is not asked yet.
Question = Select[*tuple[Any, ...]]
#: So many rows of an audience are in memory at once.
_AT_ONCE = 1000


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

    person_id: int | None
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets a mailing and who does not.

    `question` gives one row a person, and no address twice: `person_id`, `address`, `name`,
    `organisation`, `reason` (NULL for who gets a copy) and `place`, by which they are in order.
    """

    question: Question

    def recipients(self, session: Session) -> Iterator[Recipient]:
        """Who gets a copy, read as they are asked for."""
        for row in self._rows(session, reason_is_null=True):
            yield Recipient(row.person_id, row.address, row.name, row.organisation)

    def excluded(self, session: Session) -> Iterator[Excluded]:
        """Who gets none, and why."""
        for row in self._rows(session, reason_is_null=False):
            yield Excluded(row.person_id, row.address, row.reason)

    def count(self, session: Session) -> int:
        """How many get a copy."""
        asked = self.question.subquery("audience")
        counted = select(func.count()).select_from(asked).where(asked.c.reason.is_(None))
        return session.scalar(counted) or 0

    def _rows(self, session: Session, *, reason_is_null: bool) -> Iterator[Any]:
        asked = self.question.subquery("audience")
        which = asked.c.reason.is_(None) if reason_is_null else asked.c.reason.is_not(None)
        wanted = select(asked).where(which).order_by(asked.c.place)
        with session.execute(wanted, execution_options={"yield_per": _AT_ONCE}) as found:
            yield from found


def members_of(session: Session, list_id: int, modes: Collection[Mode] | None = None) -> Audience:
    """The members of a list; with `modes`, those who take its posts in one of these ways.

    Who left, or takes posts in another way, does not belong to the audience at all.
    """
    closed = session.get_one(MailingList, list_id).closed
    wanted = _on_list(list_id, closed=closed)
    if modes is not None:
        wanted = wanted.where(Subscription.mode.in_(list(modes)))
    return Audience(wanted)


def moderators_of(session: Session, list_id: int) -> Audience:
    """The moderators of a list; the coordinators where it has none that can be reached."""
    closed = session.get_one(MailingList, list_id).closed
    found = Audience(_on_list(list_id, closed=closed).where(Subscription.moderator.is_(True)))
    return found if found.count(session) else coordinators(session)


def coordinators(session: Session) -> Audience:
    """The coordinators; the operators where there is none that can be reached."""
    found = Audience(_people().where(Person.role == Role.COORDINATOR))
    if found.count(session):
        return found
    return Audience(_people().where(Person.role == Role.OPERATOR))


def one(person_id: int) -> Audience:
    """A single person, for what is written to them alone: also when they are on no list."""
    return Audience(_people().where(Person.id == person_id))


def named(recipients: Sequence[Recipient], excluded: Sequence[Excluded] = ()) -> Audience:
    """Exactly these, a handful: an address that was given, say.

    Of two people with one address (in whatever case) the first gets the copy.
    """
    rows = list(_once(recipients, excluded))
    columns = (
        column("person_id", Integer), column("address", String), column("name", String),
        column("organisation", String), column("reason", String), column("place", Integer),
    )  # fmt: skip
    if not rows:
        nothing: list[Any] = [cast(null(), each.type).label(each.name) for each in columns]
        return Audience(select(*nothing).where(false()))
    given = values(*columns).data(rows).cte("named")
    # PostgreSQL has to be told what a column is that holds nothing but NULL.
    cells: list[Any] = [cast(given.c[each.name], each.type).label(each.name) for each in columns]
    return Audience(select(*cells))


def _once(
    recipients: Sequence[Recipient], excluded: Sequence[Excluded]
) -> Iterator[tuple[int | None, str, str, str, str | None, int]]:
    people: set[int | None] = set()
    keys: set[str] = set()
    asked: list[Recipient | Excluded] = [*recipients, *excluded]
    for place, to in enumerate(asked):
        person, address, key = to.person_id, to.address, normal_form(to.address)
        if (person in people) if person is not None else (key in keys):
            continue
        name, organisation = "", ""
        reason: str | None = None
        if isinstance(to, Recipient):
            name, organisation = to.name, to.organisation
        else:
            reason = to.reason
        if key in keys:
            address, reason = f"(person {person})", reason or SAME_ADDRESS
        people.add(person)
        keys.add(key)
        yield person, address, name, organisation, reason, place


def _on_list(list_id: int, *, closed: bool) -> Question:
    return (
        _people(Subscription.state, closed=closed)
        .join(Subscription, Subscription.person_id == Person.id)
        .where(Subscription.list_id == list_id, Subscription.state != Standing.LEFT)
    )


def _people(standing: Any = None, *, closed: bool = False) -> Question:
    """Each person with their first address, which is where mail goes; no two share one."""
    # "+ 0": else PostgreSQL may look for the smallest id in the index of ids while it does not know
    # the table well, and read half of all addresses for each person.
    first = (
        select(func.min(Address.id + 0))
        .where(Address.person_id == Person.id)
        .correlate(Person)
        .scalar_subquery()
    )
    # The ledger keeps one row an address, so that even a missing one has to be one's own.
    none = literal("(person ") + cast(Person.id, String) + literal(")")
    return (
        select(
            Person.id.label("person_id"), func.coalesce(Address.mailbox, none).label("address"),
            Person.name.label("name"),
            func.coalesce(Organisation.name, "").label("organisation"),
            _why_not(standing, closed).label("reason"), Person.id.label("place"),
        )
        .outerjoin(Address, Address.id == first)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
    )  # fmt: skip


def _why_not(standing: Any, closed: bool) -> ColumnElement[str | None]:
    """The first reason that holds, NULL if none does."""
    reasons: list[tuple[ColumnElement[bool], str]] = [(Address.mailbox.is_(None), NO_ADDRESS)]
    if closed:
        outside = or_(Organisation.kind.is_(None), Organisation.kind.not_in(list(SECTOR)))
        reasons.append((outside, NOT_A_COUNCIL))
    reasons.append((Address.verified_at.is_(None), NOT_VERIFIED))
    reasons.append((Address.reach == Reach.DEAD, UNREACHABLE))
    if standing is not None:
        reasons.append((standing == Standing.SUSPENDED, SUSPENDED))
    return case(*reasons, else_=null())

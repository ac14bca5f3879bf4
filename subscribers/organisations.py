"""Which organisation a mail address belongs to, told by its domain."""

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from message import address as addresses
from subscribers.models import (
    Address,
    Organisation,
    OrganisationDomain,
    OrganisationKind,
    Person,
)

#: Closed lists are for these, and their officers need nobody's leave to join an open one.
SECTOR = frozenset({OrganisationKind.COUNCIL, OrganisationKind.HOST})


class BadOrganisation(ValueError):
    """An organisation cannot be entered like this; the text says why."""


def recognise(session: Session, address: str) -> Organisation | None:
    """The organisation whose mail domain an address has, or a subdomain of it.

    The longest registered domain wins: a subdomain can be registered for another organisation.
    """
    labels = addresses.domain_of(address).split(".")
    domains = [".".join(labels[at:]) for at in range(len(labels) - 1)]
    if not domains:
        return None
    found = session.scalars(
        select(OrganisationDomain).where(OrganisationDomain.domain.in_(domains))
    )
    nearest = max(found, key=lambda row: len(row.domain), default=None)
    return nearest.organisation if nearest else None


def by_name(session: Session, name: str) -> Organisation | None:
    """The organisation of that name, in whatever case it is written."""
    wanted = " ".join(name.split())
    exact = session.scalar(select(Organisation).where(Organisation.name == wanted))
    if exact is not None:
        return exact
    folded = select(Organisation).where(func.lower(Organisation.name) == wanted.lower())
    return session.scalars(folded.order_by(Organisation.id)).first()


def add(
    session: Session,
    name: str,
    kind: OrganisationKind = OrganisationKind.OTHER,
    domains: tuple[str, ...] = (),
) -> Organisation:
    """Enter an organisation with its mail domains; a known one of that name gets the new domains.

    Raises BadOrganisation for an empty name, a domain that is none, or one that is taken.
    """
    wanted = " ".join(name.split())
    if not wanted or len(wanted) > 200:
        raise BadOrganisation("Enter the name of the organisation, with 200 characters or fewer.")
    organisation = by_name(session, wanted)
    if organisation is None:
        organisation = Organisation(name=wanted, kind=kind)
        session.add(organisation)
        session.flush()
    for domain in domains:
        _register(session, organisation, domain)
    return organisation


def _register(session: Session, organisation: Organisation, text: str) -> None:
    domain = addresses.domain_of(text)
    if "." not in domain or len(domain) > 255 or any(sign.isspace() for sign in domain):
        raise BadOrganisation(f"{text} is not a mail domain: write it like ashford.gov.uk.")
    taken = session.get(OrganisationDomain, domain)
    if taken is not None and taken.organisation_id != organisation.id:
        raise BadOrganisation(f"{domain} belongs to {taken.organisation.name} already.")
    if taken is None:
        session.add(OrganisationDomain(domain=domain, organisation_id=organisation.id))
        session.flush()
        _adopt(session, domain)


def _adopt(session: Session, domain: str) -> None:
    """Enter the organisation of those who were here before its domain was known."""
    unplaced = (
        select(Person)
        .join(Address)
        .where(
            Person.organisation_id.is_(None),
            or_(
                Address.key.endswith(f"@{domain}", autoescape=True),
                Address.key.endswith(f".{domain}", autoescape=True),
            ),
        )
    )
    for person in session.scalars(unplaced).unique():
        person.organisation = of_person(session, person)
    session.flush()


def in_sector(organisation: Organisation | None) -> bool:
    """Whether it is a council or the host."""
    return organisation is not None and organisation.kind in SECTOR


def of_person(session: Session, person: Person) -> Organisation | None:
    """The organisation that a person is entered with, or else that of their first address."""
    if person.organisation is not None:
        return person.organisation
    first = next(iter(person.addresses), None)
    return recognise(session, first.mailbox) if first else None

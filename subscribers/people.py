"""Who somebody is: found by address, entered once, and on which lists."""

import unicodedata
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.among import among
from message import address as addresses
from subscribers import organisations
from subscribers.models import (
    Address,
    MailingList,
    Mode,
    Organisation,
    Person,
    Standing,
    Subscription,
)

LONGEST_NAME = 200


class AddressTaken(ValueError):
    """The address belongs to somebody already."""


class NoAddress(LookupError):
    """The person has no address (any more)."""


def by_address(session: Session, address: str) -> Person | None:
    """Whose address this is, in whatever case it is written."""
    key = addresses.normal_form(address)
    return session.scalar(select(Person).join(Address).where(Address.key == key))


_OWNERS = select(Address.key, Address.person_id).where(among(Address.key, "keys"))


def owners_of(session: Session, mailboxes: Sequence[str]) -> dict[str, int]:
    """The ids of the people whose addresses these are, by the normal form of the address."""
    keys = {addresses.normal_form(one) for one in mailboxes}
    return {row.key: row.person_id for row in session.execute(_OWNERS, {"keys": keys})}


def preferred_address(person: Person) -> Address:
    """Where mail to a person goes: the first of their addresses; raises NoAddress."""
    if not person.addresses:
        raise NoAddress(f"Person {person.id} has no address.")
    return person.addresses[0]


def add_person(
    session: Session,
    name: str,
    address: str,
    *,
    organisation: Organisation | None = None,
    verified: bool = True,
) -> Person:
    """Enter somebody with one address; the organisation is told by its domain unless given.

    `verified` says that its owner, or somebody who vouches for it, confirmed the address.
    Raises BadAddress for what is no address, AddressTaken for one that is known.
    """
    mailbox = addresses.check(address)
    if by_address(session, mailbox) is not None:
        raise AddressTaken("This address belongs to somebody who is known already.")
    now = clock.now()
    person = Person(
        name=tidy_name(name) or mailbox.partition("@")[0],
        organisation=organisation or organisations.recognise(session, mailbox),
        created_at=now,
        addresses=[
            Address(
                mailbox=mailbox,
                key=addresses.normal_form(mailbox),
                verified_at=now if verified else None,
            )
        ],
    )
    session.add(person)
    session.flush()
    return person


def tidy_name(text: str) -> str:
    """A name as it may stand in mails: one line, no control or direction signs, 200 characters."""
    visible = (" " if unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp"} else sign
               for sign in text)  # fmt: skip
    return " ".join("".join(visible).split())[:LONGEST_NAME].rstrip()


def lists_of(session: Session, person_id: int) -> list[MailingList]:
    """The lists that a person is on (also while mail to them is paused), main ones first."""
    wanted = (
        select(MailingList)
        .join(Subscription, Subscription.list_id == MailingList.id)
        .where(Subscription.person_id == person_id, Subscription.state != Standing.LEFT)
        .order_by(MailingList.parent_id.is_not(None), MailingList.title)
    )
    return list(session.scalars(wanted))


def subscription_of(
    session: Session, person_id: int, list_id: int, *, lock: bool = False
) -> Subscription | None:
    """What is known of a person on a list, also after they left; `lock` it to change it."""
    wanted = select(Subscription).where(
        Subscription.person_id == person_id, Subscription.list_id == list_id
    )
    return session.scalar(wanted.with_for_update() if lock else wanted)


def set_mode(session: Session, person_id: int, list_id: int, mode: Mode) -> Subscription | None:
    """Change how a person takes a list's posts; None if they are not on it."""
    subscription = subscription_of(session, person_id, list_id, lock=True)
    if subscription is None or subscription.state == Standing.LEFT:
        return None
    subscription.mode = mode
    return subscription

"""Whether a message may stand in a list's archive: who wrote it, is that proved, may they post."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from archive import access
from core import tokens
from core.among import among
from core.tokens import BadToken, Purpose, Token
from mailer import vouching
from mailer.models import Delivery, Incoming
from message import address
from message.parse import Message
from subscribers.models import Address, MailingList, Person

NOT_A_MEMBER = "not a member of the list"
NOT_PROVED = "sender not proved"
ANNOUNCEMENTS = "the list is for announcements"


@dataclass(frozen=True, slots=True)
class Authority:
    """The member who wrote, where it is one, and why the post is held; None: it is not."""

    person: Person | None
    held_why: str | None


def judge(session: Session, list_: MailingList, incoming: Incoming, message: Message) -> Authority:
    """Whether a message may be filed at once, or waits for a moderator and why."""
    person = author_of(session, message)
    reads = person is not None and bool(access.readers_among(session, list_, [person.id]))
    return decide(session, list_, incoming, message, person, reads=reads)


def decide(
    session: Session,
    list_: MailingList,
    incoming: Incoming,
    message: Message,
    person: Person | None,
    *,
    reads: bool,
) -> Authority:
    """The same, where the author is known already, and whether they may read the list."""
    # Who may read a list may write to it: members, and coordinators everywhere.
    if person is None or not reads:
        return Authority(person, NOT_A_MEMBER)
    if not proved(session, person, incoming, message):
        return Authority(person, _not_proved(incoming))
    viewer = access.Viewer(person.id, person.role)
    if list_.announce_only and not access.may_moderate(session, viewer, list_):
        return Authority(person, ANNOUNCEMENTS)
    return Authority(person, None)


def author_of(session: Session, message: Message) -> Person | None:
    """The known person whose address stands in From."""
    if message.from_ is None:
        return None
    return next(iter(authors_of(session, [message.from_.address]).values()), None)


_AUTHORS = (
    select(Address.key, Person)
    .join(Person, Address.person_id == Person.id)
    .where(among(Address.key, "keys"))
    .options(joinedload(Person.organisation))
)


def authors_of(session: Session, addresses: Sequence[str]) -> dict[str, Person]:
    """The known people among the owners of addresses, by the normal form of each."""
    keys = {address.normal_form(one) for one in addresses}
    return {row.key: row.Person for row in session.execute(_AUTHORS, {"keys": keys})}


def proved(session: Session, person: Person, incoming: Incoming, message: Message) -> bool:
    """Whether it is this person who wrote.

    From's domain is vouched for, by a server that we trust or by its own signature, or the message
    was written to a reply address that only this person was given.
    """
    token = reply_token(incoming)
    if token is not None:
        delivery = session.get(Delivery, token.ids[0])
        if delivery is not None and delivery.person_id == person.id:
            return True
    return vouching.vouched_for(incoming, message)


def _not_proved(incoming: Incoming) -> str:
    return f"{NOT_PROVED}: {incoming.doubt}" if incoming.doubt else NOT_PROVED


def reply_token(incoming: Incoming) -> Token | None:
    """The genuine reply token that a message was written to, if any."""
    if not incoming.token:
        return None
    try:
        token = tokens.read(incoming.token, Purpose.REPLY)
    except BadToken:
        return None
    return token if len(token.ids) == 2 else None

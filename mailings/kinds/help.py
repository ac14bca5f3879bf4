"""Help: what can be done by mail, to who asked or wrote what nobody understood."""

from sqlalchemy.orm import Session

from archive import access
from mailer import inbox
from mailer.models import Incoming, Mailing
from mailings import wording
from mailings.kind import Facts, Kind, Origin
from message.parse import parse
from subscribers import audience, lists, people
from subscribers.audience import Audience, Recipient
from subscribers.models import MailingList

#: What is kept with a mailing whose reader did not ask for it.
NOT_UNDERSTOOD = "not understood"


def recipients(session: Session, mailing: Mailing) -> Audience:
    """Who wrote."""
    sender = parse(inbox.raw_of(session.get_one(Incoming, mailing.about))).from_
    if sender is None:
        return audience.named(())
    person = people.by_address(session, sender.address)
    return audience.named([Recipient(person.id if person else None, sender.address, "", "")])


def facts(session: Session, mailing: Mailing) -> Facts:
    """The list that was written to, else all that the sender may know of."""
    message = parse(inbox.raw_of(session.get_one(Incoming, mailing.about)))
    sender = people.by_address(session, message.from_.address) if message.from_ else None
    known = _lists(session, mailing, sender.id if sender else None)
    return Facts(
        words={
            "understood": mailing.source != NOT_UNDERSTOOD,
            "lists": [wording.list_words(list_) for list_ in known],
        },
        answers=(message.message_id,) if message.message_id else (),
    )


def _lists(session: Session, mailing: Mailing, person_id: int | None) -> list[MailingList]:
    if mailing.list_id is not None:
        return [session.get_one(MailingList, mailing.list_id)]
    if person_id is not None:
        seen = access.visible_lists(session, access.viewer(session, person_id))
        if seen:
            return seen
    return [list_ for list_ in lists.all_lists(session) if not list_.closed]


KIND = Kind(name="help", audience=recipients, facts=facts, origin=Origin.REPLIED, named=False)

"""Question: asks the author of an answer to a digest which item it is about."""

from sqlalchemy.orm import Session

from archive import letters, routing
from core.events import PlaceAsked
from mailer import inbox
from mailer.models import Incoming, Mailing
from mailings import wording
from mailings.kind import Facts, Kind, Occasion, Origin
from message.parse import parse
from subscribers import audience, people
from subscribers.audience import Audience
from subscribers.models import Person


def occasion(session: Session, event: PlaceAsked) -> Occasion | None:
    """Each answer is asked about once, and only somebody whom we know."""
    incoming = session.get(Incoming, event.incoming)
    if incoming is None or _author(session, incoming) is None:
        return None
    return Occasion(incoming.id, routing.list_of(session, incoming))


def _author(session: Session, incoming: Incoming) -> Person | None:
    sender = parse(inbox.raw_of(incoming)).from_
    return people.by_address(session, sender.address) if sender else None


def recipients(session: Session, mailing: Mailing) -> Audience:
    """The author, at their own address."""
    author = _author(session, session.get_one(Incoming, mailing.about))
    return audience.one(author.id) if author else audience.named(())


def facts(session: Session, mailing: Mailing) -> Facts:
    """The items of the digest by their numbers, and what was answered."""
    incoming = session.get_one(Incoming, mailing.about)
    message = parse(inbox.raw_of(incoming))
    letter = letters.letter_of(message, incoming.sha256, incoming.arrived_at)
    digest = routing.digest_answered(session, incoming, letter)
    author = _author(session, incoming)
    # Nobody is told the title of a discussion that they may not see.
    marks = routing.choices(session, author, digest) if digest else []
    ids = [digest.message_id] if digest else []
    return Facts(
        words={
            "title": digest.subject if digest else "",
            "words": wording.extract(letter.own_words()) or "(no text)",
            "choices": [{"number": one.item, "title": one.title} for one in marks],
        },
        answers=(*ids, letter.message_id),
        discussion=True,
    )


KIND = Kind(
    name="question", trigger=PlaceAsked, occasion=occasion, audience=recipients, facts=facts,
    origin=Origin.REPLIED,
)  # fmt: skip

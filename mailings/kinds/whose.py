"""Whose: asks a member whether an answer is theirs that came from an address we do not know."""

import datetime as dt

from sqlalchemy.orm import Session

from archive import claiming
from archive.models import Post
from core.events import PostHeld
from mailer import inbox
from mailer.models import Incoming, Mailing
from mailings import lately, wording
from mailings.kind import Facts, Kind, Occasion
from message.parse import parse
from subscribers import audience
from subscribers.audience import Audience

#: Whoever got hold of a reply address must not be able to fill its owner's mailbox.
PAUSE = dt.timedelta(hours=6)


def occasion(session: Session, event: PostHeld) -> Occasion | None:
    """Who was given the reply address is asked, at their own address, and not often."""
    post = session.get(Post, event.post)
    person = claiming.to_be_asked(session, post) if post is not None else None
    if post is None or person is None:
        return None
    owner = list(audience.one(person.id).recipients(session))
    if not owner or lately.told(session, "whose", owner[0].address, PAUSE):
        return None
    return Occasion(post.id, post.list_id)


def recipients(session: Session, mailing: Mailing) -> Audience:
    """The owner of the reply address."""
    person = claiming.to_be_asked(session, session.get_one(Post, mailing.about))
    return audience.one(person.id) if person else audience.named(())


def facts(session: Session, mailing: Mailing) -> Facts:
    """From where it came, and what it says."""
    post = session.get_one(Post, mailing.about)
    sender = parse(inbox.raw_of(session.get_one(Incoming, post.incoming_id))).from_
    return Facts(
        words={
            "title": post.subject or "(no subject)",
            "came_from": sender.address if sender else "an address that we could not read",
            "words": wording.extract(post.own_words) or "(no text)",
        },
        discussion=True,
    )


KIND = Kind(name="whose", trigger=PostHeld, occasion=occasion, audience=recipients, facts=facts)

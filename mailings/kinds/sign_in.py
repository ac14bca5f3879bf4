"""Sign-in: the link with which a known person signs in, for minutes and once."""

import datetime as dt

from sqlalchemy.orm import Session

from core import clock, links, tokens
from core.events import SignInRequested
from core.tokens import Purpose
from mailer.models import Mailing
from mailings.kind import Facts, Kind, Occasion
from subscribers import audience, people, sign_in
from subscribers.audience import Audience, Recipient
from subscribers.models import Person, SignIn

MINUTES = sign_in.LIFE // dt.timedelta(minutes=1)


def occasion(session: Session, event: SignInRequested) -> Occasion | None:
    """Each request once; a link that would come too late is not sent."""
    asked = session.get(SignIn, event.sign_in)
    if asked is None or asked.used_at is not None:
        return None
    too_late = asked.asked_at + sign_in.LIFE
    if too_late <= clock.now():
        return None
    return Occasion(asked.id, pointless_after=too_late)


def recipients(session: Session, mailing: Mailing) -> Audience:
    """The person who asked, even if mail to the address failed lately: they are there now."""
    asked = session.get_one(SignIn, mailing.about)
    person = session.get_one(Person, asked.person_id)
    address = people.preferred_address(person).mailbox
    return audience.named([Recipient(person.id, address, person.name, "")])


def facts(_session: Session, mailing: Mailing) -> Facts:
    """The link."""
    token = tokens.make(Purpose.SIGN_IN, mailing.about or 0)
    return Facts(words={"link": links.sign_in_with(token), "minutes": MINUTES})


KIND = Kind(
    name="sign_in", trigger=SignInRequested, occasion=occasion, audience=recipients, facts=facts,
    priority=0,
)  # fmt: skip

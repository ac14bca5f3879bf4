"""Welcome: tells a new member how the list works, all of it from the inbox."""

from sqlalchemy.orm import Session

from core import clock
from core.events import Joined
from mailer.models import Mailing
from mailings import wording
from mailings.kind import Facts, Kind, Occasion
from meetings import agenda
from subscribers import audience
from subscribers.audience import Audience
from subscribers.models import Mode, Standing, Subscription

MOST_MEETINGS = 2
#: What a member gets of the discussions, by mode.
POSTS = {
    Mode.EACH: "each post to the list, when it is written",
    Mode.NONE: "no posts: you read the discussions on the web",
}
DIGEST = "a digest of the discussions, once a month"


def occasion(session: Session, event: Joined) -> Occasion | None:
    """Once for each time that somebody joins."""
    subscription = session.get(Subscription, event.subscription)
    if subscription is None or subscription.state != Standing.ACTIVE:
        return None
    return Occasion(subscription.id, subscription.list_id, since=subscription.joined_at)


def recipients(session: Session, mailing: Mailing) -> Audience:
    """The new member."""
    return audience.one(session.get_one(Subscription, mailing.about).person_id)


def facts(session: Session, mailing: Mailing) -> Facts:
    """How the member gets posts, and the next meetings."""
    subscription = session.get_one(Subscription, mailing.about)
    coming = agenda.coming(session, subscription.list_id, clock.now())[:MOST_MEETINGS]
    return Facts(
        words={
            "posts": POSTS.get(Mode(subscription.mode), DIGEST),
            "meetings": [wording.meeting_words(meeting) for meeting in coming],
        }
    )


KIND = Kind(name="welcome", trigger=Joined, occasion=occasion, audience=recipients, facts=facts)

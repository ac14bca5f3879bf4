"""Held: tells an author that a moderator looks at the post before members see it."""

import datetime as dt

from sqlalchemy.orm import Session

from archive import authority
from archive.models import Post, PostState
from core.events import PostHeld
from mailer.models import Mailing
from mailings import lately
from mailings.kind import Facts, Kind, Occasion, Origin
from subscribers import audience
from subscribers.audience import Audience

#: Why a post waits, said to its author.
WHY = {
    authority.NOT_A_MEMBER: "you are not a member of this list.",
    authority.NOT_PROVED: "we could not tell for certain that you sent it.",
    authority.ANNOUNCEMENTS: "this list is for announcements.",
}
OTHERWISE = "a moderator wants to see it first."
#: RFC 3834 §2: an author who writes much is told once a day.
PAUSE = dt.timedelta(days=1)


def occasion(session: Session, event: PostHeld) -> Occasion | None:
    """Only people whom we know are told.

    To others it would be mail that they never asked for: anybody can write in their name.
    """
    post = session.get(Post, event.post)
    if post is None or post.state != PostState.HELD or post.person_id is None:
        return None
    author = list(audience.one(post.person_id).recipients(session))
    if not author or lately.told(session, "held", author[0].address, PAUSE):
        return None
    return Occasion(post.id, post.list_id)


def recipients(session: Session, mailing: Mailing) -> Audience:
    """The author, at their own address."""
    return audience.one(session.get_one(Post, mailing.about).person_id or 0)


def facts(session: Session, mailing: Mailing) -> Facts:
    """Which post waits, and why."""
    post = session.get_one(Post, mailing.about)
    why = WHY.get((post.held_why or "").partition(": ")[0], OTHERWISE)
    return Facts(
        words={"title": post.subject or "(no subject)", "why": why}, answers=(post.message_id,)
    )


KIND = Kind(
    name="held", trigger=PostHeld, occasion=occasion, audience=recipients, facts=facts,
    origin=Origin.REPLIED,
)  # fmt: skip

"""Goodbye: confirms to somebody that they have left a list, and how to come back."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.events import Left
from mailer.models import Mailing
from mailings import wording
from mailings.kind import Facts, Kind, Occasion
from subscribers import audience
from subscribers.audience import Audience
from subscribers.models import MailingList, Standing, Subscription

#: Whoever left in one of these ways gets no mail about it.
SILENT = frozenset({"complaint", "erasure", "erased", "refused", "gone"})


def occasion(session: Session, event: Left) -> Occasion | None:
    """Once for each time that somebody leaves; not after a complaint: that asked for silence."""
    subscription = session.get(Subscription, event.subscription)
    if subscription is None or subscription.state != Standing.LEFT:
        return None
    if subscription.left_how in SILENT:
        return None
    return Occasion(subscription.id, subscription.list_id, since=subscription.left_at)


def recipients(session: Session, mailing: Mailing) -> Audience:
    """The person who left."""
    return audience.one(session.get_one(Subscription, mailing.about).person_id)


def facts(session: Session, mailing: Mailing) -> Facts:
    """Which other lists the person is still on."""
    left = session.get_one(Subscription, mailing.about)
    others = session.scalars(
        select(MailingList.title)
        .join(Subscription, Subscription.list_id == MailingList.id)
        .where(Subscription.person_id == left.person_id, Subscription.id != left.id)
        .where(Subscription.state != Standing.LEFT)
        .order_by(MailingList.title)
    )
    return Facts(words={"others": wording.joined(list(others))})


KIND = Kind(name="goodbye", trigger=Left, occasion=occasion, audience=recipients, facts=facts)

"""Leaving a list: at once, by any way, and back within 30 days if it was a mistake."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, outbox
from core.events import Left
from subscribers import membership, people, reachability
from subscribers.models import Consent, Standing, Subscription

UNDO_LIFE = dt.timedelta(days=30)
_LONGEST_HOW = 20


class CannotUndo(ValueError):
    """Leaving cannot be undone; the text tells the person what to do."""


def leave(session: Session, person_id: int, list_id: int, how: str) -> Subscription | None:
    """Take a person off a list; `how` is one word, such as mail, page, one-click, complaint, gone.

    The consent is withdrawn and Left recorded, once: leaving again changes nothing. None if the
    person never was on the list.
    """
    subscription = people.subscription_of(session, person_id, list_id, lock=True)
    if subscription is None or subscription.state == Standing.LEFT:
        return subscription
    now = clock.now()
    subscription.state = Standing.LEFT
    subscription.left_at, subscription.left_how = now, how[:_LONGEST_HOW]
    for consent in _consents(session, person_id, list_id):
        if consent.withdrawn_at is None:
            consent.withdrawn_at = now
    session.flush()
    outbox.record(session, Left(subscription.id))
    return subscription


def undo(session: Session, person_id: int, list_id: int) -> Subscription:
    """Put a person back on a list as they were, within 30 days; twice is as once.

    The consent that was withdrawn stays so, and a new one is written down. Nobody is welcomed.
    Raises CannotUndo later, or if the person never was on the list.
    """
    subscription = people.subscription_of(session, person_id, list_id, lock=True)
    if subscription is None:
        raise CannotUndo("You were not on this list. Ask to join it.")
    if subscription.state != Standing.LEFT:
        return subscription
    now = clock.now()
    left_at = subscription.left_at or now
    if now - left_at > UNDO_LIFE:
        raise CannotUndo("You left this list more than 30 days ago. Ask to join it again.")
    before = _consents(session, person_id, list_id)
    wording = before[-1].wording if before else "As before leaving."
    evidence = f"undid leaving of {left_at:%Y-%m-%d %H:%M} UTC"
    membership.consent(session, person_id, list_id, membership.Agreement(wording, evidence, now))
    subscription.state = reachability.standing_of(subscription.person)
    subscription.left_at = subscription.left_how = None
    return subscription


def complaints(session: Session, since: dt.datetime) -> list[Subscription]:
    """Who left a list by complaining since an instant, the latest first."""
    wanted = select(Subscription).where(
        Subscription.left_how == "complaint", Subscription.left_at >= since
    )
    return list(session.scalars(wanted.order_by(Subscription.left_at.desc(), Subscription.id)))


def _consents(session: Session, person_id: int, list_id: int) -> list[Consent]:
    wanted = select(Consent).where(Consent.person_id == person_id, Consent.list_id == list_id)
    return list(session.scalars(wanted.order_by(Consent.given_at, Consent.id)))

"""Putting a person on a list, with the consent on record; used by joining and by imports."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core import clock
from subscribers import people
from subscribers.models import Consent, MailingList, Mode, Person, Standing, Subscription


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a person agreed to, how we know, and when they did (UK GDPR, Article 7(1))."""

    wording: str
    evidence: str
    given_at: dt.datetime


def enrol(
    session: Session,
    person: Person,
    list_: MailingList,
    agreement: Agreement,
    mode: Mode | None = None,
) -> tuple[Subscription, bool]:
    """Put a person on a list; returns the subscription and whether that is new.

    For somebody who is on the list nothing changes. Who comes back after leaving begins anew: the
    list's own mode, no moderator's role.
    """
    known = people.subscription_of(session, person.id, list_.id, lock=True)
    if known is not None and known.state != Standing.LEFT:
        return known, False
    subscription = known or Subscription(person_id=person.id, list_id=list_.id)
    subscription.state = Standing.ACTIVE
    subscription.mode = mode or list_.default_mode
    subscription.moderator = False
    subscription.joined_at = clock.now()
    subscription.left_at = subscription.left_how = None
    session.add(subscription)
    consent(session, person.id, list_.id, agreement)
    return subscription, True


def consent(session: Session, person_id: int, list_id: int, agreement: Agreement) -> Consent:
    """Write a consent down; rows are only ever added, and marked when it is withdrawn."""
    given = Consent(
        person_id=person_id, list_id=list_id, wording=agreement.wording,
        evidence=agreement.evidence, given_at=agreement.given_at,
    )  # fmt: skip
    session.add(given)
    session.flush()
    return given

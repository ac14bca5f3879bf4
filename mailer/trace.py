"""What happened to and from one person: requests, consents, copies and mail, in order of time."""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from mailer.models import Delivery, Incoming, Mailing
from message.address import normal_form
from subscribers import people
from subscribers.models import Address, Consent, JoinRequest, MailingList, Refusal, Subscription


class Line(NamedTuple):
    """One thing that happened."""

    at: dt.datetime
    what: str


def of(session: Session, address: str) -> list[Line]:
    """All that is known of an address and of the person behind it, the oldest first."""
    person = people.by_address(session, address)
    lines = [*_requests(session, address), *_copies(session, address, person and person.id)]
    if person is not None:
        lines += [
            *_membership(session, person.id),
            *_refusals(session, person.id),
            *_written(session, person.id),
        ]
    return sorted(lines, key=lambda line: line.at)


def _requests(session: Session, address: str) -> Iterator[Line]:
    rows = select(JoinRequest, MailingList.name).join(MailingList)
    for row, name in session.execute(rows.where(JoinRequest.key == normal_form(address))):
        yield Line(row.asked_at, f"asked to join {name} by {row.source}")
        if row.confirmed_at is not None:
            yield Line(row.confirmed_at, f"confirmed joining {name}")
        if row.decided_at is not None:
            yield Line(row.decided_at, f"request to join {name}: {row.state}")


def _membership(session: Session, person_id: int) -> Iterator[Line]:
    consents = select(Consent, MailingList.name).join(MailingList)
    for consent, name in session.execute(consents.where(Consent.person_id == person_id)):
        yield Line(consent.given_at, f"agreed to mail of {name} ({consent.evidence})")
        if consent.withdrawn_at is not None:
            yield Line(consent.withdrawn_at, f"withdrew the agreement for {name}")
    rows = select(Subscription, MailingList.name).join(MailingList)
    for row, name in session.execute(rows.where(Subscription.person_id == person_id)):
        yield Line(row.joined_at, f"is on {name}, takes posts: {row.mode}, now {row.state}")
        if row.left_at is not None:
            yield Line(row.left_at, f"left {name} by {row.left_how}")


def _copies(session: Session, address: str, person_id: int | None) -> Iterator[Line]:
    theirs = func.lower(Delivery.address) == address.lower()
    if person_id is not None:
        theirs = or_(theirs, Delivery.person_id == person_id)
    rows = select(Delivery, Mailing).join(Mailing, Mailing.id == Delivery.mailing_id)
    for copy, mailing in session.execute(rows.where(theirs)):
        said = " ".join(part for part in (copy.code, copy.words, copy.reason) if part)
        what = f'{mailing.kind} "{mailing.subject}": {copy.state}'
        yield Line(copy.settled_at or copy.next_try, f"{what} ({said})" if said else what)
        if copy.bounced_at is not None:
            yield Line(copy.bounced_at, f"{mailing.kind} came back: {copy.bounce}")


def _refusals(session: Session, person_id: int) -> Iterator[Line]:
    rows = select(Refusal).join(Address).where(Address.person_id == person_id)
    for row in session.scalars(rows):
        length = "for good" if row.permanent else "for now"
        yield Line(row.at, f"mail refused {length}: {row.reason}")


def _written(session: Session, person_id: int) -> Iterator[Line]:
    for row in session.scalars(select(Incoming).where(Incoming.person_id == person_id)):
        yield Line(row.arrived_at, f"wrote mail no. {row.id}: {row.verdict}, {row.why}")

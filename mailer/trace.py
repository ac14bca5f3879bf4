"""The trace of an address: everything that happened to it, in order, in plain words.

Only what is known by this address is told: requests, consents, subscriptions, copies, sign-ins,
and the messages that came from it.
"""

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailer.models import Delivery, Incoming, Mailing
from message.address import normal_form
from subscribers.models import (
    Address,
    Consent,
    JoinRequest,
    MailingList,
    Person,
    Refusal,
    SignIn,
    Subscription,
)

Line = tuple[dt.datetime, str]


def of(session: Session, address: str) -> list[Line]:
    """When and what, oldest first; empty if nothing is known about the address."""
    key = normal_form(address)
    lists = {row.id: row.name for row in session.scalars(select(MailingList))}
    found = session.scalar(select(Address).where(Address.key == key))
    lines = [*_requests(session, key, lists), *_copies(session, key)]
    if found is not None:
        lines += _address(session, found)
        lines += _person(session, found.person, lists)
    return sorted(lines, key=lambda line: line[0])


def _requests(session: Session, key: str, lists: dict[int, str]) -> list[Line]:
    lines: list[Line] = []
    for row in session.scalars(select(JoinRequest).where(JoinRequest.key == key)):
        name = lists.get(row.list_id, "?")
        lines.append((row.asked_at, f"asked to join {name} by {row.source}"))
        if row.confirmed_at is not None:
            lines.append((row.confirmed_at, f"confirmed to join {name}: {row.evidence}"))
        if row.decided_at is not None:
            lines.append((row.decided_at, f"request to join {name}: {row.state}"))
    return lines


def _address(session: Session, address: Address) -> list[Line]:
    lines: list[Line] = []
    if address.verified_at is not None:
        lines.append((address.verified_at, "address verified"))
    for refusal in session.scalars(select(Refusal).where(Refusal.address_id == address.id)):
        how = "for good" if refusal.permanent else "for now"
        lines.append((refusal.at, f"mail refused {how}: {refusal.reason}"))
    return lines


def _person(session: Session, person: Person, lists: dict[int, str]) -> list[Line]:
    lines: list[Line] = [(person.created_at, f"known as {person.name}, {person.role}")]
    for row in session.scalars(select(Subscription).where(Subscription.person_id == person.id)):
        name = lists.get(row.list_id, "?")
        lines.append((row.joined_at, f"joined {name} ({row.mode}); now {row.state}"))
        if row.left_at is not None:
            lines.append((row.left_at, f"left {name} ({row.left_how})"))
    for consent in session.scalars(select(Consent).where(Consent.person_id == person.id)):
        name = lists.get(consent.list_id, "?")
        lines.append((consent.given_at, f"consent for {name}: {consent.evidence}"))
        if consent.withdrawn_at is not None:
            lines.append((consent.withdrawn_at, f"consent for {name} withdrawn"))
    for sign_in in session.scalars(select(SignIn).where(SignIn.person_id == person.id)):
        lines.append((sign_in.asked_at, "asked for a link to sign in"))
        if sign_in.used_at is not None:
            lines.append((sign_in.used_at, "signed in"))
    for letter in session.scalars(select(Incoming).where(Incoming.person_id == person.id)):
        what = f"wrote: {letter.verdict or 'not sorted yet'} ({letter.state})"
        lines.append((letter.arrived_at, f"message {letter.id}, {what}: {letter.why or ''}"))
    return lines


def _copies(session: Session, key: str) -> list[Line]:
    wanted = (
        select(Delivery, Mailing.kind, Mailing.subject, Mailing.planned_at)
        .join(Mailing)
        .where(func.lower(Delivery.address) == key)
    )
    lines: list[Line] = []
    for row, kind, subject, planned_at in session.execute(wanted):
        at = row.settled_at or planned_at or row.next_try
        said = " ".join(part for part in (row.code, row.words) if part)
        why = f" ({row.reason})" if row.reason else ""
        title = f"{kind} “{subject}”" if subject else kind
        lines.append((at, f"copy {row.id} of {title}: {row.state}{why} {said}".rstrip()))
        if row.bounced_at is not None:
            lines.append((row.bounced_at, f"copy {row.id} came back: {row.bounce}"))
    return lines

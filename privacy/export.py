"""Everything that is held about a person, readable and as data (UK GDPR, Article 15)."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from archive.models import Edit, Post
from core.database import Base
from mailer.models import Delivery, Incoming, Mailing
from meetings.models import Meeting, Rsvp
from subscribers.models import (
    Address,
    Consent,
    JoinRequest,
    Leaver,
    MailingList,
    Person,
    Refusal,
    SignIn,
    Subscription,
)

Row = dict[str, Any]


def of(session: Session, person_id: int) -> dict[str, Any]:
    """What is held about a person, table by table, as text, numbers and lists fit for JSON.

    Raises LookupError if nobody has that id.
    """
    person = session.get(Person, person_id)
    if person is None:
        raise LookupError(f"There is no person {person_id}.")
    addresses = _rows(session, Address, Address.person_id == person_id)
    keys = [row["key"] for row in addresses]
    named = {row.id: row.name for row in session.scalars(select(MailingList))}
    organisation = person.organisation.name if person.organisation else None
    found: dict[str, Any] = {
        "person": _row(person) | {"organisation": organisation},
        "addresses": addresses,
        "subscriptions": _rows(session, Subscription, Subscription.person_id == person_id),
        "consents": _rows(session, Consent, Consent.person_id == person_id),
        "requests": _rows(session, JoinRequest, JoinRequest.key.in_(keys)),
        "copies": _copies(session, person_id, keys),
        "posts": _rows(session, Post, Post.person_id == person_id),
        "moderated": _rows(session, Edit, Edit.person_id == person_id),
        "rsvps": _rsvps(session, person_id),
        "mail_received_from_them": _rows(
            session, Incoming, Incoming.person_id == person_id, without=("raw", "token")
        ),
        "refusals": _rows(
            session, Refusal, Refusal.address_id.in_([row["id"] for row in addresses])
        ),
        "suspensions": _rows(session, Leaver, Leaver.person_id == person_id),
        "sign_ins": _rows(session, SignIn, SignIn.person_id == person_id, without=("browser",)),
    }
    for rows in found.values():
        _name_lists(rows if isinstance(rows, list) else [rows], named)
    return found


def _copies(session: Session, person_id: int, keys: list[str]) -> list[Row]:
    wanted = (
        select(Delivery, Mailing.kind, Mailing.subject, Mailing.list_id)
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .where(or_(Delivery.person_id == person_id, Delivery.address.in_(keys)))
        .order_by(Delivery.id)
    )
    return [
        _row(delivery) | {"kind": kind, "subject": subject, "list_id": list_id}
        for delivery, kind, subject, list_id in session.execute(wanted)
    ]


def _rsvps(session: Session, person_id: int) -> list[Row]:
    wanted = select(Rsvp, Meeting.title, Meeting.starts_at).join(
        Meeting, Meeting.id == Rsvp.meeting_id
    )
    found = session.execute(wanted.where(Rsvp.person_id == person_id).order_by(Rsvp.id))
    return [
        _row(rsvp) | {"meeting": title, "starts_at": starts_at.isoformat()}
        for rsvp, title, starts_at in found
    ]


def _rows(
    session: Session, table: Any, *which: ColumnElement[bool], without: tuple[str, ...] = ()
) -> list[Row]:
    rows = session.scalars(select(table).where(*which).order_by(table.id))
    return [_row(row, without) for row in rows]


def _row(row: Base, without: tuple[str, ...] = ()) -> Row:
    """The columns of a row but those left out, instants in ISO 8601."""
    return {
        column.key: value.isoformat() if isinstance(value, dt.datetime) else value
        for column in row.__table__.columns
        if column.key not in without and not isinstance(value := getattr(row, column.key), bytes)
    }


def _name_lists(rows: Iterable[Row], named: dict[int, str]) -> None:
    for row in rows:
        if row.get("list_id") is not None:
            row["list"] = named.get(row["list_id"])

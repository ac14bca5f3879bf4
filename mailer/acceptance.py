"""Whether mail gets through to a domain, told by the ledger."""

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailer.models import Delivery, Mailing, State


def was_accepted(
    session: Session,
    domain: str,
    addresses: list[str] | None,
    since: dt.datetime,
    until: dt.datetime,
) -> bool:
    """Whether a copy to a mail domain was taken after `since`, up to `until`, and did not bounce.

    With `addresses`, in normal form, only copies to these count.
    """
    to = func.lower(Delivery.address)
    wanted = select(Delivery.id).where(
        Delivery.state == State.ACCEPTED, Delivery.bounced_at.is_(None),
        Delivery.settled_at > since, Delivery.settled_at <= until,
        to.endswith(f"@{domain}", autoescape=True),
    )  # fmt: skip
    if addresses is not None:
        wanted = wanted.where(to.in_(addresses))
    return session.scalar(wanted.limit(1)) is not None


def count_bulk(session: Session, since: dt.datetime) -> int:
    """How many copies of mailings to lists were taken since an instant."""
    bulk = select(Mailing.id).where(Mailing.bulk.is_(True), Mailing.planned_at >= since)
    wanted = select(func.count(Delivery.id)).where(
        Delivery.mailing_id.in_(bulk), Delivery.state == State.ACCEPTED
    )
    return session.scalar(wanted) or 0

"""Whether somebody was told the same lately: automatic answers are rare (RFC 3834 §2)."""

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import clock
from mailer.models import Delivery, Mailing


def told(session: Session, kind: str, address: str, within: dt.timedelta) -> bool:
    """Whether a mail of this kind was made for an address within a time, whatever its case."""
    found = (
        select(Delivery.id)
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .where(
            Mailing.kind == kind,
            func.lower(Delivery.address) == address.lower(),
            Mailing.created_at > clock.now() - within,
        )
    )
    return session.scalar(found.limit(1)) is not None

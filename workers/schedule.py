"""The schedule: what is due by London wall time becomes an event, exactly once."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, outbox, settings
from core.events import DigestDue
from subscribers.models import MailingList

#: Digests go out on the first Tuesday of a month, at this time on the wall.
DIGEST_WEEKDAY = 1
DIGEST_TIME = dt.time(9, 0)


def record_due(session: Session, now: dt.datetime) -> None:
    """Record a DigestDue for each list whose latest digest day has come.

    The key makes it once; after a time of silence only the latest one is caught up.
    """
    zone = settings.current().zone
    due = latest_digest_time(now, zone)
    for list_ in session.scalars(select(MailingList).where(MailingList.created_at < due)):
        outbox.record(session, DigestDue(list_.id, due), key=f"digest:{list_.id}:{due:%Y-%m}")


def latest_digest_time(now: dt.datetime, zone: str) -> dt.datetime:
    """The last instant, not after `now`, at which digests were due."""
    today = clock.to_wall(now, zone).date()
    this_month = digest_time(today.year, today.month, zone)
    if this_month <= now:
        return this_month
    before = today.replace(day=1) - dt.timedelta(days=1)
    return digest_time(before.year, before.month, zone)


def digest_time(year: int, month: int, zone: str) -> dt.datetime:
    """The instant of a month's digest: its first Tuesday, 9am on the wall of `zone`."""
    first = dt.date(year, month, 1)
    day = first + dt.timedelta(days=(DIGEST_WEEKDAY - first.weekday()) % 7)
    return clock.to_instant(dt.datetime.combine(day, DIGEST_TIME), zone)

"""Leases: who alone may do something (one schedule, one listener a mailbox), with fencing."""

import datetime as dt

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock, database


class Lease(database.Base):
    """Who holds a duty, until when, and the fence that grows with each new holder."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    fence: Mapped[int]
    until: Mapped[dt.datetime]


def take(session: Session, name: str, holder: str, term: dt.timedelta) -> int | None:
    """Take or renew a lease for a term; returns its fence, or None while another holds it."""
    lease = session.get(Lease, name, with_for_update=True)
    now = clock.now()
    if lease is None:
        lease = Lease(name=name, holder=holder, fence=1, until=now + term)
        session.add(lease)
        session.flush()
        return 1
    if lease.holder != holder:
        if lease.until > now:
            return None
        lease.holder, lease.fence = holder, lease.fence + 1
    lease.until = now + term
    return lease.fence


def release(session: Session, name: str, holder: str) -> None:
    """Give a lease back early, if it is still ours."""
    lease = session.get(Lease, name, with_for_update=True)
    if lease is not None and lease.holder == holder:
        lease.until = clock.now()

"""When a mailing will be out: from what waits, the speed of the last minute, and the budgets."""

import datetime as dt
from collections import Counter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import clock, settings
from mailer import limits, routes
from mailer.limits import Limit
from mailer.models import Delivery, Mailing, MailingState, State
from message.address import domain_of

_MEASURED = dt.timedelta(minutes=1)


def done_by(session: Session, mailing: Mailing) -> dt.datetime | None:
    """The instant at which the last waiting copy will have gone; None if nothing tells.

    What a server put off until later is counted with its own time. Only for a mailing that is
    being sent.
    """
    setting, now = settings.current(), clock.now()
    if mailing.state != MailingState.SENDING or not setting.sending:
        return None
    waiting = (
        Delivery.mailing_id == mailing.id,
        Delivery.state.in_((State.PLANNED, State.ATTEMPTING)),
    )
    pending = session.scalar(select(func.count()).where(*waiting)) or 0
    put_off = session.scalar(
        select(func.max(Delivery.next_try)).where(
            Delivery.mailing_id == mailing.id, Delivery.state == State.DEFERRED
        )
    )
    of_domains = {domain: Limit.parse(text) for domain, text in setting.domain_limits.items()}
    per_domain: Counter[str] = Counter()
    if of_domains:
        addresses = session.scalars(select(Delivery.address).where(*waiting).limit(_MOST_COUNTED))
        per_domain.update(map(domain_of, addresses))
    of_routes = [route.limit for route in routes.configured(setting) if route.weight]
    going = limits.eta(pending, per_domain, of_routes, of_domains, _speed(session, mailing), now)
    return max(filter(None, (going, put_off)), default=None)


#: More copies than these are not sorted by domain for a forecast.
_MOST_COUNTED = 20_000


def _speed(session: Session, mailing: Mailing) -> float | None:
    """Copies a second that were taken in the last minute; None while there are none."""
    since = clock.now() - _MEASURED
    taken, first = session.execute(
        select(func.count(), func.min(Delivery.settled_at)).where(
            Delivery.mailing_id == mailing.id, Delivery.state == State.ACCEPTED,
            Delivery.settled_at > since,
        )
    ).one()  # fmt: skip
    if not taken or first is None:
        return None
    return float(taken / max(1.0, (clock.now() - first).total_seconds()))

"""Lateness: what a person approved for a time does not go out hours later, or at night, unasked.

A newsletter says "tomorrow" and means a day; whether it still goes out when the worker, the relay
or the machine was away for long is the coordinator's decision.
"""

import datetime as dt
from collections.abc import Callable

from sqlalchemy import ColumnElement, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session

from core import clock, settings
from core.database import UtcDateTime
from mailer import ledger, settling
from mailer.models import Delivery, Mailing, MailingState, State, Trouble

#: So late nothing goes out unasked; outside the day an hour is enough.
LATE = dt.timedelta(hours=4)
LATE_AT_NIGHT = dt.timedelta(hours=1)
#: Hours on the wall of the network in which somebody expects a newsletter.
MORNING, EVENING = 7, 20
_SENT = (State.ACCEPTED, State.REFUSED)
#: Of a million copies these are enough to see when the last ones went out.
_LOOKED_AT = 200
#: What kept a copy from being tried at all, whenever its next try is.
_AWAY = (settling.RELAY_AWAY, settling.LOGIN_REFUSED, settling.SENDER_REFUSED)


def is_late(due: dt.datetime, now: dt.datetime, zone: str) -> bool:
    """Whether what was due at an instant is too late to go out unasked."""
    by_day = MORNING <= clock.to_wall(now, zone).hour < EVENING
    return now - due > (LATE if by_day else LATE_AT_NIGHT)


# Built once: each run of a worker begins with it.
_BEGUN_LONG_AGO = (
    select(Mailing)
    .where(Mailing.state == MailingState.SENDING, Mailing.approved_at.is_not(None))
    .where(Mailing.planned_at < bindparam("before", type_=UtcDateTime()))
    .order_by(Mailing.id)
    .with_for_update(skip_locked=True)
)


def hold_late(session: Session, used_up: Callable[[Session], bool] = lambda _: False) -> list[int]:
    """Pause approved mailings that stopped on the way hours ago, and tell; returns which.

    Looked at before a worker begins to send. What was tried and put off by its own mail server is
    not late, and what waits for its turn on purpose neither: its next try is still to come, or all
    budgets of sending are `used_up` for now.
    """
    now, zone = clock.now(), settings.current().zone
    begun = session.scalars(_BEGUN_LONG_AGO, {"before": now - LATE_AT_NIGHT}).all()
    stopped = [(mailing, _stopped(session, mailing, now)) for mailing in begun]
    late = [(one, since) for one, since in stopped if since and is_late(since, now, zone)]
    if not late or used_up(session):
        return []
    for mailing, since in late:
        mailing.state = MailingState.PAUSED
        ledger.report(session, mailing, Trouble.LATE, since)
    session.flush()
    return [mailing.id for mailing, _ in late]


def _stopped(session: Session, mailing: Mailing, now: dt.datetime) -> dt.datetime | None:
    """Since when nothing went out of what could have; None if nothing is left behind."""
    begun = max(mailing.planned_at or now, mailing.not_before or mailing.planned_at or now)
    if now - begun <= LATE_AT_NIGHT or not session.scalar(select(_left_behind(mailing.id, now))):
        return None
    return max(begun, *(_last(session, mailing.id, state) or begun for state in _SENT))


def _last(session: Session, mailing_id: int, state: State) -> dt.datetime | None:
    """When the last copies got their outcome: they are claimed in this order."""
    newest = (
        select(Delivery.settled_at)
        .where(Delivery.mailing_id == mailing_id, Delivery.state == state)
        .order_by(Delivery.next_try.desc(), Delivery.id.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    last: dt.datetime | None = session.scalar(select(func.max(newest.c.settled_at)))
    return last


def _left_behind(mailing_id: int, now: dt.datetime) -> ColumnElement[bool]:
    """Whether some copy was never tried though it could have been."""
    return exists().where(
        Delivery.mailing_id == mailing_id,
        Delivery.state.in_((State.PLANNED, State.DEFERRED)),
        Delivery.attempts == 0,
        or_(Delivery.next_try <= now - LATE_AT_NIGHT, Delivery.reason.in_(_AWAY)),
    )

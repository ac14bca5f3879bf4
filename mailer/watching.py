"""Watching: a mailing that stands still while copies are due is told, once a stall.

What is paused, before its time, or put off till later by limits or by the readers' own mail
servers does not stand still; nor does what waits for more urgent mailings that move.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, func, or_, select
from sqlalchemy.orm import Session

from core import clock, settings
from mailer import ledger, settling
from mailer.models import Delivery, Mailing, MailingState, State, Trouble

#: A mailing that did not move for so long has stalled.
STALLED_AFTER = dt.timedelta(minutes=15)
#: Time between two looks: counting a million copies takes a while.
BETWEEN_LOOKS = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """The copies of a mailing that wait: all, those no server was asked about, those due now."""

    open: int
    untouched: int
    due: int


class Watch:
    """What one process saw of the mailings under way, from look to look."""

    def __init__(self, used_up: Callable[[Session], bool] = lambda _session: False) -> None:
        """`used_up` says whether all budgets of sending are used up for now: standing is meant."""
        self._used_up = used_up
        self._seen: dict[int, tuple[Standing, dt.datetime]] = {}
        self._looked: dt.datetime | None = None

    def look(self, session: Session) -> list[int]:
        """Tell of mailings that have stalled; returns which were told of now.

        Only what this process saw standing still counts: after a time away all begins anew.
        """
        now = clock.now()
        if self._looked is not None and now - self._looked < BETWEEN_LOOKS:
            return []
        if self._looked is None or now - self._looked > STALLED_AFTER:
            self._seen = {}
        self._looked = now
        held = not settings.current().sending or self._used_up(session)
        found = [] if held else _under_way(session, now)
        self._seen = {one.id: self._seen[one.id] for one in found if one.id in self._seen}
        stalled, moved = [], dt.datetime.min.replace(tzinfo=dt.UTC)
        for mailing in found:
            standing = standing_of(session, mailing.id, now)
            # Copies are claimed in this order: one that waits for others moves with them.
            moved = max(moved, self._moved(mailing, standing, now))
            waited = now - moved >= STALLED_AFTER
            if standing.due and waited and ledger.report(session, mailing, Trouble.STALLED, moved):
                stalled.append(mailing.id)
        session.flush()
        return stalled

    def _moved(self, mailing: Mailing, standing: Standing, now: dt.datetime) -> dt.datetime:
        """When the mailing moved last."""
        before, since = self._seen.get(mailing.id, (standing, now))
        if standing.open != before.open or standing.untouched != before.untouched:
            since = now
            if mailing.trouble == Trouble.STALLED:
                mailing.trouble = mailing.trouble_at = None
        self._seen[mailing.id] = (standing, since)
        return since


def _under_way(session: Session, now: dt.datetime) -> list[Mailing]:
    wanted = (
        select(Mailing)
        .where(Mailing.state == MailingState.SENDING, Mailing.bulk.is_(True))
        .where(or_(Mailing.not_before.is_(None), Mailing.not_before <= now))
        .order_by(Mailing.priority, Mailing.id)
    )
    return list(session.scalars(wanted))


def standing_of(session: Session, mailing_id: int, now: dt.datetime) -> Standing:
    """Count the open copies of a mailing."""

    def counted(state: State, *which: ColumnElement[bool]) -> ScalarSelect[int]:
        here = (Delivery.mailing_id == mailing_id, Delivery.state == state)
        return select(func.count()).where(*here, *which).scalar_subquery()

    planned, deferred = counted(State.PLANNED), counted(State.DEFERRED)
    doubted = counted(State.IN_DOUBT, Delivery.settled_at.is_(None))
    open_ = planned + deferred + counted(State.ATTEMPTING) + doubted
    # What our own relay did not take was not tried, though it was claimed and put back.
    held = counted(State.DEFERRED, Delivery.reason.in_(list(settling.HOLD)))
    due = counted(State.PLANNED, Delivery.next_try <= now - BETWEEN_LOOKS)
    overdue = counted(State.DEFERRED, Delivery.next_try <= now - STALLED_AFTER)
    found = session.execute(select(open_, planned + held, due + held + overdue)).one()
    return Standing(*found)

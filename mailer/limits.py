"""Budgets of sending: so many copies a minute, kept in the database for all workers.

Each budget is a "theoretical arrival time" (the generic cell rate algorithm): the instant up to
which copies are spoken for. A tenth of the count may go in one burst, and the rest is spaced so
that no window of the period ever holds more than the count.
"""

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from mailer.models import Budget

_PERIODS = {
    "s": dt.timedelta(seconds=1), "min": dt.timedelta(minutes=1), "hour": dt.timedelta(hours=1),
    "day": dt.timedelta(days=1),
}  # fmt: skip
_WORDS = {"sec": "s", "second": "s", "minute": "min", "m": "min", "h": "hour", "d": "day"}
_TEXT = re.compile(r"\s*([1-9]\d{0,8})\s*/\s*([a-z]+)\s*", re.IGNORECASE)
_BURST = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` copies in any window of `period`."""

    count: int
    period: dt.timedelta

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """A limit as settings write it, `30/min`; raises ValueError that says what is wanted."""
        found = _TEXT.fullmatch(text)
        unit = found[2].lower() if found else ""
        unit = _WORDS.get(unit, unit)
        if found is None or unit not in _PERIODS:
            raise ValueError(
                f"{text!r} is no limit: write a number and s, min, hour or day: 30/min"
            )
        return cls(int(found[1]), _PERIODS[unit])

    def __str__(self) -> str:
        """As settings write it."""
        return f"{self.count}/{next(u for u, period in _PERIODS.items() if period == self.period)}"

    @property
    def burst(self) -> int:
        """How many may go at once."""
        return max(1, self.count // _BURST)

    @property
    def interval(self) -> dt.timedelta:
        """The space between copies; the first of a window are the burst, the others fill it."""
        # burst + period / interval <= count, so that no window holds more than the count.
        micros = self.period / dt.timedelta(microseconds=1) / max(1, self.count - self.burst + 1)
        return dt.timedelta(microseconds=math.ceil(micros))


@dataclass(frozen=True, slots=True)
class Grant:
    """How many copies may go now, and when the next one may if not all could."""

    granted: int
    next_at: dt.datetime | None


def take(
    session: Session, wants: Mapping[str, tuple[Limit, int]], now: dt.datetime
) -> dict[str, Grant]:
    """Take from budgets, by key: at most what is wanted; all workers share them.

    The rows stay locked until the caller's transaction ends.
    """
    return {key: _take(_budget(session, key, now), *wants[key], now) for key in sorted(wants)}


def give_back(session: Session, key: str, limit: Limit, copies: int) -> None:
    """Return what was taken in this transaction and is not used."""
    budget = session.get_one(Budget, key)
    budget.full_at -= limit.interval * copies
    session.flush()


def _budget(session: Session, key: str, now: dt.datetime) -> Budget:
    budget = session.get(Budget, key, with_for_update=True, populate_existing=True)
    if budget is None:
        budget = Budget(key=key, full_at=now)
        session.add(budget)
        session.flush()
    return budget


def _take(budget: Budget, limit: Limit, wanted: int, now: dt.datetime) -> Grant:
    # A clock that was set back must not let wait longer than a full budget would.
    budget.full_at = min(budget.full_at, now + limit.interval * limit.burst)
    start = max(budget.full_at, now)
    room = limit.burst - math.ceil((start - now) / limit.interval)
    granted = max(0, min(wanted, room))
    budget.full_at = start + limit.interval * granted
    if granted == wanted:
        return Grant(granted, None)
    return Grant(granted, budget.full_at - limit.interval * (limit.burst - 1))


def eta(
    pending: int,
    per_domain: Mapping[str, int],
    route_limits: Sequence[Limit | None],
    domain_limits: Mapping[str, Limit],
    per_second: float | None,
    now: dt.datetime,
) -> dt.datetime | None:
    """When the last of the pending copies will have gone; None if nothing tells.

    `per_domain` counts them by recipient domain, `per_second` is the speed that was measured.
    """
    if not pending:
        return now
    waits: list[dt.timedelta] = []
    if route_limits and all(limit is not None for limit in route_limits):
        rate = sum(1 / limit.interval.total_seconds() for limit in route_limits if limit)
        waits.append(dt.timedelta(seconds=pending / rate))
    for domain, count in per_domain.items():
        limit = domain_limits.get(domain) or domain_limits.get("*")
        if limit is not None:
            waits.append(limit.interval * max(0, count - limit.burst))
    if per_second:
        waits.append(dt.timedelta(seconds=pending / per_second))
    return now + max(waits) if waits else None

"""Dispatch: how many copies may go now, and each by which route: budgets, weights, routes away."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from core import clock, settings
from mailer import claims, limits, routes
from mailer.claims import Claim
from mailer.limits import Limit
from mailer.models import Budget
from mailer.routes import Route
from message.address import domain_of

EVERY_OTHER = "*"


class Dispatch:
    """Shares out the free connections of one run of a worker."""

    def __init__(self, lines: Mapping[str, Route], domain_limits: Mapping[str, Limit]) -> None:
        self._routes, self._domain_limits = lines, domain_limits
        self._in_order = tuple(lines.values())
        self._carried: Counter[str] = Counter()
        self._away: dict[str, dt.datetime] = {}
        #: Routes that take nothing now: away, or their budget is used up.
        self._out: dict[str, dt.datetime] = {}
        self._granted: dict[str, int] = {}
        self._put_off: Counter[str] = Counter()
        self._free: dict[str, int] = {}
        #: When a route that has used up its budget may carry the next copy.
        self.next_at: dt.datetime | None = None

    def mark_away(self, route: str, until: dt.datetime) -> bool:
        """Use a route no more until then; whether another one is left."""
        self._away[route] = until
        return any(self._is_here(name) for name in self._routes)

    def room(self, session: Session, free: Mapping[str, int]) -> int:
        """How many copies may go now; takes them from the budgets of limited routes."""
        now = clock.now()
        self._free = dict(free)
        wants = {
            _budget_of_route(name): (limit, count)
            for name, count in free.items()
            if count and (limit := self._routes[name].limit) is not None and self._is_here(name)
        }
        grants = limits.take(session, wants, now) if wants else {}
        self._granted, self._out = {}, dict(self._away)
        for name in self._routes:
            grant = grants.get(_budget_of_route(name))
            if grant is not None:
                self._free[name] = self._granted[name] = grant.granted
                if not grant.granted and grant.next_at is not None:
                    self._out[name] = grant.next_at
        spent = [until for name, until in self._out.items() if name not in self._away]
        self.next_at = min(spent, default=None)
        return self._slots(now)

    def _slots(self, now: dt.datetime) -> int:
        """For how many copies a route is free, taken in turn."""
        free, carried, count = dict(self._free), self._carried.copy(), 0
        while route := routes.choose(self._in_order, free, self._out, carried, now, False):
            free[route.name] -= 1
            carried[route.name] += 1
            count += 1
        return count

    def share_out(self, session: Session, taken: Sequence[Claim]) -> list[tuple[Claim, str]]:
        """The copies with the name of the route of each; what may not go yet is put off.

        What was taken from budgets and is not used is given back.
        """
        now = clock.now()
        shared: list[tuple[Claim, str]] = []
        later: dict[int, dt.datetime] = {}
        for claim in self._within_domain_limits(session, taken):
            bulk = claim.mailing.bulk
            route = routes.choose(self._in_order, self._free, self._out, self._carried, now, bulk)
            if route is None:
                carried = any(one.bulk or not bulk for one in self._in_order)
                later[claim.id] = now if carried else now + _NO_ROUTE
                continue
            self._free[route.name] -= 1
            self._carried[route.name] += 1
            shared.append((claim, route.name))
        claims.put_off(session, later)
        self._give_back(session, Counter(name for _, name in shared))
        return shared

    def _is_here(self, name: str) -> bool:
        return name not in self._away or self._away[name] <= clock.now()

    def _give_back(self, session: Session, used: Counter[str]) -> None:
        for name, granted in self._granted.items():
            limit = self._routes[name].limit
            if limit is not None and granted > used[name]:
                limits.give_back(session, _budget_of_route(name), limit, granted - used[name])
        self._granted = {}

    def _within_domain_limits(self, session: Session, taken: Sequence[Claim]) -> list[Claim]:
        """Those that their receivers' domains may get now; the others get a time of their own."""
        if not self._domain_limits:
            return list(taken)
        by_domain: dict[str, list[Claim]] = {}
        for claim in taken:
            by_domain.setdefault(domain_of(claim.address), []).append(claim)
        wants = {
            f"domain:{domain}": (limit, len(found))
            for domain, found in by_domain.items()
            if (limit := self._limit_of(domain)) is not None
        }
        grants = limits.take(session, wants, clock.now())
        later: dict[int, dt.datetime] = {}
        for domain, found in by_domain.items():
            grant = grants.get(f"domain:{domain}")
            limit = self._limit_of(domain)
            if grant is None or limit is None:
                continue
            for claim in found[grant.granted :]:
                # Each further copy is put off to about its own turn: it is not asked in vain.
                ahead = self._put_off[domain] * limit.interval
                later[claim.id] = (grant.next_at or clock.now()) + ahead
                self._put_off[domain] += 1
        claims.put_off(session, later)
        return [claim for claim in taken if claim.id not in later]

    def _limit_of(self, domain: str) -> Limit | None:
        return self._domain_limits.get(domain) or self._domain_limits.get(EVERY_OTHER)


#: How long a copy waits that no route carries.
_NO_ROUTE = dt.timedelta(minutes=1)


def _budget_of_route(name: str) -> str:
    return f"route:{name}"


def used_up(session: Session) -> bool:
    """Whether all routes for bulk mail have used up their budgets: nothing moves, on purpose."""
    now = clock.now()

    def spent(route: Route) -> bool:
        if route.limit is None:
            return False
        budget = session.get(Budget, _budget_of_route(route.name))
        # As in `limits`: no copy of the burst is left.
        ahead = route.limit.interval * (route.limit.burst - 1)
        return budget is not None and budget.full_at - now > ahead

    bulk = [one for one in routes.configured(settings.current()) if one.bulk]
    return bool(bulk) and all(spent(one) for one in bulk)

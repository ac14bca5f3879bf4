"""Routes: the mail servers that may carry our mail, and which of them takes the next copy."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.settings import RouteSettings, Security, Settings
from mailer.limits import Limit
from mailer.login import Tokens

#: The name of the route that the settings `smtp_*` make when no others are listed.
MAIN = "main"


@dataclass(frozen=True, slots=True)
class Route:
    """A mail server, how to sign in there, and how much it may carry.

    `weight` is its share beside other routes; with 0 it carries only while no other can. `tokens`
    gives OAuth tokens in place of the password.
    """

    name: str
    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    connections: int
    weight: float = 1.0
    limit: Limit | None = None
    bulk: bool = True
    tokens: Tokens | None = field(default=None, repr=False, compare=False)


def configured(settings: Settings) -> tuple[Route, ...]:
    """The routes of the settings, in their order; at least one."""
    return tuple(_route(one, settings) for one in settings.routes or [_main(settings)])


def _main(settings: Settings) -> RouteSettings:
    return RouteSettings(
        name=MAIN, host=settings.smtp_host, port=settings.smtp_port,
        security=settings.smtp_security, username=settings.smtp_username,
        password=settings.smtp_password, oauth=settings.smtp_oauth,
        connections=settings.smtp_connections, weight=1.0, limit=settings.smtp_limit,
    )  # fmt: skip


def _route(one: RouteSettings, settings: Settings) -> Route:
    return Route(
        one.name, one.host, one.port, one.security, one.username,
        one.password.get_secret_value(), one.connections, one.weight,
        Limit.parse(one.limit) if one.limit else None, one.bulk,
        Tokens.of(settings) if one.oauth else None,
    )  # fmt: skip


def choose(
    routes: Sequence[Route],
    free: Mapping[str, int],
    away: Mapping[str, dt.datetime],
    carried: Mapping[str, int],
    now: dt.datetime,
    bulk: bool,
) -> Route | None:
    """The route for the next copy: the one that is furthest behind its share.

    `free` and `carried` count by name; `away` says until when a route takes nothing. A route of
    weight 0 is chosen only when all others are away. None when the one whose turn it is has no
    free connection: it is waited for, or shares would follow the speed of servers and not weights.
    """
    here = [
        route
        for route in routes
        if (route.bulk or not bulk) and (route.name not in away or away[route.name] <= now)
    ]
    weighted = [route for route in here if route.weight > 0]
    chosen = min(weighted or here, key=lambda route: _behind(route, carried), default=None)
    return chosen if chosen is not None and free.get(chosen.name, 0) > 0 else None


def _behind(route: Route, carried: Mapping[str, int]) -> float:
    return (carried.get(route.name, 0) + 1) / (route.weight or 1.0)

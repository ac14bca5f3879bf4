"""Refused mail: domains that refuse us as a whole, and people who complained."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock
from mailer import acceptance
from mailings import remedies
from message.refusals import Reason
from subscribers import incidents, leaving
from subscribers.models import Address, Incident
from web.visits import acting, go, looking

#: What was closed, or complained of, longer ago is not shown.
SHOWN = dt.timedelta(days=90)
#: Large providers begin to turn mail away where this share of copies is complained of.
TOO_MANY = 0.001
RATED = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Case:
    """An incident as the page shows it."""

    incident: Incident
    who: str
    what: str
    do: str
    letter: list[str]
    addresses: list[Address]


def index(request: Request) -> Response:
    """Open incidents with what to do, closed ones, and complaints."""
    with looking(request) as visit:
        visit.coordinator()
        session, now = visit.session, clock.now()
        cases = [_case(session, each) for each in incidents.shown(session, now - SHOWN)]
        lately = len(leaving.complaints(session, now - RATED))
        taken = acceptance.count_bulk(session, now - RATED)
        return visit.page(
            "desk/incidents.html",
            open=[case for case in cases if case.incident.closed_at is None],
            closed=[case for case in cases if case.incident.closed_at is not None],
            complaints=leaving.complaints(session, now - SHOWN), lately=lately, taken=taken,
            too_many=taken > 0 and lately / taken >= TOO_MANY,
        )  # fmt: skip


def _case(session: Session, incident: Incident) -> Case:
    return Case(
        incident, remedies.called(session, incident), remedies.WHAT[Reason(incident.reason)],
        remedies.DO[Reason(incident.reason)], remedies.letter(incident),
        incidents.addresses_of(session, incident.id),
    )  # fmt: skip


def close(request: Request) -> Response:
    """Close an incident by hand."""
    with acting(request) as visit:
        by = visit.coordinator()
        incidents.close(visit.session, visit.number("id"), by)
        return go("/desk/incidents", "incident-closed")


ROUTES = [
    Route("/desk/incidents", index),
    Route("/desk/incidents/{id:int}/close", close, methods=["POST"]),
]

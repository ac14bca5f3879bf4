"""Leaving a list: by the button of the mailed page, by one click in the mail client, and undo."""

from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core import tokens
from core.tokens import BadToken, Purpose
from subscribers import leaving
from subscribers.leaving import CannotUndo
from subscribers.models import MailingList, Person, Standing, Subscription
from web.guards import is_one_click
from web.visits import Visit, acting, looking


def page(request: Request) -> Response:
    """Whose membership of which list it is, and a button; opening the page does nothing."""
    with looking(request) as visit:
        whose = _whose(visit)
        if whose is None:
            return _unknown(visit)
        return _show(visit, *whose)


def leave(request: Request) -> Response:
    """Leave, by the button or by RFC 8058 §3.1: without cookie or redirect, again and again."""
    with acting(request) as visit:
        whose = _whose(visit)
        if whose is None:
            return _unknown(visit)
        person, list_ = whose
        if is_one_click(getattr(request.state, "fields", {})):
            leaving.leave(visit.session, person.id, list_.id, "one-click")
            return PlainTextResponse(f"You have left {list_.title}.\n")
        leaving.leave(visit.session, person.id, list_.id, "page")
        return _show(visit, person, list_)


def undo(request: Request) -> Response:
    """Come back after leaving by mistake."""
    with acting(request) as visit:
        whose = _whose(visit)
        if whose is None:
            return _unknown(visit)
        person, list_ = whose
        try:
            leaving.undo(visit.session, person.id, list_.id)
        except CannotUndo as why:
            return visit.page("public/leave_not.html", status=409, why=str(why), list=list_)
        return visit.page("public/leave_undone.html", **_facts(visit, person, list_))


def _whose(visit: Visit) -> tuple[Person, MailingList] | None:
    try:
        ids = tokens.read(visit.text("token"), Purpose.LEAVE).ids
    except BadToken:
        return None
    if len(ids) != 2:
        return None
    person = visit.session.get(Person, ids[0])
    list_ = visit.session.get(MailingList, ids[1])
    return (person, list_) if person and list_ else None


def _show(visit: Visit, person: Person, list_: MailingList) -> Response:
    standing = visit.session.scalar(
        select(Subscription.state).where(
            Subscription.person_id == person.id, Subscription.list_id == list_.id
        )
    )
    gone = standing in (None, Standing.LEFT)
    template = "public/left.html" if gone else "public/leave.html"
    return visit.page(template, **_facts(visit, person, list_))


def _facts(visit: Visit, person: Person, list_: MailingList) -> dict[str, Any]:
    address = person.addresses[0].mailbox if person.addresses else ""
    return {"list": list_, "address": address, "token": visit.text("token")}


def _unknown(visit: Visit) -> Response:
    why = "This link is not complete, or it is very old. Use the link in the newest email."
    return visit.page("public/leave_not.html", status=404, why=why, list=None)


ROUTES = [
    Route("/leave/{token}", page, methods=["GET"]),
    Route("/leave/{token}", leave, methods=["POST"]),
    Route("/leave/{token}/undo", undo, methods=["POST"]),
]

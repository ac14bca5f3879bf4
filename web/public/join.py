"""Joining a list: the form, and the button that confirms it."""

import time
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock, tokens
from core.tokens import BadToken, Purpose
from message.address import BadAddress
from subscribers import joining, lists
from subscribers.joining import CannotConfirm
from subscribers.models import JoinRequest, MailingList, RequestState
from web.forms import Form
from web.visits import NotThere, Visit, acting, alike, looking

#: A field that people do not see; programs that fill in everything give themselves away.
TRAP = "website"


def form(request: Request) -> Response:
    """The form to join a list."""
    with looking(request) as visit:
        return _form(visit, _list(visit), Form())


def ask(request: Request) -> Response:
    """Note the wish to join; the same answer for every address."""
    begun = time.monotonic()
    with acting(request) as visit:
        list_, filled = _list(visit), visit.form
        name = filled.line("name", "Your name", needed="Enter your name")
        address = filled.address("email")
        organisation = filled.line("organisation", "Your organisation")
        if filled.get("agree") != "yes":
            filled.fault("agree", "Select that you agree, to join the list")
        if not filled:
            return _form(visit, list_, filled)
        if not filled.get(TRAP):
            try:
                joining.request(
                    visit.session, list_, address, name, organisation=organisation,
                    source="form", evidence=f"form at {clock.now():%Y-%m-%d %H:%M} UTC",
                )  # fmt: skip
            except BadAddress as why:
                filled.fault("email", str(why).rstrip("."))
                return _form(visit, list_, filled)
        page = visit.page("public/join_asked.html", list=list_, address=address)
    return alike(page, begun)


def _form(visit: Visit, list_: MailingList, filled: Form) -> Response:
    status = 200 if filled else 422
    return visit.page("public/join.html", status=status, list=list_, form=filled, trap=TRAP,
                      wording=joining.WORDING)  # fmt: skip


def _list(visit: Visit) -> MailingList:
    found = lists.by_name(visit.session, visit.text("name"))
    if found is None:
        raise NotThere
    return found


def confirm_page(request: Request) -> Response:
    """The button that confirms; opening the page does nothing."""
    with looking(request) as visit:
        found, why = _asked_for(visit)
        if found is None or why:
            return _too_late(visit, found, why)
        if found.state != RequestState.ASKED:
            return visit.page("public/confirmed.html", join=found)
        return visit.page("public/confirm.html", join=found)


def confirm(request: Request) -> Response:
    """The owner of the address says yes."""
    with acting(request) as visit:
        found, why = _asked_for(visit)
        if found is None or why:
            return _too_late(visit, found, why)
        try:
            found = joining.confirm(
                visit.session, found.id, f"button at {clock.now():%Y-%m-%d %H:%M} UTC"
            )
        except CannotConfirm as reason:
            return _too_late(visit, found, str(reason))
        return visit.page("public/confirmed.html", join=found)


def _asked_for(visit: Visit) -> tuple[JoinRequest | None, str]:
    """The request of the token, and what stands against confirming it."""
    try:
        token = tokens.read(visit.text("token"), Purpose.CONFIRM)
    except BadToken:
        return None, "This link is not complete. Copy all of it from the email, or ask again."
    found = visit.session.get(JoinRequest, token.ids[0])
    if found is None:
        return None, "We do not know of this request to join. Ask to join again."
    if found.state == RequestState.REPLACED:
        return found, "We have sent you a newer email to confirm. Use that one."
    if found.state == RequestState.FORGOTTEN or _expired(found):
        days = joining.LIFE // timedelta(days=1)
        return found, f"This link is more than {days} days old. Ask to join again."
    return found, ""


def _expired(found: JoinRequest) -> bool:
    return found.state == RequestState.ASKED and clock.now() - found.asked_at > joining.LIFE


def _too_late(visit: Visit, found: JoinRequest | None, why: str) -> Response:
    return visit.page("public/confirm_not.html", status=410 if found else 404, why=why,
                      list=found.list if found else None)  # fmt: skip


ROUTES = [
    Route("/join/{name}", form, methods=["GET"]),
    Route("/join/{name}", ask, methods=["POST"]),
    Route("/confirm/{token}", confirm_page, methods=["GET"]),
    Route("/confirm/{token}", confirm, methods=["POST"]),
]

"""Signing in by a mailed link, and out."""

import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import tokens
from subscribers import sign_in
from subscribers.models import Role
from subscribers.sign_in import CannotSignIn
from web import sessions
from web.forms import Form
from web.visits import Visit, acting, alike, go, looking


def form(request: Request) -> Response:
    """The form that asks for a link."""
    with looking(request) as visit:
        return _form(visit, Form({"way": sessions.local_path(visit.asked("way"))}))


def ask(request: Request) -> Response:
    """Have a link mailed to a known address; the same answer for every address."""
    secret = sessions.browser_secret(request) or tokens.random_secret()
    begun = time.monotonic()
    with acting(request) as visit:
        filled = visit.form
        address = filled.address("email")
        if not filled:
            return _form(visit, filled)
        sign_in.ask(visit.session, address, secret)
        page = visit.page("public/sign_in_asked.html", address=address)
    sessions.remember_browser(page, secret)
    sessions.remember_way(page, sessions.local_path(filled.get("way")))
    return alike(page, begun)


def _form(visit: Visit, filled: Form) -> Response:
    return visit.page("public/sign_in.html", status=200 if filled else 422, form=filled)


def button(request: Request) -> Response:
    """The button that completes signing in; opening the page does nothing."""
    with looking(request) as visit:
        here = bool(sessions.browser_secret(request))
        return visit.page("public/sign_in_button.html", here=here)


def complete(request: Request) -> Response:
    """Use the link up and begin a session."""
    with acting(request) as visit:
        try:
            person = sign_in.redeem(
                visit.session, visit.text("token"), sessions.browser_secret(request)
            )
        except CannotSignIn as why:
            return visit.page("public/sign_in_not.html", status=403, why=str(why), form=Form())
        home = "/lists" if person.role == Role.MEMBER else "/desk"
        answer = go(sessions.way(request) or home)
        sessions.begin(visit.session, request, answer, person.id)
        sessions.remember_way(answer, "")
        return answer


def sign_out(request: Request) -> Response:
    """End the session, on the server too."""
    answer = go("/", "signed-out")
    with acting(request) as visit:
        sessions.end(visit.session, request, answer)
    return answer


ROUTES = [
    Route("/sign-in", form, methods=["GET"]),
    Route("/sign-in", ask, methods=["POST"]),
    Route("/sign-in/{token}", button, methods=["GET"]),
    Route("/sign-in/{token}", complete, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]

"""Sign-ups that wait: the coordinator lets somebody in or does not."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from subscribers import joining
from subscribers.joining import CannotDecide
from web.visits import acting, go, looking


def index(request: Request) -> Response:
    """Everybody who waits, with what they said of themselves."""
    with looking(request) as visit:
        visit.coordinator()
        return visit.page("desk/sign_ups.html", waiting=joining.waiting(visit.session), trouble="")


def admit(request: Request) -> Response:
    """Let somebody in; they get a welcome."""
    return _decide(request, "admitted")


def refuse(request: Request) -> Response:
    """Do not let somebody in."""
    return _decide(request, "refused")


def _decide(request: Request, how: str) -> Response:
    with acting(request) as visit:
        by = visit.coordinator()
        act = joining.admit if how == "admitted" else joining.refuse
        try:
            act(visit.session, visit.number("id"), by)
        except CannotDecide as why:
            waiting = joining.waiting(visit.session)
            return visit.page("desk/sign_ups.html", status=409, waiting=waiting, trouble=str(why))
        return go("/desk/sign-ups", how)


ROUTES = [
    Route("/desk/sign-ups", index),
    Route("/desk/sign-ups/{id:int}/admit", admit, methods=["POST"]),
    Route("/desk/sign-ups/{id:int}/refuse", refuse, methods=["POST"]),
]

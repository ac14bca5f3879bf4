"""The web application: all routes in one place, guarded, with a page for whatever goes wrong."""

from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from web import desk, forum, health, pages, post_office, public
from web.guards import Guard
from web.visits import NotThere, NotYours, SignInFirst, looking

ROUTES: list[BaseRoute] = [
    *public.ROUTES,
    *forum.ROUTES,
    *desk.ROUTES,
    *post_office.ROUTES,
    *health.ROUTES,
]


class Static(StaticFiles):
    """Our style sheets and pictures; their addresses change with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, to be kept by the browser."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=604800"
        return response


def create_app() -> Starlette:
    """The ASGI application; settings and database are those of the process."""
    return Starlette(
        routes=[*ROUTES, Mount("/static", Static(directory=pages.STATIC), name="static")],
        middleware=[Middleware(Guard)],
        exception_handlers={
            HTTPException: _not_possible,
            NotThere: _not_there,
            NotYours: _not_yours,
            SignInFirst: _sign_in_first,
        },
    )


def _say(request: Request, status: int, title: str, *words: str) -> Response:
    with looking(request) as visit:
        return visit.page("trouble.html", status=status, title=title, words=words)


def _not_there(request: Request, _why: Exception) -> Response:
    return _say(
        request, 404, "Page not found",
        "If you typed or pasted the address, check that it is complete.",
        "Some pages can be seen only by the members of a list.",
    )  # fmt: skip


def _not_yours(request: Request, _why: Exception) -> Response:
    return _say(
        request, 403, "This page is for coordinators",
        "You are signed in, but this page is for the people who run the network.",
    )  # fmt: skip


def _sign_in_first(request: Request, _why: Exception) -> Response:
    if request.method not in {"GET", "HEAD"}:
        return RedirectResponse("/sign-in", status_code=303)
    way = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?{urlencode({'way': way})}", status_code=303)


def _not_possible(request: Request, why: Exception) -> Response:
    status = why.status_code if isinstance(why, HTTPException) else 400
    if status == 404:
        return _not_there(request, why)
    answer = _say(
        request, status, "This cannot be done here",
        "Go back, and use the links and buttons of the page.",
    )  # fmt: skip
    if isinstance(why, HTTPException) and why.headers:
        answer.headers.update(why.headers)
    return answer

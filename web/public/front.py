"""The front page, and the pages about privacy and accessibility: for everybody."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import settings
from subscribers import joining, lists
from web.visits import go, looking


def front(request: Request) -> Response:
    """What the network is, how to join, where to sign in; members go on to their lists."""
    with looking(request) as visit:
        if visit.visitor.person_id is not None and "about" not in request.query_params:
            return go("/lists")
        # What is said on a closed list is for councils, and so is what it is about.
        shown = [each for each in lists.all_lists(visit.session) if not each.closed]
        return visit.page("public/front.html", lists=shown)


def privacy(request: Request) -> Response:
    """What is kept about whom, why, and for how long (UK GDPR, Article 13)."""
    with looking(request) as visit:
        return visit.page("public/privacy.html", wording=joining.WORDING,
                          host=settings.current().host_name)  # fmt: skip


def accessibility(request: Request) -> Response:
    """The accessibility statement."""
    with looking(request) as visit:
        return visit.page("public/accessibility.html", base_url=settings.current().base_url)


ROUTES = [
    Route("/", front),
    Route("/privacy", privacy),
    Route("/accessibility", accessibility),
]

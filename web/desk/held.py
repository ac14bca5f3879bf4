"""Held posts: moderators see what waits on their lists, and decide."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from archive import moderation
from archive.access import NotAllowed
from subscribers.models import MailingList
from web.forum.threads import passages_of
from web.visits import NotYours, acting, go, looking


def index(request: Request) -> Response:
    """Every held post of the lists that the visitor moderates, whole."""
    with looking(request) as visit:
        visit.moderator()
        posts = moderation.held(visit.session, visit.viewer)
        lists = {post.list_id: visit.session.get_one(MailingList, post.list_id) for post in posts}
        shown = [(post, lists[post.list_id], passages_of(post)) for post in posts]
        return visit.page("desk/held.html", posts=shown)


def approve(request: Request) -> Response:
    """File a post in its discussion."""
    with acting(request) as visit:
        by = visit.moderator()
        try:
            done = moderation.approve(visit.session, visit.number("id"), by)
        except NotAllowed:
            raise NotYours from None
        return go("/desk/held", "filed" if done else "decided")


def reject(request: Request) -> Response:
    """Put a post away, with the reason."""
    with acting(request) as visit:
        by = visit.moderator()
        why = visit.form.line("why", "The reason")[:200]
        try:
            done = moderation.reject(visit.session, visit.number("id"), by, why)
        except NotAllowed:
            raise NotYours from None
        return go("/desk/held", "rejected" if done else "decided")


ROUTES = [
    Route("/desk/held", index),
    Route("/desk/held/{id:int}/approve", approve, methods=["POST"]),
    Route("/desk/held/{id:int}/reject", reject, methods=["POST"]),
]

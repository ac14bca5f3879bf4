"""Digests at the desk: when the last one was made, and one more now."""

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock, outbox
from core.events import DigestDue
from mailer.models import Mailing
from subscribers import lists
from web.visits import NotThere, acting, go, looking


def index(request: Request) -> Response:
    """Each list with its last digest."""
    with looking(request) as visit:
        visit.coordinator()
        latest = (
            select(func.max(Mailing.id)).where(Mailing.kind == "digest").group_by(Mailing.list_id)
        )
        made = visit.session.scalars(select(Mailing).where(Mailing.id.in_(latest)))
        last = {each.list_id: each for each in made}
        return visit.page("desk/digests.html", lists=lists.all_lists(visit.session), last=last)


def make(request: Request) -> Response:
    """Have the digest of a list made now, for what was said since the last one."""
    with acting(request) as visit:
        visit.coordinator()
        list_ = lists.by_name(visit.session, visit.text("name"))
        if list_ is None:
            raise NotThere
        outbox.record(visit.session, DigestDue(list_.id, clock.now()))
        return go("/desk/digests", "digest")


ROUTES = [
    Route("/desk/digests", index),
    Route("/desk/digests/{name}", make, methods=["POST"]),
]

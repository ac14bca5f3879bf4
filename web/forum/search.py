"""Searching what was said, on the lists that the member may read."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from archive import access, query, search
from subscribers import lists
from subscribers.models import MailingList
from web.pages import title_of
from web.visits import looking

MOST = 50


def page(request: Request) -> Response:
    """The form, and what was found, best first."""
    with looking(request) as visit:
        visit.member()
        typed = visit.asked("q")
        mine = access.visible_lists(visit.session, visit.viewer)
        chosen = lists.by_name(visit.session, visit.asked("list"))
        within = chosen if chosen and chosen.id in {each.id for each in mine} else None
        hits = search.search(
            visit.session, visit.viewer, typed, MOST, within.id if within else None
        )
        titles = {hit.post.id: title_of(hit.post.thread) for hit in hits}
        names: dict[int, MailingList] = {each.id: each for each in mine}
        return visit.page("forum/search.html", query=typed, hits=hits, titles=titles, lists=mine,
                          names=names, within=within, most=MOST,
                          troubles=query.read(typed).troubles)  # fmt: skip


ROUTES = [Route("/search", page)]

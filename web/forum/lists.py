"""The lists that a member may read, the discussions on each, and how they take its posts."""

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from archive import access, reading
from core import addresses
from subscribers import leaving, lists, organisations, people
from subscribers.models import MailingList, Mode, Person, Standing, Subscription
from web.forms import Form
from web.public import feeds
from web.visits import NotThere, Visit, acting, go, looking

MODES = {
    Mode.EACH: "Each post, as it is written",
    Mode.MONTHLY: "A digest, once a month",
    Mode.NONE: "No posts: only newsletters and invitations to meetings",
}


def index(request: Request) -> Response:
    """The lists that the member may read, and the others that they could join."""
    with looking(request) as visit:
        visit.member()
        mine = access.visible_lists(visit.session, visit.viewer)
        latest = {each.id: reading.threads_of(visit.session, each, 1, 3) for each in mine}
        return visit.page(
            "forum/lists.html", lists=mine, latest=latest, modes=_modes(visit),
            mode_words=_MODE_WORDS, others=_others(visit),
        )  # fmt: skip


_MODE_WORDS = {
    Mode.EACH: "each post",
    Mode.DAILY: "a digest",
    Mode.WEEKLY: "a digest",
    Mode.MONTHLY: "a monthly digest",
    Mode.NONE: "newsletters and invitations only",
}


def _modes(visit: Visit) -> dict[int, str]:
    mine = select(Subscription).where(
        Subscription.person_id == visit.member(), Subscription.state != Standing.LEFT
    )
    return {each.list_id: each.mode for each in visit.session.scalars(mine)}


def _others(visit: Visit) -> list[MailingList]:
    """Lists that the member is not on; closed ones only for who could join."""
    person = visit.session.get_one(Person, visit.member())
    in_sector = organisations.in_sector(organisations.of_person(visit.session, person))
    mine = _modes(visit)
    return [
        each
        for each in lists.all_lists(visit.session)
        if each.id not in mine and (in_sector or not each.closed)
    ]


def page(request: Request) -> Response:
    """The discussions of a list, the last active first."""
    with looking(request) as visit:
        list_ = _readable(visit)
        number = visit.page_number()
        threads = reading.threads_of(visit.session, list_, number)
        if number > 1 and not threads:
            raise NotThere
        more = bool(reading.threads_of(visit.session, list_, number + 1, reading.PAGE))
        return visit.page(
            "forum/list.html", list=list_, threads=threads, number=number, more=more,
            feed=feeds.address(visit.member(), list_.id),
            address=addresses.of(list_.name), on_it=list_.id in _modes(visit),
        )  # fmt: skip


def _readable(visit: Visit) -> MailingList:
    visit.member()
    list_ = lists.by_name(visit.session, visit.text("name"))
    if list_ is None or not access.may_read_list(visit.session, visit.viewer, list_):
        raise NotThere
    return list_


def membership(request: Request) -> Response:
    """How the member takes the posts of a list, and the way out."""
    with looking(request) as visit:
        list_ = _readable(visit)
        mode = _modes(visit).get(list_.id)
        if mode is None:
            raise NotThere
        chosen = Mode.MONTHLY if mode in (Mode.DAILY, Mode.WEEKLY) else mode
        return visit.page("forum/membership.html", list=list_, choices=MODES, chosen=chosen,
                          form=Form())  # fmt: skip


def set_mode(request: Request) -> Response:
    """Change how the member takes the posts of a list."""
    with acting(request) as visit:
        list_, said = _readable(visit), visit.form.get("mode")
        if said in MODES:
            people.set_mode(visit.session, visit.member(), list_.id, Mode(said))
        return go(f"/lists/{list_.name}/membership", "saved")


def leave(request: Request) -> Response:
    """Leave a list from its page."""
    with acting(request) as visit:
        list_ = _readable(visit)
        leaving.leave(visit.session, visit.member(), list_.id, "page")
        return go("/lists", "left")


ROUTES = [
    Route("/lists", index),
    Route("/lists/{name}", page),
    Route("/lists/{name}/membership", membership, methods=["GET"]),
    Route("/lists/{name}/membership", set_mode, methods=["POST"]),
    Route("/lists/{name}/leave", leave, methods=["POST"]),
]

"""“Did they get it?”: what is known of an address, newest first."""

from sqlalchemy import func, or_, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailer import trace
from mailer.models import Delivery, Mailing, State
from subscribers import people
from subscribers.models import Person, Subscription
from web.desk.dashboard import KIND_WORDS
from web.desk.mailings import STATE_WORDS
from web.visits import Visit, looking

MOST = 50


def page(request: Request) -> Response:
    """The form, and the person's lists, copies, and all that happened in order."""
    with looking(request) as visit:
        visit.coordinator()
        address = visit.asked("address")
        person = people.by_address(visit.session, address) if address else None
        return visit.page(
            "desk/trace.html", address=address, person=person,
            subscriptions=_subscriptions(visit, person),
            copies=_copies(visit, address, person), kinds=KIND_WORDS,
            lines=trace.of(visit.session, address)[::-1] if address else [],
        )  # fmt: skip


def _subscriptions(visit: Visit, person: Person | None) -> list[Subscription]:
    if person is None:
        return []
    wanted = select(Subscription).where(Subscription.person_id == person.id)
    return list(visit.session.scalars(wanted.order_by(Subscription.joined_at)))


def _copies(
    visit: Visit, address: str, person: Person | None
) -> list[tuple[Delivery, Mailing, str]]:
    if not address:
        return []
    theirs = func.lower(Delivery.address) == address.lower()
    if person is not None:
        theirs = or_(theirs, Delivery.person_id == person.id)
    wanted = select(Delivery, Mailing).join(Mailing, Mailing.id == Delivery.mailing_id)
    rows = visit.session.execute(wanted.where(theirs).order_by(Delivery.id.desc()).limit(MOST))
    return [
        (delivery, mailing, STATE_WORDS.get(State(delivery.state), delivery.state))
        for delivery, mailing in rows
    ]


ROUTES = [Route("/desk/trace", page)]

"""People whose mailbox is gone: whom to ask for a successor, and what to do about them."""

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from subscribers import incidents, leavers, people
from subscribers.models import Leaver, MailingList, Person
from web.visits import acting, go, looking


@dataclass(frozen=True, slots=True)
class Gone:
    """Somebody who seems to have left, as the page shows them."""

    leaver: Leaver
    person: Person
    lists: list[MailingList]
    colleagues: list[Person]
    words: str


def index(request: Request) -> Response:
    """Everybody about whom nothing was decided yet."""
    with looking(request) as visit:
        visit.coordinator()
        found = [_gone(visit.session, each) for each in leavers.waiting(visit.session)]
        return visit.page("desk/leavers.html", people=found)


def _gone(session: Session, leaver: Leaver) -> Gone:
    person = leaver.person
    return Gone(
        leaver, person, people.lists_of(session, person.id), leavers.colleagues(session, person),
        incidents.last_words(session, person.id),
    )  # fmt: skip


def again(request: Request) -> Response:
    """Write to somebody again."""
    with acting(request) as visit:
        by = visit.coordinator()
        done = leavers.try_again(visit.session, visit.number("id"), by)
        return go("/desk/leavers", "tried-again" if done else "decided")


def remove(request: Request) -> Response:
    """Take somebody off all lists."""
    with acting(request) as visit:
        by = visit.coordinator()
        done = leavers.remove(visit.session, visit.number("id"), by)
        return go("/desk/leavers", "gone" if done else "decided")


ROUTES = [
    Route("/desk/leavers", index),
    Route("/desk/leavers/{id:int}/again", again, methods=["POST"]),
    Route("/desk/leavers/{id:int}/remove", remove, methods=["POST"]),
]

"""A visit: one request with its database session, who looks, and the page that answers it.

`looking` only reads; `acting` is one transaction. The page is rendered before the session closes.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from archive import access
from core import database
from web import pages, sessions
from web.forms import Form
from web.sessions import Visitor

#: How long an answer takes whose time must tell nothing.
ALIKE_SECONDS = 0.2


class SignInFirst(Exception):
    """The page is for people who are signed in."""


class NotYours(Exception):
    """The page is for coordinators, or for moderators."""


class NotThere(Exception):
    """There is no such page, or the visitor may not know of it: both look the same."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request being answered."""

    request: Request
    session: Session
    visitor: Visitor

    @property
    def form(self) -> Form:
        """What was sent along with a POST."""
        return Form(getattr(self.request.state, "fields", {}))

    @property
    def viewer(self) -> access.Viewer:
        """Who looks, as the archive asks it."""
        return self.visitor.viewer

    def number(self, name: str) -> int:
        """A number in the path; NotThere if no row can have it."""
        value = int(self.request.path_params[name])
        if not 0 < value < 1 << 31:
            raise NotThere
        return value

    def text(self, name: str) -> str:
        """A text in the path."""
        return str(self.request.path_params[name])

    def asked(self, name: str) -> str:
        """A value of the query."""
        return self.request.query_params.get(name, "").replace("\0", "").strip()[:500]

    def page_number(self) -> int:
        """The number of the page of a long list, from 1."""
        said = self.asked("page")
        return min(max(int(said), 1), 100_000) if said.isdecimal() and len(said) < 7 else 1

    def member(self) -> int:
        """The id of the person who is signed in; raises SignInFirst."""
        if self.visitor.person_id is None:
            raise SignInFirst
        return self.visitor.person_id

    def coordinator(self) -> int:
        """The id of the coordinator who is signed in; raises SignInFirst or NotYours."""
        person_id = self.member()
        if not self.visitor.coordinates:
            raise NotYours
        return person_id

    def moderator(self) -> int:
        """The id of somebody who moderates at least one list; raises SignInFirst or NotYours."""
        person_id = self.member()
        if not self.visitor.moderates:
            raise NotYours
        return person_id

    def page(self, template: str, *, status: int = 200, **facts: object) -> Response:
        """A page from a template below `web/`."""
        return pages.render(self.request, template, facts, visitor=self.visitor, status=status)


@contextmanager
def looking(request: Request) -> Iterator[Visit]:
    """A visit that only reads."""
    sessions.note_seen(request)
    with database.reading() as session:
        yield Visit(request, session, sessions.visitor(session, request))


@contextmanager
def acting(request: Request) -> Iterator[Visit]:
    """A visit that changes something, in one transaction."""
    with database.transaction() as session:
        yield Visit(request, session, sessions.visitor(session, request))


def alike(page: Response, begun: float) -> Response:
    """The page, once the time has passed that such an answer takes for every address.

    `begun` is the time.monotonic() of the beginning (ASVS 6.3.8). Called outside a transaction.
    """
    database.forbid_transaction()
    time.sleep(max(0.0, begun + ALIKE_SECONDS - time.monotonic()))
    return page


def go(path: str, said: str = "") -> Response:
    """Send the browser on to a page of ours; `said` names what the page should confirm."""
    return RedirectResponse(f"{path}?said={said}" if said else path, status_code=303)

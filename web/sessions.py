"""Who looks at the pages: signed-in browsers, their cookies, and when signing in ends.

The cookie holds a random secret, the database its digest. Reading pages changes nothing but the
time at which a signed-in browser was last seen, which is noted once an hour: that is how a sign-in
that nobody uses ends.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from archive import access
from core import clock, database, settings, tokens
from subscribers.models import Person, Role
from web.models import WebSession

COORDINATORS = frozenset({Role.COORDINATOR, Role.OPERATOR})
#: How long signing in lasts unused, and in all: shorter for those who may do more.
MEMBER_LIMITS = (dt.timedelta(days=30), dt.timedelta(days=90))
COORDINATOR_LIMITS = (dt.timedelta(hours=12), dt.timedelta(days=7))
SEEN_EVERY = dt.timedelta(hours=1)
#: The secret of a browser that asked for a link is kept a little longer than the link.
BROWSER_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks; nobody known if there is no person."""

    viewer: access.Viewer = access.ANYBODY
    name: str = ""
    moderates: bool = False

    @property
    def person_id(self) -> int | None:
        """The person, if signed in."""
        return self.viewer.person_id

    @property
    def coordinates(self) -> bool:
        """Whether the desk is theirs."""
        return self.viewer.person_id is not None and self.viewer.role in COORDINATORS


NOBODY = Visitor()


def visitor(session: Session, request: Request) -> Visitor:
    """Who sent this request, by its cookie."""
    found = _session_of(session, request)
    person = session.get(Person, found.person_id) if found else None
    if found is None or person is None or not _lasts(found, person):
        return NOBODY
    viewer = access.Viewer(person.id, person.role)
    moderated = session.scalar(access.moderated_lists(viewer).limit(1))
    return Visitor(viewer, person.name, moderated is not None)


def _session_of(session: Session, request: Request) -> WebSession | None:
    secret = request.cookies.get(_name("session"))
    if not secret:
        return None
    wanted = select(WebSession).where(
        WebSession.digest == tokens.digest_of(secret), WebSession.ended_at.is_(None)
    )
    return session.scalar(wanted)


def _lasts(found: WebSession, person: Person) -> bool:
    idle, whole = COORDINATOR_LIMITS if person.role in COORDINATORS else MEMBER_LIMITS
    now = clock.now()
    return now - found.seen_at < idle and now - found.started_at < whole


def note_seen(request: Request) -> None:
    """Note, once an hour at most, that a signed-in browser is in use."""
    if _name("session") not in request.cookies:
        return
    with database.reading() as session:
        found = _session_of(session, request)
        now = clock.now()
        if found is None or now - found.seen_at < SEEN_EVERY or visitor(session, request) == NOBODY:
            return
        number = found.id
    with database.transaction() as session:
        session.execute(update(WebSession).where(WebSession.id == number).values(seen_at=now))


def begin(session: Session, request: Request, response: Response, person_id: int) -> None:
    """Sign a person in with a new secret; what this browser had before ends (ASVS 7.2.4)."""
    _end(session, request)
    secret, now = tokens.random_secret(), clock.now()
    session.add(
        WebSession(
            digest=tokens.digest_of(secret), person_id=person_id, started_at=now, seen_at=now
        )
    )
    _set(response, "session", secret, int(MEMBER_LIMITS[1].total_seconds()))


def end(session: Session, request: Request, response: Response) -> None:
    """Sign out, on the server too."""
    _end(session, request)
    _set(response, "session", "", 0)


def _end(session: Session, request: Request) -> None:
    found = _session_of(session, request)
    if found is not None:
        found.ended_at = clock.now()


def browser_secret(request: Request) -> str:
    """The secret by which the browser that asks for a link is known again; "" if it has none."""
    return request.cookies.get(_name("browser"), "")


def remember_browser(response: Response, secret: str) -> None:
    """Keep the secret of a browser that asks for a link."""
    _set(response, "browser", secret, BROWSER_SECONDS)


def remember_way(response: Response, path: str) -> None:
    """Keep the page that somebody wanted to see before signing in; "" forgets it."""
    _set(response, "way", path, BROWSER_SECONDS if path else 0)


def way(request: Request) -> str:
    """The page that was wanted before signing in, if it is one of ours."""
    return local_path(request.cookies.get(_name("way"), ""))


def local_path(path: str) -> str:
    """A path of our own pages; "" for anything that leads elsewhere (no open redirect)."""
    plain = path.isascii() and path.isprintable() and not any(sign in path for sign in '\\"; ,')
    return path if plain and path.startswith("/") and not path.startswith("//") else ""


def _name(what: str) -> str:
    # A __Host- cookie comes from this very host over https, and from nobody else (RFC 6265bis).
    prefix = "__Host-" if _secure() else ""
    return f"{prefix}folkmoot-{what}"


def _secure() -> bool:
    return settings.current().base_url.startswith("https://")


def _set(response: Response, what: str, value: str, seconds: int) -> None:
    response.set_cookie(
        _name(what), value, max_age=seconds, path="/", secure=_secure(), httponly=True,
        samesite="lax",
    )  # fmt: skip

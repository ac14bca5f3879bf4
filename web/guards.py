"""What stands before every page: forms of strangers are refused, every answer gets its headers.

Pure ASGI, around everything: also around downloads, errors and what is not there.
"""

import logging
import traceback
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import settings
from web import pages
from web.limits import Throttle

log = logging.getLogger(__name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST_FORM = 1_000_000
MOST_FIELDS = 200
#: Nothing but our own style sheets, pictures and forms; no scripts at all (ASVS 3.4.3).
CONTENT_POLICY = (
    "default-src 'none'; script-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
#: A page that frames a letter of ours.
FRAMING_POLICY = f"{CONTENT_POLICY}; frame-src 'self'"
#: The address of these holds a secret that is the right to do one thing.
_WITH_TOKEN = ("/confirm/", "/leave/", "/rsvp/", "/sign-in/")
_PUBLIC = ("/join/", "/static/")
_PUBLIC_PAGES = frozenset({"/", "/privacy", "/accessibility"})
_SLOWED = ("/join/", "/sign-in")


class Refused(Exception):
    """A request that is not answered as it wants; holds the page that says why."""

    def __init__(self, status: int, title: str, *words: str) -> None:
        super().__init__(title)
        self.status, self.title, self.words = status, title, words


class Guard:
    """The ASGI application around all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._throttle = Throttle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here; no exception leaves this place."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _add_headers(scope["path"], MutableHeaders(scope=message))
            await send(message)

        try:
            if scope["method"] not in SAFE:
                await self._admit(scope, receive)
            await self._app(scope, receive, send_guarded)
        except Refused as why:
            page = pages.trouble(Request(scope), why.status, why.title, why.words)
            await page(scope, receive, send_guarded)
        except ClientDisconnect:
            return
        except Exception as trouble:  # noqa: BLE001 - the visitor gets a page, the log the place
            _note(scope, trouble)
            if not begun:
                await _sorry(scope)(scope, receive, send_guarded)

    async def _admit(self, scope: Scope, receive: Receive) -> None:
        """Read the form of an unsafe request and judge where it comes from; raises Refused."""
        scope.setdefault("state", {})["fields"] = fields = await _fields(scope, receive)
        # RFC 8058 §3.2: the mail provider's POST has no cookie and no origin; its token is enough.
        if scope["path"].startswith("/leave/") and is_one_click(fields):
            return
        if not _from_our_pages(scope["path"], Headers(scope=scope)):
            raise Refused(
                403, "This form did not come from our pages",
                "For your safety we take forms only from pages of this site.",
                "Open the page again in your browser and press its button.",
            )  # fmt: skip
        client = scope.get("client")
        if scope["path"].startswith(_SLOWED) and not self._throttle.passes(
            client[0] if client else ""
        ):
            raise Refused(
                429, "Too many forms were sent",
                "Too many forms were sent from where you are. Wait ten minutes, then try again.",
            )  # fmt: skip


def is_one_click(fields: dict[str, str]) -> bool:
    """Whether a form is the one of RFC 8058 §3.1."""
    return fields.get("List-Unsubscribe") == "One-Click"


async def _fields(scope: Scope, receive: Receive) -> dict[str, str]:
    """The fields of a form, urlencoded or multipart; files are not taken. Raises Refused."""
    size = 0

    async def receive_some() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_FORM:
            raise Refused(413, "This is too long", "Shorten what you have written, then try again.")
        return message

    try:
        form = await Request(scope, receive_some).form(max_files=0, max_fields=MOST_FIELDS)
    except (MultiPartException, HTTPException):
        raise Refused(400, "This form cannot be read", "Open the page again.") from None
    # No database keeps a NUL, and no field of ours wants one.
    return {
        name: value.replace("\0", "")
        for name, value in form.multi_items()
        if isinstance(value, str)
    }


def _from_our_pages(path: str, headers: Headers) -> bool:
    """Whether an unsafe request was made by a page of this site (ASVS 3.5.1).

    Browsers say it in Sec-Fetch-Site. Old ones, and those on plain http, send Origin only; from a
    page that sends no referrer that is `null`, and there the token in the address is the proof:
    nobody can forge a form to an address they do not know.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "")
    if origin == "null":
        return path.startswith(_WITH_TOKEN)
    ours = urlsplit(settings.current().base_url)
    return origin == f"{ours.scheme}://{ours.netloc}" or (
        bool(origin) and urlsplit(origin).netloc == headers.get("host", "")
    )


def _add_headers(path: str, headers: MutableHeaders) -> None:
    secret = path.startswith(_WITH_TOKEN)
    headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    headers.setdefault("Cache-Control", "no-store")
    headers["Referrer-Policy"] = "no-referrer" if secret else "same-origin"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if settings.current().base_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if path not in _PUBLIC_PAGES and not path.startswith(_PUBLIC):
        headers["X-Robots-Tag"] = "noindex, nofollow"


def _note(scope: Scope, trouble: Exception) -> None:
    """Log where it went wrong: no texts, no path (it may hold a token)."""
    frames = traceback.extract_tb(trouble.__traceback__)
    place = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-4:]))
    endpoint = getattr(scope.get("endpoint"), "__name__", "")
    facts = {"page": endpoint, "trouble": type(trouble).__name__, "place": place}
    log.error("page_failed", extra=facts)


def _sorry(scope: Scope) -> Response:
    return pages.trouble(
        Request(scope), 500, "Sorry, there is a problem with this page",
        ["Nothing that you had done before is lost. Try again later.",
         "If it goes on, write to the coordinators: their address is at the foot of this page."],
    )  # fmt: skip

"""Pages from templates: the Jinja environment, what every page knows, and pages about errors."""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment
from jinja2.utils import urlize
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

import templates
from archive.models import Thread
from core import addresses, clock, settings
from mailer.models import Delivery
from mailings import wording
from message import markdown, sanitise
from message import subject as subjects
from web.sessions import NOBODY, Visitor

STATIC = Path(__file__).parent / "static"
#: Links that others wrote.
REL = "nofollow noopener noreferrer ugc"
#: What a page confirms after something was done; the address names one of these, never a text.
NOTICES = {
    "signed-out": "You have signed out.",
    "saved": "Your changes are saved.",
    "drafted": "The newsletter is saved as a draft. Nothing has been sent.",
    "approved": "The newsletter will be sent.",
    "paused": "Sending is paused. Copies that were on their way may still arrive.",
    "resumed": "Sending goes on.",
    "cancelled": "Cancelled. Nothing more is sent.",
    "admitted": "They are a member now, and get a welcome email.",
    "refused": "The request was refused. They are not told.",
    "filed": "The post is in the archive, and goes to the members who take each post.",
    "rejected": "The post was put away. Only moderators can see it.",
    "decided": "Somebody else decided about this before you.",
    "meeting-saved": "The meeting is saved.",
    "announced": "Every member of the list gets an invitation.",
    "meeting-cancelled": "The meeting is cancelled, and everybody who was invited is told.",
    "added": "Added.",
    "removed": "Removed.",
    "published": "The summary is published on the meeting’s page, and goes into the next digest.",
    "answered": "Thank you. We have noted your answer.",
    "left": "You have left the list.",
    "digest": "The digest is being made. It goes out if there is anything to tell.",
    "incident-closed": "Closed. What is refused from now on counts for each mailbox again.",
    "gone": "They are off all lists. They are not told, and an import does not bring them back.",
    "tried-again": "They get mail again. If it is refused, you will be told.",
    "again": "It will be tried again.",
    "replied": "The reply was sent.",
    "joined": "The discussions are one now.",
    "split": "The post begins a discussion of its own now.",
    "moved": "The post was moved, with its answers.",
    "undone": "The change was undone.",
}


def render(
    request: Request,
    template: str,
    facts: Mapping[str, object],
    *,
    visitor: Visitor = NOBODY,
    status: int = 200,
) -> Response:
    """The page of a template below `web/`; raises jinja2.UndefinedError for a missing fact."""
    words: dict[str, object] = {
        "network": wording.network_words(),
        "visitor": visitor,
        "path": request.url.path,
        "notice": NOTICES.get(request.query_params.get("said", ""), ""),
        "post_office": settings.current().post_office,
        **facts,
    }
    page = _environment(settings.current().templates).get_template(f"web/{template}")
    return HTMLResponse(page.render(words), status)


def trouble(request: Request, status: int, title: str, words: Sequence[str]) -> Response:
    """A page that says what went wrong and what to do; it needs no database."""
    return render(request, "trouble.html", {"title": title, "words": words}, status=status)


@cache
def _environment(site: Path | None) -> Environment:
    environment = templates.environment(site)
    environment.filters |= {
        "when": when,
        "day": day,
        "iso": iso,
        "said": said,
        "lowered": lowered,
        "file_size": wording.size_of_file,
        "extract": wording.extract,
        "counted": lambda number, thing: wording.counted(number, thing),
        "masked": masked,
        "title": title_of,
        "plain": markdown.to_text,
        "server": server_words,
    }
    environment.globals |= {"static": static, "address_of": addresses.of, "span": span}
    return environment


def static(name: str) -> str:
    """The address of a file in `static/`, which changes with its content."""
    return f"/static/{name}?v={_digest(name)}"


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def when(instant: dt.datetime) -> str:
    """A date and time on our wall: "Tuesday 2 March 2027, 10am"."""
    return clock.spoken(instant, settings.current().zone)


def day(instant: dt.datetime) -> str:
    """A date on our wall: "2 March 2027"."""
    wall = clock.to_wall(instant, settings.current().zone)
    return f"{wall.day} {wall:%B %Y}"


def iso(instant: dt.datetime) -> str:
    """An instant for the `datetime` attribute of <time>."""
    return f"{instant.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def span(start: dt.datetime, end: dt.datetime, zone: str) -> str:
    """From one instant to another, in a meeting's zone."""
    return clock.spoken_span(start, end, zone)


def said(text: str) -> Markup:
    """Plain text of others as paragraphs with line breaks and links; nothing in it is obeyed."""
    out = []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        lines = [urlize(line.rstrip(), rel=REL) for line in block.split("\n")]
        if any(line.strip() for line in lines):
            out.append(f'<p class="govuk-body">{"<br>".join(lines)}</p>')
    return Markup("\n".join(out))  # noqa: S704 - each line went through urlize, which escapes


def unquoted(text: str) -> str:
    """Quoted text without the signs of quoting at the beginnings of its lines."""
    return re.sub(r"(?m)^[ \t]*(?:>[ \t]?)+", "", text)


def lowered(html: str) -> Markup:
    """HTML of others, sanitised, with its headings one level down: the post's own is above them."""
    clean = sanitise.clean(html)
    return Markup(  # noqa: S704 - cleaned
        re.sub(r"<(/?)h([2-6])>", lambda m: f"<{m[1]}h{min(6, int(m[2]) + 1)}>", clean)
    )


def title_of(thread: Thread) -> str:
    """The subject of a discussion without "Re:"."""
    return subjects.prefixed(thread.subject, "").strip() or "(no subject)"


def server_words(delivery: Delivery) -> str:
    """What the mail server answered, its code once."""
    code, words = delivery.code or "", delivery.words or ""
    basic, _, enhanced = code.partition(" ")
    return f"{basic} {words}" if enhanced and words.startswith(enhanced) else f"{code} {words}"


def masked(address: str) -> str:
    """An address that its owner knows again, and nobody else learns: "j…e@swindon.example"."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…{local[-1:] if len(local) > 2 else ''}@{domain}"

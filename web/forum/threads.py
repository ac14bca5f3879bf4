"""A discussion as a tree that reads well aloud, each post by itself, and the files that came."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from archive import access, reading
from archive.models import Attachment, Post
from core import addresses
from message import quoting
from message import subject as subjects
from subscribers.models import MailingList
from web import pages
from web.public import feeds
from web.visits import NotThere, Visit, go, looking

#: Deeper answers are not moved further to the right; their depth is said in words anyway.
DEEPEST_INDENT = 4
#: A quotation of so many lines is open if an answer stands right below it, one of several.
MOST_OPEN = 8


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a post: its kind, how many lines, and the piece as safe HTML.

    Who answers between the lines is understood with these lines only: they are `open`.
    """

    kind: str
    lines: int
    html: Markup
    open: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A post as the page shows it; `depth` counts from 1."""

    post: Post
    depth: int
    indent: int
    answers: Post | None
    passages: Sequence[Passage]
    files: Sequence[Attachment]
    why: str
    elsewhere: Sequence[Post]


def thread(request: Request) -> Response:
    """A discussion from its first post to the last, each answer below what it answers."""
    with looking(request) as visit:
        visit.member()
        found = reading.thread(visit.session, visit.number("id"))
        if found is None or not access.may_read_list(visit.session, visit.viewer, found.list_id):
            raise NotThere
        if found.id != visit.number("id"):
            return go(f"/threads/{found.id}")
        tree = reading.thread_tree(visit.session, found.id)
        list_ = visit.session.get_one(MailingList, found.list_id)
        return visit.page(
            "forum/thread.html", thread=found, title=pages.title_of(found), list=list_,
            posts=_shown(visit, tree), reply=reply_link(list_, tree),
            feed=feeds.address(visit.member(), list_.id, found.id),
            moderates=access.may_moderate(visit.session, visit.viewer, list_),
            edits=reading.edits_of(visit.session, found),
        )  # fmt: skip


def post(request: Request) -> Response:
    """One post by itself, with the way to its discussion."""
    with looking(request) as visit:
        found = _readable_post(visit, visit.number("id"))
        list_ = visit.session.get_one(MailingList, found.list_id)
        above = visit.session.get(Post, found.parent_id) if found.parent_id else None
        if above is not None and not access.may_read_post(visit.session, visit.viewer, above):
            above = None
        return visit.page(
            "forum/post.html", shown=_shown(visit, [(0, found)])[0], above=above, list=list_,
            thread=found.thread, title=pages.title_of(found.thread),
            reply=reply_link(list_, [(0, found)]),
            moderates=access.may_moderate(visit.session, visit.viewer, list_),
        )  # fmt: skip


def attachment(request: Request) -> Response:
    """A file that came with a post: to be saved, never to be opened here (RFC 6266 §4)."""
    with looking(request) as visit:
        visit.member()
        found = visit.session.get(Attachment, visit.number("id"))
        if found is None:
            raise NotThere
        _readable_post(visit, found.post_id)
        content = reading.content_of(visit.session, found)
        return download(content, found.name)


def download(content: bytes, name: str) -> Response:
    """Bytes of others that a browser saves and does not show, whatever they are."""
    plain = "".join(sign if (sign.isalnum() and sign.isascii()) or sign in "._-" else "_"
                    for sign in name)[-100:]  # fmt: skip
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": disposition,
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        },
    )


def _readable_post(visit: Visit, post_id: int) -> Post:
    visit.member()
    found = visit.session.get(Post, post_id)
    if found is None or not access.may_read_post(visit.session, visit.viewer, found):
        raise NotThere
    return found


def _shown(visit: Visit, tree: Sequence[tuple[int, Post]]) -> list[Shown]:
    """Posts as the page shows them; an answer names what it answers if that can be seen."""
    files = reading.attachments_of(visit.session, [found.id for _, found in tree])
    here = {found.id: found for _, found in tree}
    parts = reading.said_elsewhere(visit.session, [found for _, found in tree])
    return [
        Shown(
            post=found, depth=depth + 1, indent=min(depth, DEEPEST_INDENT),
            answers=here.get(found.parent_id or 0), passages=passages_of(found),
            files=files.get(found.id, []), why=reading.why_here(found),
            elsewhere=[
                part
                for part in parts.get(found.id, [])
                if access.may_read_post(visit.session, visit.viewer, part)
            ],
        )
        for depth, found in tree
    ]  # fmt: skip


def passages_of(found: Post) -> list[Passage]:
    """What a post says, piece by piece; what the network sent keeps its headings and links."""
    if found.mailing_id is not None and found.html:
        return [Passage("html", 0, pages.lowered(found.html))]
    said = [(kind, text) for kind, text in reading.parts_of(found) if text.strip()]
    several = sum(kind == "own" for kind, _ in said) > 1
    passages = []
    for (kind, text), (below, _) in zip(said, [*said[1:], ("", "")], strict=True):
        lines = sum(1 for line in text.splitlines() if line.strip())
        shown = pages.unquoted(text) if kind == "quoted" else quoting.unmarked(text)
        answered = several and (kind, below) == ("quoted", "own") and lines <= MOST_OPEN
        passages.append(Passage(kind, lines, pages.said(shown), answered))
    return passages


def reply_link(list_: MailingList, tree: Sequence[tuple[int, Post]]) -> str:
    """The mailto link that answers a discussion: list, subject and, for who honours it, the post.

    RFC 6068 §2 lets a mail program leave such a field out; then the subject tells.
    """
    last = max((found for _, found in tree), key=lambda one: (one.sent_at, one.id))
    topic = subjects.prefixed(last.subject, "").strip()
    fields = {"subject": f"Re: {topic}", "In-Reply-To": f"<{last.message_id}>"}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    return f"mailto:{quote(addresses.of(list_.name), safe='@+')}?{query}"


ROUTES = [
    Route("/threads/{id:int}", thread),
    Route("/posts/{id:int}", post),
    Route("/attachments/{id:int}", attachment),
]

"""Atom feeds (RFC 4287) of a list or a discussion, behind an address of the member's own.

A feed reader cannot sign in: the token in the address stands for the member and the list, for as
long as the member may read it. Feeds hold own words only, and no address of anybody.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from xml.etree import ElementTree

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from archive import access
from archive.models import Post, PostState, Thread
from core import links, settings, tokens
from core.tokens import UNDATED, BadToken, Purpose
from subscribers.models import MailingList
from web import pages
from web.visits import NotThere, Visit, looking

ATOM = "http://www.w3.org/2005/Atom"
MOST = 50
LONGEST = 20_000
_NUMBER = re.compile(r"[1-9]\d{0,8}")


def address(person_id: int, list_id: int, thread_id: int | None = None) -> str:
    """The address of a member's feed of a list, or of one discussion on it."""
    token = tokens.make(Purpose.FEED, person_id, list_id, made=UNDATED)
    return f"/feeds/{token}?thread={thread_id}" if thread_id else f"/feeds/{token}"


def feed(request: Request) -> Response:
    """The latest posts, the newest first; 304 while there is nothing new (RFC 9110 §15.4.5)."""
    with looking(request) as visit:
        list_ = _list_of(visit)
        thread = _thread_on(visit, list_)
        posts = _latest(visit, list_, thread)
        where = request.url.path + (f"?thread={thread.id}" if thread else "")
        body = _written(where, list_, thread, posts)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/atom+xml", headers=headers)


def _list_of(visit: Visit) -> MailingList:
    """The list of the token, if its member may (still) read it."""
    try:
        person_id, list_id = tokens.read(visit.text("token"), Purpose.FEED).ids
    except (BadToken, ValueError):
        raise NotThere from None
    list_ = visit.session.get(MailingList, list_id)
    viewer = access.viewer(visit.session, person_id)
    if list_ is None or not access.may_read_list(visit.session, viewer, list_):
        raise NotThere
    return list_


def _thread_on(visit: Visit, list_: MailingList) -> Thread | None:
    number = visit.asked("thread")
    if not number:
        return None
    found = visit.session.get(Thread, int(number)) if _NUMBER.fullmatch(number) else None
    if found is None or found.list_id != list_.id or not found.posts:
        raise NotThere
    return found


def _latest(visit: Visit, list_: MailingList, thread: Thread | None) -> Sequence[Post]:
    wanted = select(Post).where(Post.list_id == list_.id, Post.state == PostState.FILED)
    if thread is not None:
        wanted = wanted.where(Post.thread_id == thread.id)
    return visit.session.scalars(wanted.order_by(Post.received_at.desc()).limit(MOST)).all()


def _written(path: str, list_: MailingList, thread: Thread | None, posts: Sequence[Post]) -> bytes:
    ElementTree.register_namespace("", ATOM)
    root = ElementTree.Element(f"{{{ATOM}}}feed")
    title = f"{pages.title_of(thread)} – {list_.title}" if thread else list_.title
    _text(root, "title", title)
    _text(root, "id", _tag(f"thread-{thread.id}" if thread else f"list-{list_.id}"))
    _text(root, "updated", _time(posts[0].received_at if posts else list_.created_at))
    _link(root, "self", links.page(path))
    _link(root, "alternate", links.thread(thread.id) if thread else links.list_page(list_.name))
    for post in posts:
        entry = ElementTree.SubElement(root, f"{{{ATOM}}}entry")
        _text(entry, "title", post.subject or "(no subject)")
        _text(entry, "id", _tag(f"post-{post.id}"))
        _text(entry, "updated", _time(post.received_at))
        _text(entry, "published", _time(post.sent_at))
        author = ElementTree.SubElement(entry, f"{{{ATOM}}}author")
        by = f"{post.author} ({post.organisation})" if post.organisation else post.author
        _text(author, "name", by)
        _link(entry, "alternate", links.post(post.id))
        content = _text(entry, "content", str(pages.said(post.own_words[:LONGEST])))
        content.set("type", "html")
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _text(above: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(above, f"{{{ATOM}}}{name}")
    element.text = "".join(sign for sign in text if sign >= " " or sign in "\n\t")
    return element


def _link(above: ElementTree.Element, relation: str, where: str) -> None:
    ElementTree.SubElement(above, f"{{{ATOM}}}link", {"rel": relation, "href": where})


def _tag(name: str) -> str:
    """RFC 4151: an id that stays the same wherever the pages move to."""
    return f"tag:{settings.current().domain},2026:{name}"


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


ROUTES = [Route("/feeds/{token}", feed)]

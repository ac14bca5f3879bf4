"""Places: a moderator joins discussions, splits one, moves a post, and takes that back."""

import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from archive import access, editing, reading
from archive.access import NotAllowed
from archive.editing import NotPossible
from archive.models import Edit, Post, Thread
from subscribers.models import MailingList
from web import pages
from web.forms import Form
from web.visits import NotThere, NotYours, Visit, acting, go, looking

#: So many of the latest discussions are offered to choose from.
OFFERED = 10
#: A discussion or a post as somebody names it: its number, or the address of its page.
_NAMED = re.compile(r"(?:(?:.*/)?(threads|posts)/)?(\d{1,9})(?:\?[^#]*)?(?:#post-(\d{1,9}))?/?")


def joining(request: Request) -> Response:
    """The form that joins a discussion to another."""
    with looking(request) as visit:
        return _join_page(visit, _thread(visit), Form())


def join(request: Request) -> Response:
    """Join a discussion to the one that was chosen."""
    with acting(request) as visit:
        found, form = _thread(visit), visit.form
        named = form.get("other") or form.get("into")
        field = "other" if form.get("other") else "into"
        into = _thread_named(visit, named)
        if into is None:
            form.fault(field, "Choose a discussion, or enter the address of its page")
            return _join_page(visit, found, form)
        done = _tried(form, field, lambda: editing.merge(visit.session, visit.viewer, found, into))
        return go(f"/threads/{into.id}", "joined") if done else _join_page(visit, found, form)


def placing(request: Request) -> Response:
    """The forms that split a discussion at a post, or move the post."""
    with looking(request) as visit:
        return _place_page(visit, _post(visit), Form())


def split(request: Request) -> Response:
    """Make a post and its answers a discussion of their own."""
    with acting(request) as visit:
        found, form = _post(visit), visit.form
        title = form.line("title", "The title")
        done = bool(form) and _tried(
            form, "title", lambda: editing.split(visit.session, visit.viewer, found, title)
        )
        return _moved(visit, found, "split") if done else _place_page(visit, found, form)


def move(request: Request) -> Response:
    """Put a post and its answers below another post, or into another discussion."""
    with acting(request) as visit:
        found, form = _post(visit), visit.form
        below = _named(visit, form.get("below"))
        if below is None:
            form.fault("below", "Enter the address of a post or a discussion of this list")
            return _place_page(visit, found, form)
        done = _tried(
            form, "below", lambda: editing.move(visit.session, visit.viewer, found, below)
        )
        return _moved(visit, found, "moved") if done else _place_page(visit, found, form)


def undo(request: Request) -> Response:
    """Take a change back."""
    with acting(request) as visit:
        visit.member()
        edit = visit.session.get(Edit, visit.number("id"))
        if edit is None or not access.may_read_list(visit.session, visit.viewer, edit.list_id):
            raise NotThere
        form = Form()
        if not _tried(form, "undo", lambda: editing.undo(visit.session, visit.viewer, edit)):
            return visit.page(
                "trouble.html", status=422, title="This cannot be undone now",
                words=list(form.faults.values()),
            )  # fmt: skip
        return go(f"/threads/{edit.was_in}", "undone")


def _tried(form: Form, field: str, act: Callable[[], object]) -> bool:
    """Whether the archive let it be; if not, the form says why."""
    try:
        act()
    except NotAllowed:
        raise NotYours from None
    except NotPossible as why:
        form.fault(field, str(why).rstrip("."))
        return False
    return True


def _moved(visit: Visit, found: Post, said: str) -> Response:
    visit.session.refresh(found)
    return go(f"/threads/{found.thread_id}", said)


def _thread(visit: Visit) -> Thread:
    visit.member()
    found = reading.thread(visit.session, visit.number("id"))
    if found is None or not access.may_read_list(visit.session, visit.viewer, found.list_id):
        raise NotThere
    _moderates(visit, found.list_id)
    return found


def _post(visit: Visit) -> Post:
    visit.member()
    found = visit.session.get(Post, visit.number("id"))
    if found is None or not access.may_read_post(visit.session, visit.viewer, found):
        raise NotThere
    _moderates(visit, found.list_id)
    return found


def _moderates(visit: Visit, list_id: int) -> None:
    if not access.may_moderate(visit.session, visit.viewer, list_id):
        raise NotYours


def _thread_named(visit: Visit, said: str) -> Thread | None:
    found = _named(visit, said)
    return found.thread if isinstance(found, Post) else found


def _named(visit: Visit, said: str) -> Post | Thread | None:
    """The post or the discussion that a number or an address names, if the visitor may see it."""
    match = _NAMED.fullmatch(said.strip())
    if match is None:
        return None
    kind, number, post = match.groups()
    if kind == "posts" or post:
        found = visit.session.get(Post, int(post or number))
        readable = found is not None and access.may_read_post(visit.session, visit.viewer, found)
        return found if readable else None
    thread = reading.thread(visit.session, int(number))
    if thread is None or not access.may_read_list(visit.session, visit.viewer, thread.list_id):
        return None
    return thread


def _join_page(visit: Visit, found: Thread, form: Form) -> Response:
    recent = reading.threads_of(visit.session, found.list_id, size=OFFERED + 1)
    offered = {str(one.id): pages.title_of(one) for one in recent if one.id != found.id}
    return visit.page(
        "forum/join.html", status=200 if form else 422, form=form, thread=found,
        title=pages.title_of(found), offered=offered,
    )  # fmt: skip


def _place_page(visit: Visit, found: Post, form: Form) -> Response:
    list_ = visit.session.get_one(MailingList, found.list_id)
    return visit.page(
        "forum/place.html", status=200 if form else 422, form=form, post=found, list=list_,
        thread=found.thread, title=pages.title_of(found.thread),
    )  # fmt: skip


ROUTES = [
    Route("/threads/{id:int}/join", joining),
    Route("/threads/{id:int}/join", join, methods=["POST"]),
    Route("/posts/{id:int}/place", placing),
    Route("/posts/{id:int}/split", split, methods=["POST"]),
    Route("/posts/{id:int}/move", move, methods=["POST"]),
    Route("/edits/{id:int}/undo", undo, methods=["POST"]),
]

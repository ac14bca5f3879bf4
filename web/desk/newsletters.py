"""Writing a newsletter: draft, look at it as its readers will, check every copy, send."""

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import settings
from mailer.ledger import WrongState
from mailer.models import Mailing, MailingState
from mailings import approval
from mailings.approval import NotReady
from subscribers import lists
from web.desk.mailings import mailing_of
from web.forms import Form
from web.letters import framed
from web.visits import NotThere, Visit, acting, go, looking


def new(request: Request) -> Response:
    """An empty form."""
    with looking(request) as visit:
        visit.coordinator()
        return _form(visit, Form({"list": visit.asked("list")}), None)


def create(request: Request) -> Response:
    """Keep what was written as a draft."""
    with acting(request) as visit:
        by, filled = visit.coordinator(), visit.form
        list_ = lists.by_name(visit.session, filled.get("list"))
        if list_ is None:
            filled.fault("list", "Select who gets the newsletter")
        subject, body = _texts(filled)
        if not filled or list_ is None:
            return _form(visit, filled, None)
        made = approval.draft_newsletter(visit.session, list_, subject, body, by)
        return go(f"/desk/mailings/{made.id}", "drafted")


def edit(request: Request) -> Response:
    """The form with what was written before."""
    with looking(request) as visit:
        draft = _draft(visit)
        return _form(visit, Form({"subject": draft.subject, "body": draft.source}), draft)


def save(request: Request) -> Response:
    """Write a draft anew."""
    with acting(request) as visit:
        draft, filled = _draft(visit), visit.form
        subject, body = _texts(filled)
        if not filled:
            return _form(visit, filled, draft)
        approval.edit(visit.session, draft.id, subject, body)
        return go(f"/desk/mailings/{draft.id}", "drafted")


def _texts(filled: Form) -> tuple[str, str]:
    subject = filled.line("subject", "The subject", needed="Enter a subject")
    return subject, filled.text("body", "The text", needed="Write the newsletter")


def _form(visit: Visit, filled: Form, draft: Mailing | None) -> Response:
    everything = lists.all_lists(visit.session)
    return visit.page("desk/newsletter.html", status=200 if filled else 422, form=filled,
                      lists=everything, draft=draft)  # fmt: skip


def _draft(visit: Visit) -> Mailing:
    mailing = mailing_of(visit)
    if mailing.kind != "newsletter" or mailing.state != MailingState.DRAFT:
        raise NotThere
    return mailing


def preview(request: Request) -> Response:
    """The newsletter as its first reader would get it, by itself, to be framed."""
    with looking(request) as visit:
        draft = _draft(visit)
        try:
            return framed(approval.preview(visit.session, draft.id).html)
        except NotReady as why:
            raise NotThere from why


def check(request: Request) -> Response:
    """Every copy is made and checked; then the button that sends."""
    with looking(request) as visit:
        return _check(visit, _draft(visit), Form())


def _check(visit: Visit, draft: Mailing, filled: Form) -> Response:
    problems = approval.preflight(visit.session, draft.id)
    count = 0 if problems else approval.preview(visit.session, draft.id).recipients
    return visit.page("desk/check.html", status=200 if filled else 422, mailing=draft, form=filled,
                      problems=problems, count=count,
                      undo=round(settings.current().undo_seconds))  # fmt: skip


def send(request: Request) -> Response:
    """Approve the newsletter, now or for a time, if nothing is wrong with any copy."""
    with acting(request) as visit:
        by, mailing, filled = visit.coordinator(), mailing_of(visit), visit.form
        if mailing.state != MailingState.DRAFT:
            return go(f"/desk/mailings/{mailing.id}")
        at = _time_of_sending(filled)
        if not filled or approval.preflight(visit.session, mailing.id):
            return _check(visit, mailing, filled)
        try:
            approval.approve(visit.session, mailing.id, by, at)
        except NotReady as why:
            filled.fault("day", str(why).rstrip("."))
            return _check(visit, mailing, filled)
        except WrongState:
            return go(f"/desk/mailings/{mailing.id}")
        return go(f"/desk/mailings/{mailing.id}", "approved")


def _time_of_sending(filled: Form) -> dt.datetime | None:
    if filled.get("when", "now") != "later":
        return None
    day, time = filled.day("day", "the date of sending"), filled.time("time", "the time")
    if day is None or time is None:
        return None
    try:
        return approval.instant_of(dt.datetime.combine(day, time), settings.current().zone)
    except NotReady as why:
        filled.fault("day", str(why).rstrip("."))
        return None


ROUTES = [
    Route("/desk/newsletters/new", new, methods=["GET"]),
    Route("/desk/newsletters/new", create, methods=["POST"]),
    Route("/desk/mailings/{id:int}/edit", edit, methods=["GET"]),
    Route("/desk/mailings/{id:int}/edit", save, methods=["POST"]),
    Route("/desk/mailings/{id:int}/preview", preview),
    Route("/desk/mailings/{id:int}/check", check, methods=["GET"]),
    Route("/desk/mailings/{id:int}/send", send, methods=["POST"]),
]

"""Meetings for members: what is to come, what was, and whether one is coming."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from archive import access
from core import clock
from mailings import wording
from meetings import agenda, contributions, rsvp
from meetings.contributions import Part
from meetings.models import Meeting, MeetingState
from subscribers.models import MailingList
from web.forms import Form
from web.public.rsvp import CHOICES, record
from web.visits import NotThere, Visit, acting, go, looking


def index(request: Request) -> Response:
    """The meetings of all lists that the member may read: the next first, then the past ones."""
    with looking(request) as visit:
        visit.member()
        mine = access.visible_lists(visit.session, visit.viewer)
        now = clock.now()
        ahead = [each for one in mine for each in agenda.coming(visit.session, one.id, now)]
        past = [each for one in mine for each in agenda.past(visit.session, one.id)]
        ahead.sort(key=lambda each: (each.starts_at, each.id))
        past.sort(key=lambda each: (each.starts_at, each.id), reverse=True)
        return visit.page("forum/meetings.html", ahead=ahead, past=past,
                          lists={each.id: each for each in mine})  # fmt: skip


def page(request: Request) -> Response:
    """One meeting: when, where, about what, who speaks, the summary, and the member's answer."""
    with looking(request) as visit:
        return _show(visit, _readable(visit), Form())


def answer(request: Request) -> Response:
    """Note whether the member is coming."""
    with acting(request) as visit:
        meeting, filled = _readable(visit), visit.form
        said = filled.choice("answer", CHOICES, "Select whether you are coming")
        if not filled:
            return _show(visit, meeting, filled)
        record(visit, meeting, visit.member(), said)
        return go(f"/meetings/{meeting.id}", "answered")


def _readable(visit: Visit) -> Meeting:
    """The meeting, if the member may know of it: plans are for coordinators."""
    visit.member()
    meeting = visit.session.get(Meeting, visit.number("id"))
    if meeting is None or not access.may_read_list(visit.session, visit.viewer, meeting.list_id):
        raise NotThere
    planned = meeting.state == MeetingState.PLANNED and not meeting.summary
    if planned and not visit.visitor.coordinates:
        raise NotThere
    return meeting


def _show(visit: Visit, meeting: Meeting, filled: Form) -> Response:
    before = rsvp.of(visit.session, meeting.id, visit.member())
    return visit.page(
        "forum/meeting.html", status=200 if filled else 422, meeting=meeting, form=filled,
        list=visit.session.get_one(MailingList, meeting.list_id), choices=CHOICES,
        chosen=before.answer if before else "", before=before.answer if before else "",
        open=rsvp.open_to_answers(meeting), coming=rsvp.coming(visit.session, meeting.id),
        speakers=contributions.of_meeting(visit.session, meeting.id, Part.SPEAKER),
        updates=contributions.of_meeting(visit.session, meeting.id, Part.UPDATE),
        summary=wording.written(meeting.summary)["html"] if meeting.summary else "",
    )  # fmt: skip


ROUTES = [
    Route("/meetings", index),
    Route("/meetings/{id:int}", page, methods=["GET"]),
    Route("/meetings/{id:int}/answer", answer, methods=["POST"]),
]

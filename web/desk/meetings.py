"""Meetings at the desk: plan, announce, change, cancel; speakers, updates, who comes, summary."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TypedDict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock, settings
from core.clock import AmbiguousTime, NoSuchTime
from meetings import agenda, changes, contributions, minutes, rsvp
from meetings.changes import BadMeeting
from meetings.contributions import BadContribution, Part
from meetings.minutes import CannotPublish
from meetings.models import Contribution, Meeting, MeetingState
from subscribers import lists
from subscribers.models import MailingList
from web.forms import Form
from web.visits import NotThere, Visit, acting, go, looking


class Texts(TypedDict):
    """The texts of a meeting, by the names of its fields."""

    title: str
    theme: str
    description: str
    place: str
    join_link: str


def index(request: Request) -> Response:
    """All meetings: planned, announced and past."""
    with looking(request) as visit:
        visit.coordinator()
        everything = lists.all_lists(visit.session)
        now = clock.now()
        ahead = [each for one in everything
                 for each in agenda.coming(visit.session, one.id, now, planned=True)]  # fmt: skip
        past = [each for one in everything for each in agenda.past(visit.session, one.id)]
        return visit.page(
            "desk/meetings.html", lists={each.id: each for each in everything},
            ahead=sorted(ahead, key=lambda each: each.starts_at),
            past=sorted(past, key=lambda each: each.starts_at, reverse=True),
        )  # fmt: skip


def new(request: Request) -> Response:
    """An empty form."""
    with looking(request) as visit:
        visit.coordinator()
        return _form(visit, Form({"place": "Microsoft Teams", "start": "10:00", "end": "11:30"}))


def create(request: Request) -> Response:
    """Plan a meeting; nobody is told yet."""
    with acting(request) as visit:
        by, filled = visit.coordinator(), visit.form
        list_ = lists.by_name(visit.session, filled.get("list"))
        if list_ is None:
            filled.fault("list", "Select whose meeting it is")
        texts, times = _texts(filled), _times(filled)
        if not filled or list_ is None or times is None:
            return _form(visit, filled)
        try:
            made = changes.create(visit.session, list_, starts=times[0], ends=times[1], by=by,
                                  **texts)  # fmt: skip
        except (BadMeeting, NoSuchTime, AmbiguousTime) as why:
            filled.fault(_field_of(why), str(why).rstrip("."))
            return _form(visit, filled)
        return go(f"/desk/meetings/{made.id}", "meeting-saved")


def _texts(filled: Form) -> Texts:
    return Texts(
        title=filled.line("title", "The title", needed="Enter a title"),
        theme=filled.line("theme", "The theme"),
        description=filled.text("description", "The description"),
        place=filled.line("place", "The place"),
        join_link=filled.line("join_link", "The link to join", longest=2000),
    )


def _times(filled: Form) -> tuple[dt.datetime, dt.datetime] | None:
    day = filled.day("day", "the date of the meeting")
    start, end = filled.time("start", "the start time"), filled.time("end", "the end time")
    if day is None or start is None or end is None:
        return None
    return dt.datetime.combine(day, start), dt.datetime.combine(day, end)


def _field_of(why: Exception) -> str:
    if isinstance(why, NoSuchTime | AmbiguousTime):
        return "start"
    words = str(why)
    known = {"link": "join_link", "ends": "end", "over": "day", "theme": "theme", "place": "place"}
    return next((field for word, field in known.items() if word in words), "title")


def _form(visit: Visit, filled: Form, meeting: Meeting | None = None) -> Response:
    return visit.page("desk/meeting_form.html", status=200 if filled else 422, form=filled,
                      lists=lists.all_lists(visit.session), meeting=meeting,
                      zone=settings.current().zone)  # fmt: skip


def edit(request: Request) -> Response:
    """The form with what stands now."""
    with looking(request) as visit:
        meeting = _meeting(visit)
        starts, ends = changes.wall_times(meeting)
        values: Mapping[str, str] = {
            "title": meeting.title, "theme": meeting.theme, "description": meeting.description,
            "place": meeting.place, "join_link": meeting.join_link, "day-day": str(starts.day),
            "day-month": str(starts.month), "day-year": str(starts.year),
            "start": f"{starts:%H:%M}", "end": f"{ends:%H:%M}",
        }  # fmt: skip
        return _form(visit, Form(values), meeting)


def save(request: Request) -> Response:
    """Change a meeting; if that matters, everybody gets a new invitation."""
    with acting(request) as visit:
        by, meeting, filled = visit.coordinator(), _meeting(visit), visit.form
        texts, times = _texts(filled), _times(filled)
        if not filled or times is None:
            return _form(visit, filled, meeting)
        try:
            with visit.session.begin_nested():
                changes.change(visit.session, meeting.id, starts=times[0], ends=times[1], by=by,
                               **texts)  # fmt: skip
        except (BadMeeting, NoSuchTime, AmbiguousTime) as why:
            filled.fault(_field_of(why), str(why).rstrip("."))
            return _form(visit, filled, meeting)
        return go(f"/desk/meetings/{meeting.id}", "meeting-saved")


def page(request: Request) -> Response:
    """One meeting with all that can be done about it."""
    with looking(request) as visit:
        return _show(visit, _meeting(visit), Form())


def _meeting(visit: Visit) -> Meeting:
    visit.coordinator()
    meeting = visit.session.get(Meeting, visit.number("id"))
    if meeting is None:
        raise NotThere
    return meeting


def _show(visit: Visit, meeting: Meeting, filled: Form) -> Response:
    now = clock.now()
    return visit.page(
        "desk/meeting.html", status=200 if filled else 422, meeting=meeting, form=filled,
        list=visit.session.get_one(MailingList, meeting.list_id),
        coming=rsvp.coming(visit.session, meeting.id),
        speakers=contributions.of_meeting(visit.session, meeting.id, Part.SPEAKER),
        updates=contributions.of_meeting(visit.session, meeting.id, Part.UPDATE),
        begun=meeting.starts_at <= now, over=meeting.ends_at <= now,
        cancelled=meeting.state == MeetingState.CANCELLED,
        announced=meeting.state == MeetingState.ANNOUNCED,
        summary=Form({"summary": filled.values.get("summary", meeting.summary)}, filled.faults),
    )  # fmt: skip


def _step(act: Callable[[Visit, Meeting], object], said: str) -> Callable[[Request], Response]:
    """A button on the meeting's page; what is wrong is said there."""

    def turn(request: Request) -> Response:
        with acting(request) as visit:
            meeting = _meeting(visit)
            try:
                act(visit, meeting)
            except (BadMeeting, BadContribution, CannotPublish) as why:
                filled = visit.form
                filled.fault(filled.get("field", "state"), str(why).rstrip("."))
                return _show(visit, meeting, filled)
            return go(f"/desk/meetings/{meeting.id}", said)

    turn.__name__ = said.replace("-", "_")
    return turn


def _announce(visit: Visit, meeting: Meeting) -> None:
    changes.announce(visit.session, meeting.id)


def _cancel(visit: Visit, meeting: Meeting) -> None:
    changes.cancel(visit.session, meeting.id, visit.coordinator())


def _add(visit: Visit, meeting: Meeting) -> None:
    filled = visit.form
    who, organisation = filled.get("who"), filled.get("organisation")
    words = filled.text("words", "The text")
    if filled.get("kind") == Part.UPDATE:
        contributions.add_update(visit.session, meeting.list_id, who, organisation=organisation,
                                 words=words, meeting_id=meeting.id)  # fmt: skip
    else:
        contributions.add_speaker(visit.session, meeting.id, who, organisation=organisation,
                                  words=words)  # fmt: skip


def _remove(visit: Visit, meeting: Meeting) -> None:
    number = visit.form.get("contribution")
    found = visit.session.get(Contribution, int(number)) if number.isdecimal() else None
    if found is not None and found.meeting_id == meeting.id:
        contributions.remove(visit.session, found.id)


def _publish(visit: Visit, meeting: Meeting) -> None:
    minutes.publish_summary(visit.session, meeting.id, visit.form.text("summary", "The summary"))


ROUTES = [
    Route("/desk/meetings", index),
    Route("/desk/meetings/new", new, methods=["GET"]),
    Route("/desk/meetings/new", create, methods=["POST"]),
    Route("/desk/meetings/{id:int}", page),
    Route("/desk/meetings/{id:int}/edit", edit, methods=["GET"]),
    Route("/desk/meetings/{id:int}/edit", save, methods=["POST"]),
    Route("/desk/meetings/{id:int}/announce", _step(_announce, "announced"), methods=["POST"]),
    Route("/desk/meetings/{id:int}/cancel", _step(_cancel, "meeting-cancelled"), methods=["POST"]),
    Route("/desk/meetings/{id:int}/parts", _step(_add, "added"), methods=["POST"]),
    Route("/desk/meetings/{id:int}/parts/remove", _step(_remove, "removed"), methods=["POST"]),
    Route("/desk/meetings/{id:int}/summary", _step(_publish, "published"), methods=["POST"]),
]

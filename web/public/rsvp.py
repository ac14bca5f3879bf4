"""Answering an invitation by the mailed link, without signing in."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock, tokens
from core.tokens import BadToken, Purpose
from meetings import rsvp
from meetings.models import Answer, Meeting
from subscribers.models import MailingList, Person
from web.forms import Form
from web.visits import NotThere, Visit, acting, looking

CHOICES = {
    Answer.YES: "Yes, I am coming",
    Answer.MAYBE: "Maybe",
    Answer.NO: "No, I am not coming",
}


def page(request: Request) -> Response:
    """The meeting and three choices; opening the page does nothing."""
    with looking(request) as visit:
        person, meeting = _invited(visit)
        return _show(visit, person, meeting, Form())


def answer(request: Request) -> Response:
    """Note what the person says."""
    with acting(request) as visit:
        person, meeting = _invited(visit)
        filled = visit.form
        said = filled.choice("answer", CHOICES, "Select whether you are coming")
        if not filled:
            return _show(visit, person, meeting, filled)
        record(visit, meeting, person.id, said)
        return _show(visit, person, meeting, filled, answered=True)


def record(visit: Visit, meeting: Meeting, person_id: int, said: str) -> None:
    """Enter an answer given on a page; a meeting that is over or cancelled takes none."""
    rsvp.answer(
        visit.session, meeting.id, person_id, Answer(said), sequence=meeting.sequence,
        stamp=clock.now(), source="page",
    )  # fmt: skip


def _invited(visit: Visit) -> tuple[Person, Meeting]:
    try:
        ids = tokens.read(visit.text("token"), Purpose.RSVP).ids
    except BadToken:
        raise NotThere from None
    person = visit.session.get(Person, ids[0]) if len(ids) == 2 else None
    meeting = visit.session.get(Meeting, ids[1]) if person else None
    if person is None or meeting is None:
        raise NotThere
    return person, meeting


def _show(
    visit: Visit, person: Person, meeting: Meeting, filled: Form, *, answered: bool = False
) -> Response:
    before = rsvp.of(visit.session, meeting.id, person.id)
    proposed = visit.asked("answer")
    return visit.page(
        "public/rsvp.html", status=200 if filled else 422, person=person, meeting=meeting,
        list=visit.session.get_one(MailingList, meeting.list_id), form=filled, choices=CHOICES,
        before=before.answer if before else "", answered=answered and before is not None,
        chosen=(before.answer if before else proposed if proposed in CHOICES else ""),
        open=rsvp.open_to_answers(meeting),
    )  # fmt: skip


ROUTES = [
    Route("/rsvp/{token}", page, methods=["GET"]),
    Route("/rsvp/{token}", answer, methods=["POST"]),
]

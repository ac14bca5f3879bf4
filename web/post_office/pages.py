"""The post office for trying out: read the mail of everybody who got some, and answer it."""

import smtplib
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clock, settings
from message.headers import BadHeader
from web.forms import Form
from web.guards import FRAMING_POLICY
from web.letters import framed
from web.post_office import caught, replies
from web.post_office.caught import Invitation, Letter
from web.public.rsvp import CHOICES
from web.visits import NotThere, Visit, go, looking

MOST = 100
SHOWN_FIELDS = ("From", "To", "Cc", "Reply-To", "Subject", "Date")


def index(request: Request) -> Response:
    """All caught letters, the newest first, or those for one recipient."""
    with looking(request) as visit:
        _only_when_trying_out()
        recipient, keys = visit.asked("to"), caught.keys()
        return visit.page("post_office/index.html", recipient=recipient,
                          letters=caught.letters(keys, recipient, MOST), most=MOST,
                          recipients=caught.recipients(keys))  # fmt: skip


def page(request: Request) -> Response:
    """One letter as its receiver sees it, with what they can do about it."""
    with looking(request) as visit:
        letter = _letter(visit)
        filled = Form({"subject": replies.subject_of(letter),
                       "text": f"\n\n{replies.quoted(letter)}"})  # fmt: skip
        return _show(visit, letter, filled)


def _show(visit: Visit, letter: Letter, filled: Form) -> Response:
    answer = visit.page(
        "post_office/letter.html", status=200 if filled else 422, letter=letter,
        message=letter.message, form=filled, choices=CHOICES,
        fields=[(name, letter.message.get(name)) for name in SHOWN_FIELDS
                if letter.message.get(name)],
        invitation=letter.invitation, when=_when(letter.invitation),
    )  # fmt: skip
    answer.headers["Content-Security-Policy"] = FRAMING_POLICY
    return answer


def _when(invitation: Invitation | None) -> str:
    """When the meeting is; invitations of ours are in UTC."""
    if invitation is None:
        return ""
    starts, ends = (caught.instant(invitation.fields.get(name)) for name in ("DTSTART", "DTEND"))
    if starts is None or ends is None:
        return invitation.text("DTSTART")
    return clock.spoken_span(starts, ends, settings.current().zone)


def _letter(visit: Visit) -> Letter:
    _only_when_trying_out()
    found = caught.letter(visit.text("key"))
    if found is None:
        raise NotThere
    return found


def _only_when_trying_out() -> None:
    if not settings.current().post_office:
        raise NotThere


def html(request: Request) -> Response:
    """The HTML of a letter by itself, to be framed."""
    with looking(request) as visit:
        letter = _letter(visit)
        if letter.message.html is None:
            raise NotThere
        return framed(letter.message.html)


def reply(request: Request) -> Response:
    """Send what the receiver writes."""

    def written(letter: Letter, filled: Form) -> tuple[str, bytes] | None:
        text = filled.text("text", "The reply", needed="Write a reply")
        subject = filled.line("subject", "The subject", longest=900)
        to = letter.answers_to
        if to is None:
            filled.fault("text", "This letter has no address to reply to")
        if not filled or to is None:
            return None
        return to.address, replies.in_words(letter, f"{text}\n", subject)

    return _send(request, written)


def rsvp(request: Request) -> Response:
    """Press a button of the receiver's calendar."""

    def pressed(letter: Letter, filled: Form) -> tuple[str, bytes] | None:
        said = filled.choice("answer", CHOICES, "Select whether you are coming")
        invitation = letter.invitation
        if not filled or invitation is None or not invitation.organizer:
            return None
        return invitation.organizer, replies.by_calendar(letter, invitation, said)

    return _send(request, pressed)


def _send(request: Request, make: Callable[[Letter, Form], tuple[str, bytes] | None]) -> Response:
    """Make a reply and hand it to the post office; no transaction is open while that happens."""
    _only_when_trying_out()
    letter = caught.letter(str(request.path_params["key"]))
    if letter is None:
        raise NotThere
    filled = Form(request.state.fields)
    try:
        made = make(letter, filled)
        if made is not None:
            replies.send(letter.recipient, made[0], made[1])
            return go(f"/post-office/{letter.key}", "replied")
    except BadHeader as why:
        filled.fault("subject", f"The reply cannot be written: {why}")
    except (OSError, smtplib.SMTPException):
        filled.fault("text", "The post office does not answer: is `folkmoot up` running?")
    with looking(request) as visit:
        return _show(visit, letter, filled)


ROUTES = [
    Route("/post-office", index),
    Route("/post-office/{key}", page, methods=["GET"]),
    Route("/post-office/{key}/html", html),
    Route("/post-office/{key}/reply", reply, methods=["POST"]),
    Route("/post-office/{key}/rsvp", rsvp, methods=["POST"]),
]

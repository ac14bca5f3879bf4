"""What became of a mailing: its totals, every copy with the server's words, and the brakes."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import settings
from mailer import forecast, ledger
from mailer.ledger import WrongState
from mailer.models import Delivery, Mailing, MailingState, State, Trouble
from mailings import approval
from mailings.approval import NotReady, Preview
from subscribers.models import Person
from web.desk.dashboard import line_of
from web.guards import FRAMING_POLICY
from web.visits import NotThere, Visit, acting, go, looking

PAGE = 50
STATE_WORDS = {
    State.PLANNED: "Waiting",
    State.ATTEMPTING: "Being sent",
    State.DEFERRED: "To be tried again",
    State.ACCEPTED: "Taken by their mail server",
    State.REFUSED: "Refused",
    State.EXCLUDED: "Left out",
    State.IN_DOUBT: "In doubt",
}
MAILING_WORDS = {
    MailingState.DRAFT: "Draft",
    MailingState.APPROVED: "Approved",
    MailingState.SENDING: "Being sent",
    MailingState.PAUSED: "Paused",
    MailingState.CANCELLED: "Cancelled",
    MailingState.FINISHED: "Finished",
}


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy, and whose it is."""

    delivery: Delivery
    name: str
    state: str


def mailing_of(visit: Visit) -> Mailing:
    """The mailing of the path, for coordinators only."""
    visit.coordinator()
    found = visit.session.get(Mailing, visit.number("id"))
    if found is None:
        raise NotThere
    return found


def page(request: Request) -> Response:
    """A draft as its readers would get it, or what became of every copy."""
    with looking(request) as visit:
        mailing = mailing_of(visit)
        if mailing.state == MailingState.DRAFT and mailing.kind == "newsletter":
            return _draft_page(visit, mailing)
        return _progress(visit, mailing)


def _draft_page(visit: Visit, mailing: Mailing) -> Response:
    preview: Preview | None = None
    trouble = ""
    try:
        preview = approval.preview(visit.session, mailing.id)
    except NotReady as why:
        trouble = str(why)
    line = line_of(visit.session, mailing)
    if mailing.trouble:
        trouble = trouble or approval.TROUBLES[Trouble(mailing.trouble)]
    answer = visit.page("desk/draft.html", line=line, preview=preview, trouble=trouble)
    answer.headers["Content-Security-Policy"] = FRAMING_POLICY
    return answer


def _progress(visit: Visit, mailing: Mailing) -> Response:
    looked_for, state, number = visit.asked("q"), visit.asked("state"), visit.page_number()
    chosen = state if state in STATE_WORDS else ""
    found, count = _copies(visit.session, mailing.id, looked_for, chosen, number)
    return visit.page(
        "desk/mailing.html", line=line_of(visit.session, mailing), copies=found, count=count,
        query=looked_for, state=chosen, states=STATE_WORDS, number=number,
        pages=max(1, -(-count // PAGE)), standing=MAILING_WORDS.get(MailingState(mailing.state)),
        trouble=approval.TROUBLES[Trouble(mailing.trouble)] if mailing.trouble else "",
        reasons=ledger.reasons(visit.session, mailing.id), said_of_time=_said_of_time(mailing),
        done_by=forecast.done_by(visit.session, mailing),
    )  # fmt: skip


def _said_of_time(mailing: Mailing) -> str:
    if mailing.state != MailingState.APPROVED or mailing.not_before is None:
        return ""
    return approval.said_of_time(mailing.not_before, settings.current().zone)


def _copies(
    session: Session, mailing_id: int, looked_for: str, state: str, number: int
) -> tuple[list[Copy], int]:
    which: list[ColumnElement[bool]] = [Delivery.mailing_id == mailing_id]
    if state:
        which.append(Delivery.state == state)
    if looked_for:
        which.append(
            or_(
                Delivery.address.icontains(looked_for, autoescape=True),
                Person.name.icontains(looked_for, autoescape=True),
            )
        )
    joined = select(Delivery, Person.name).outerjoin(Person, Person.id == Delivery.person_id)
    counted = select(func.count(Delivery.id)).outerjoin(Person, Person.id == Delivery.person_id)
    rows = session.execute(
        joined.where(*which).order_by(Delivery.id).limit(PAGE).offset((number - 1) * PAGE)
    )
    copies = [
        Copy(delivery, name or "", STATE_WORDS.get(State(delivery.state), delivery.state))
        for delivery, name in rows
    ]
    return copies, session.scalar(counted.where(*which)) or 0


def _brake(act: Callable[[Session, int], Mailing], said: str) -> Callable[[Request], Response]:
    def turn(request: Request) -> Response:
        with acting(request) as visit:
            mailing = mailing_of(visit)
            try:
                act(visit.session, mailing.id)
            except WrongState as why:
                return visit.page("trouble.html", status=409, title="This cannot be done now",
                                  words=[str(why)])  # fmt: skip
            return go(f"/desk/mailings/{mailing.id}", said)

    turn.__name__ = said
    return turn


ROUTES = [
    Route("/desk/mailings/{id:int}", page),
    Route("/desk/mailings/{id:int}/pause", _brake(ledger.pause, "paused"), methods=["POST"]),
    Route("/desk/mailings/{id:int}/resume", _brake(ledger.resume, "resumed"), methods=["POST"]),
    Route("/desk/mailings/{id:int}/cancel", _brake(ledger.cancel, "cancelled"), methods=["POST"]),
]

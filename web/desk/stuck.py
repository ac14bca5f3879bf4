"""What is stuck: mail that nobody understood, and reactions that failed again and again."""

from dataclasses import dataclass

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import outbox
from core.outbox import EventRow, Receipt
from mailer import inbox, trial
from mailer.models import Incoming
from message.parse import Message, parse
from web.forum.threads import download
from web.visits import NotThere, Visit, acting, go, looking

MOST = 100


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is stuck, and what can be said of it."""

    incoming: Incoming
    sender: str
    subject: str


def index(request: Request) -> Response:
    """Stuck mail and stuck reactions, the newest first."""
    with looking(request) as visit:
        visit.coordinator()
        newest = select(Incoming).where(Incoming.state == "stuck").order_by(Incoming.id.desc())
        letters = [_letter(each) for each in visit.session.scalars(newest.limit(MOST))]
        receipts = visit.session.execute(
            select(Receipt, EventRow)
            .join(EventRow, EventRow.id == Receipt.event_id)
            .where(Receipt.state == "stuck")
            .order_by(Receipt.id.desc())
            .limit(MOST)
        ).all()
        return visit.page("desk/stuck.html", letters=letters, receipts=receipts)


def _letter(incoming: Incoming) -> Letter:
    if _unread(incoming):
        return Letter(incoming, "(not read)", "(not read)")
    message = parse(inbox.raw_of(incoming))
    return Letter(incoming, _sender(message), message.subject or "(no subject)")


def _unread(incoming: Incoming) -> bool:
    """Whether nobody should read it here: it failed its trial."""
    return trial.NOT_READ in (incoming.why or "")


def _sender(message: Message) -> str:
    return message.from_.address if message.from_ else "(nobody)"


def letter(request: Request) -> Response:
    """One stuck message: its head and its text."""
    with looking(request) as visit:
        incoming = _incoming(visit)
        if _unread(incoming):
            return raw(request)
        message = parse(inbox.raw_of(incoming))
        return visit.page(
            "desk/stuck_letter.html", incoming=incoming, text=message.text,
            sender=_sender(message), to=", ".join(box.address for box in message.to),
            subject=message.subject or "(no subject)", date=message.date,
        )  # fmt: skip


def raw(request: Request) -> Response:
    """One stuck message exactly as it came, to be saved."""
    with looking(request) as visit:
        incoming = _incoming(visit)
        return download(inbox.raw_of(incoming), f"message-{incoming.id}.eml")


def _incoming(visit: Visit) -> Incoming:
    visit.coordinator()
    found = visit.session.get(Incoming, visit.number("id"))
    if found is None or found.state != "stuck":
        raise NotThere
    return found


def retry(request: Request) -> Response:
    """Let a stuck reaction try again."""
    with acting(request) as visit:
        visit.coordinator()
        found = visit.session.get(Receipt, visit.number("id"), with_for_update=True)
        if found is not None and found.state == "stuck":
            outbox.retry(visit.session, found.id)
        return go("/desk/stuck", "again")


ROUTES = [
    Route("/desk/stuck", index),
    Route("/desk/stuck/{id:int}", letter),
    Route("/desk/stuck/{id:int}/raw", raw),
    Route("/desk/receipts/{id:int}/retry", retry, methods=["POST"]),
]

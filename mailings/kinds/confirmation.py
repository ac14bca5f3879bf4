"""Confirmation: asks the owner of an address whether they want to join a list."""

from sqlalchemy.orm import Session

from core import addresses, links, tokens
from core.events import JoinRequested
from core.tokens import Purpose
from mailer.models import Mailing
from mailings.kind import Facts, Kind, Occasion
from message.address import Mailbox
from subscribers import audience
from subscribers.audience import Audience, Recipient
from subscribers.models import JoinRequest, RequestState


def occasion(session: Session, event: JoinRequested) -> Occasion | None:
    """Each request is asked about once, while it waits for the answer."""
    request = session.get(JoinRequest, event.join_request)
    if request is None or request.state != RequestState.ASKED:
        return None
    return Occasion(request.id, request.list_id, since=request.asked_at)


def recipients(session: Session, mailing: Mailing) -> Audience:
    """The address that was given, whoever gave it."""
    request = session.get_one(JoinRequest, mailing.about)
    return audience.named([Recipient(None, request.mailbox, "", "")])


def facts(session: Session, mailing: Mailing) -> Facts:
    """Nothing that was typed into the form is repeated: a stranger may have typed it (W4)."""
    request = session.get_one(JoinRequest, mailing.about)
    token = tokens.make(Purpose.CONFIRM, request.id)
    return Facts(
        words={"link": links.confirm(token), "wording": request.wording},
        reply_to=Mailbox(request.list.title, addresses.of(request.list.name, token)),
    )


KIND = Kind(
    name="confirmation", trigger=JoinRequested, occasion=occasion, audience=recipients, facts=facts,
    named=False,
)  # fmt: skip

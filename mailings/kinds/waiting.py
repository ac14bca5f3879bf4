"""Waiting: tells the coordinators that a confirmed sign-up needs their decision."""

from sqlalchemy.orm import Session

from core import links
from core.events import JoinHeld
from mailer.models import Mailing
from mailings.kind import Facts, Kind, Occasion
from message.address import Mailbox, domain_of
from subscribers import audience
from subscribers.audience import Audience
from subscribers.models import JoinRequest, RequestState


def occasion(session: Session, event: JoinHeld) -> Occasion | None:
    """Each sign-up once, as long as nobody has decided."""
    request = session.get(JoinRequest, event.join_request)
    if request is None or request.state != RequestState.HELD:
        return None
    return Occasion(request.id, request.list_id)


def recipients(session: Session, _mailing: Mailing) -> Audience:
    """All coordinators."""
    return audience.coordinators(session)


def facts(session: Session, mailing: Mailing) -> Facts:
    """Who wants to join; an answer to the mail goes to them."""
    request = session.get_one(JoinRequest, mailing.about)
    applicant = {
        "name": request.name or request.mailbox,
        "organisation": request.organisation,
        "address": request.mailbox,
        "domain": domain_of(request.mailbox),
    }
    return Facts(
        words={"applicant": applicant, "desk": links.desk("/sign-ups")},
        reply_to=Mailbox(request.name, request.mailbox),
    )


KIND = Kind(name="waiting", trigger=JoinHeld, occasion=occasion, audience=recipients, facts=facts)

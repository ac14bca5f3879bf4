"""Bounces, refusals and complaints: found in the ledger, and passed on in plain terms.

A report counts only with a token of ours or the Message-ID of a copy that went to that very
recipient (RFC 3464 §4.1): a forged one changes nothing.
"""

import logging
import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import addresses, clock, outbox, tokens
from core.events import (
    AddressRefused,
    AutomaticReplyArrived,
    BounceArrived,
    CopyRefused,
    ReportArrived,
)
from core.tokens import BadToken, Purpose
from mailer import inbox
from mailer.models import Delivery, Incoming, Mailing, MessageAlias
from message import bounces, refusals
from message.address import normal_form
from message.bounces import Bounce, feedback
from message.bounces.found import DELAYED
from message.parse import Message, parse
from message.refusals import Reason, Refusal
from subscribers import leaving, reachability
from subscribers.models import Address

log = logging.getLogger(__name__)

CHALLENGED = "its server asks us to click before it delivers: open it, or ask the person by phone"
#: What may be a token inside links and addresses.
_TOKEN = re.compile(r"[a-z2-7]{20,64}", re.IGNORECASE)


def note_bounce(session: Session, event: BounceArrived) -> None:
    """Mark the copies that a report is about, and tell what it says of their addresses.

    A report about no copy of ours, and a challenge, which only a person can answer, are shown to
    the coordinators; nothing else is done with them.
    """
    incoming = session.get_one(Incoming, event.incoming)
    message = parse(inbox.raw_of(incoming))
    marked, challenged = 0, False
    for bounce in bounces.read(message):
        delivery = _copy(session, incoming, message, bounce.recipient)
        if delivery is None:
            continue
        marked += 1
        if bounce.reason is Reason.CHALLENGE:
            challenged = True
        elif bounce.action == DELAYED:
            _note_delay(delivery, bounce)
        else:
            _mark(session, delivery, bounce)
    if not marked:
        incoming.state, incoming.why = "stuck", "a report about no copy of ours"
    elif challenged:
        incoming.state, incoming.why = "stuck", CHALLENGED


def note_delay(session: Session, event: AutomaticReplyArrived) -> None:
    """Write on the copy that a server still tries (RFC 3464 §2.3.3); nobody is judged by it."""
    incoming = session.get_one(Incoming, event.incoming)
    message = parse(inbox.raw_of(incoming))
    for bounce in bounces.read(message):
        delivery = _copy(session, incoming, message, bounce.recipient)
        if delivery is not None and bounce.action == DELAYED:
            _note_delay(delivery, bounce)


def _note_delay(delivery: Delivery, bounce: Bounce) -> None:
    if delivery.bounced_at is None:
        delivery.bounce = f"{DELAYED} {bounce.status or ''}".strip()[:60]


def _copy(
    session: Session, incoming: Incoming, message: Message, recipient: str
) -> Delivery | None:
    by_token = _delivery_of_token(session, incoming.token)
    if by_token is not None:
        return by_token
    ids = bounces.returned_ids(message)
    mailings = select(Mailing.id).where(Mailing.message_id.in_(ids))
    aliases = select(MessageAlias.mailing_id).where(MessageAlias.message_id.in_(ids))
    found = session.scalars(
        select(Delivery).where(Delivery.mailing_id.in_(mailings) | Delivery.mailing_id.in_(aliases))
    )
    wanted = normal_form(recipient)
    return next((row for row in found if normal_form(row.address) == wanted), None)


def _delivery_of_token(session: Session, token: str | None) -> Delivery | None:
    try:
        (number,) = tokens.read(token or "", Purpose.BOUNCE).ids
    except (BadToken, ValueError):
        return None
    return session.get(Delivery, number)


def _mark(session: Session, delivery: Delivery, bounce: Bounce) -> None:
    if delivery.bounced_at is not None and not bounce.permanent:
        return
    delivery.bounced_at = clock.now()
    delivery.bounce = f"{bounce.reason} {bounce.status or ''}".strip()[:60]
    _tell(session, delivery, Refusal(bounce.permanent, bounce.reason), bounce.diagnostic)
    log.info("copy_bounced", extra={"delivery": delivery.id, "reason": str(bounce.reason)})


def _tell(session: Session, delivery: Delivery, refusal: Refusal, words: str) -> None:
    session.flush()
    address = session.scalars(
        select(Address).where(Address.key == normal_form(delivery.address))
    ).first()
    if address is None:
        return
    kept = reachability.note(session, address, refusal, words, delivery.id)
    if kept is not None:
        told = AddressRefused(address.id, kept.reason, kept.permanent, kept.id)
        outbox.record(session, told, key=f"address-refused:{delivery.id}:{kept.reason}")


def note_refusal(session: Session, event: CopyRefused) -> None:
    """A refusal while sending counts like a bounce."""
    delivery = session.get(Delivery, event.delivery)
    if delivery is None or not delivery.code:
        return
    code = int(delivery.code[:3]) if delivery.code[:3].isdecimal() else None
    judged = refusals.judge(code, delivery.code.partition(" ")[2] or None, delivery.words or "")
    _tell(session, delivery, judged, f"{delivery.code} {delivery.words or ''}")


def note_complaint(session: Session, event: ReportArrived) -> None:
    """Take who complained off the list that they complained about.

    Providers blot the address out (RFC 5965 §3.2), so the copy is known by the tokens in it; and
    without one nobody is taken off, for anybody could write such a report.
    """
    incoming = session.get_one(Incoming, event.incoming)
    who = _complainant(session, incoming, parse(inbox.raw_of(incoming)))
    if who is None:
        incoming.state, incoming.why = "stuck", "a complaint about no copy of ours"
        return
    person_id, list_id = who
    incoming.person_id, incoming.list_id = person_id, list_id
    leaving.leave(session, person_id, list_id, "complaint")


def _complainant(session: Session, incoming: Incoming, message: Message) -> tuple[int, int] | None:
    """The person and the list, told by the bounce token or the leave token of the copy."""
    report = feedback.read_report(message)
    path = addresses.recognise(report.return_path) if report and report.return_path else None
    for token in (incoming.token, path.token if path else None):
        delivery = _delivery_of_token(session, token)
        if delivery is not None and delivery.person_id and delivery.mailing.list_id:
            return delivery.person_id, delivery.mailing.list_id
    copy = bounces.returned_message(message)
    for token in _TOKEN.findall((copy.get("List-Unsubscribe") or "") if copy else ""):
        try:
            person_id, list_id = tokens.read(token, Purpose.LEAVE).ids
        except (BadToken, ValueError):
            continue
        return person_id, list_id
    return None

"""Sorting: what a kept message is, to which of our addresses it came, and whom that concerns."""

import dataclasses
import logging
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import addresses, outbox, tokens
from core.addresses import Ours
from core.events import (
    AutomaticReplyArrived,
    BounceArrived,
    CommandArrived,
    Event,
    MailArrived,
    MailNotUnderstood,
    PostArrived,
    ReportArrived,
    RsvpArrived,
)
from core.tokens import BadToken, Purpose
from mailer import inbox
from mailer.models import Incoming, Mailing
from message.parse import Message, parse
from message.verdict import Kind, Verdict, judge
from subscribers import lists, people

log = logging.getLogger(__name__)

#: Where the servers on the way note for whom a message was, the surest first.
_ENVELOPE_FIELDS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-To")
LOOP = "X-Folkmoot-Loop"
#: RFC 5321 §6.3: a message that has passed so many servers goes in a circle.
MOST_HOPS = 100

#: The page of this room: which verdict is which event.
EVENTS: dict[Kind, type[Event]] = {
    Kind.BOUNCE: BounceArrived,
    Kind.REPORT: ReportArrived,
    Kind.AUTOMATIC: AutomaticReplyArrived,
    Kind.CALENDAR: RsvpArrived,
    Kind.REACTION: AutomaticReplyArrived,
    Kind.COMMAND: CommandArrived,
    Kind.MODERATION: CommandArrived,
    Kind.POST: PostArrived,
}
#: Addresses with such tokens ask for something by being written to.
_ASKING = {Purpose.CONFIRM: "confirm", Purpose.LEAVE: "leave"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What sorting makes of a message; `stuck` ones are for the coordinator."""

    verdict: Verdict
    ours: Ours | None
    command: str | None = None
    stuck: bool = False


def sort(session: Session, event: MailArrived) -> None:
    """Give a kept message its verdict and tell the room concerned; the same twice is as once."""
    incoming = session.get_one(Incoming, event.incoming, with_for_update=True)
    if incoming.state != "kept":
        return
    message = parse(inbox.raw_of(incoming))
    reading = read(message)
    if reading.stuck is False and _is_ours_again(session, message):
        circle = Verdict(reading.verdict.kind, "a message of ours has come back: a loop")
        reading = dataclasses.replace(reading, verdict=circle, stuck=True)
    _note(session, incoming, message, reading)
    kind: type[Event] = MailNotUnderstood if reading.stuck else EVENTS[reading.verdict.kind]
    outbox.record(session, kind(incoming.id), key=f"sorted:{incoming.id}")  # type: ignore[call-arg]
    log.info("mail_sorted", extra={"incoming": incoming.id, "verdict": incoming.verdict})


def read(message: Message) -> Reading:
    """What a message is and to which of our addresses it came; asks nobody."""
    ours = written_to(message)
    command = ours.command if ours else None
    purpose = _purpose(ours)
    if purpose in _ASKING:
        command = _ASKING[purpose]
    verdict = judge(message, command)
    if command is None and verdict.kind is Kind.COMMAND:
        command = verdict.command
    if verdict.kind in (Kind.BOUNCE, Kind.REPORT, Kind.AUTOMATIC):
        return Reading(verdict, ours)
    if message.get(LOOP) is not None and not message.calendars:
        why = Verdict(verdict.kind, "a message of ours has come back: a loop")
        return Reading(why, ours, stuck=True)
    if len(message.get_all("Received")) >= MOST_HOPS:
        return Reading(Verdict(verdict.kind, "it has passed too many servers"), ours, stuck=True)
    if purpose is Purpose.BOUNCE:
        # RFC 3461 §5.2.7.1: what the bounce address cannot understand reaches a person.
        return Reading(
            Verdict(verdict.kind, "a person wrote to a bounce address"), ours, stuck=True
        )
    if ours is None:
        return Reading(Verdict(verdict.kind, "it names no address of ours"), ours, stuck=True)
    return Reading(verdict, ours, command)


def written_to(message: Message) -> Ours | None:
    """The address of ours that a message was sent to; one with a token or command goes first."""
    named = [value for name in _ENVELOPE_FIELDS for value in message.get_all(name)]
    boxes = [box.address for box in (*message.to, *message.cc)]
    found = [ours for one in (*named, *boxes) if (ours := addresses.recognise(one.strip("<> ")))]
    for ours in found:
        if ours.token or ours.command:
            return ours
    return found[0] if found else None


def _purpose(ours: Ours | None) -> Purpose | None:
    if ours is None or ours.token is None:
        return None
    try:
        return tokens.read_any(ours.token).purpose
    except (BadToken, ValueError):
        return None


def _is_ours_again(session: Session, message: Message) -> bool:
    if message.message_id is None:
        return False
    return (
        session.scalar(select(Mailing.id).where(Mailing.message_id == message.message_id))
        is not None
    )


def _note(session: Session, incoming: Incoming, message: Message, reading: Reading) -> None:
    incoming.verdict, incoming.why = reading.verdict.kind, reading.verdict.why
    incoming.state = "stuck" if reading.stuck else "sorted"
    incoming.command = reading.command
    if reading.ours is not None:
        list_ = lists.by_name(session, reading.ours.name)
        incoming.list_id = list_.id if list_ else None
        incoming.token = (reading.ours.token or "")[:64] or None
        if list_ is None and reading.ours.name != addresses.OFFICE:
            incoming.why, incoming.state = "there is no such list", "stuck"
    person = people.by_address(session, message.from_.address) if message.from_ else None
    incoming.person_id = person.id if person else None
    session.flush()

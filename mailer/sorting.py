"""Sorting: what a kept message is, to which of our addresses it came, and whom that concerns."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, select, union_all, update
from sqlalchemy.orm import Session

from core import addresses, database, outbox, rows, settings, tokens
from core.addresses import Ours
from core.among import among
from core.events import (
    AutomaticReplyArrived,
    BounceArrived,
    CommandArrived,
    Event,
    MailArrived,
    MailNotUnderstood,
    PostArrived,
    PrivateAnswerArrived,
    ReportArrived,
    RsvpArrived,
)
from core.tokens import BadToken, Purpose
from mailer import inbox
from mailer.models import Incoming, Mailing, MessageAlias
from message.address import normal_form
from message.parse import Message
from message.verdict import Kind, Verdict, judge
from subscribers import lists, people
from subscribers.models import MailingList

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
#: Reports of machines: they concern the copy in them, whatever address they came to.
_REPORTS = frozenset({Kind.BOUNCE, Kind.REPORT})
#: A person who writes to an address with such a token did not mean the list.
_NOT_FOR_LETTERS = {
    # RFC 3461 §5.2.7.1: what the bounce address cannot understand reaches a person.
    Purpose.BOUNCE: "a person wrote to a bounce address",
    Purpose.RSVP: "a person answered an invitation in words",
    Purpose.FEED: "an address that takes no mail",
    Purpose.SIGN_IN: "an address that takes no mail",
    Purpose.PREFERENCES: "an address that takes no mail",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What sorting makes of a message.

    Its verdict, the address of ours that it came to, what that asks for, why it is for the
    coordinator, if it is, and whether it is for an author alone.
    """

    verdict: Verdict
    ours: Ours | None
    command: str | None = None
    stuck: str | None = None
    private: bool = False


_KEPT = (
    select(Incoming.id, Incoming.sha256)
    .where(among(Incoming.id, "numbers"), Incoming.state == "kept")
    .order_by(Incoming.id)
    .with_for_update()
)


_incoming = cast(Table, Incoming.__table__)
_WORDS, _NUMBERS = "verdict why state command token", "list_id person_id"
_SORTED = {
    name: update(_incoming)
    .where(_incoming.c.id == noted.c.number)
    .values({each: noted.c[each] for each in f"{_WORDS} {_NUMBERS}".split()})
    for name, noted in rows.given(_WORDS, f"number {_NUMBERS}").items()
}


def sort(session: Session, event: MailArrived) -> None:
    """Give a kept message its verdict and tell the room concerned; the same twice is as once."""
    sort_many(session, [event])


def sort_many(session: Session, events: Sequence[MailArrived]) -> None:
    """The same for several messages, asking the ledger and the lists for all of them at once."""
    kept = session.execute(_KEPT, {"numbers": [event.incoming for event in events]}).all()
    messages = inbox.messages_of(session, kept)
    found = [(one.id, message := messages[one.id], read(message)) for one in kept]
    names = {reading.ours.name for _, _, reading in found if reading.ours}
    lists_ = {one.name: one for one in lists.named(session, names)}
    database.hold(session, *lists_.values())
    writers = people.owners_of(session, [m.from_.address for _, m, _ in found if m.from_])
    known = _known_ids(session, [m.message_id for _, m, _ in found if m.message_id])
    told: list[tuple[Event, str]] = []
    sorted_: list[dict[str, str | int | None]] = []
    for incoming, message, reading in found:
        list_ = lists_.get(reading.ours.name) if reading.ours else None
        stuck = reading.stuck or _stuck_here(message, reading, list_, known)
        author = writers.get(normal_form(message.from_.address)) if message.from_ else None
        note = _note(reading, stuck, list_, author)
        sorted_.append({"number": incoming} | note)
        answered = PrivateAnswerArrived if reading.private else EVENTS[reading.verdict.kind]
        kind: type[Event] = MailNotUnderstood if stuck else answered
        told.append((kind(incoming), f"sorted:{incoming}"))  # type: ignore[call-arg]
        log.info("mail_sorted", extra={"incoming": incoming, "verdict": note["verdict"]})
    connection = session.connection()
    connection.execute(_SORTED[connection.dialect.name], {"rows": rows.handed(sorted_)})
    outbox.record_many(session, told)


def _note(
    reading: Reading, stuck: str | None, list_: MailingList | None, author: int | None
) -> dict[str, str | int | None]:
    """What is written down of a message that was sorted."""
    return {
        "verdict": str(reading.verdict.kind), "why": stuck or reading.verdict.why,
        "state": "stuck" if stuck else "sorted", "command": reading.command,
        "token": ((reading.ours.token if reading.ours else None) or "")[:64] or None,
        "list_id": list_.id if list_ else None, "person_id": author,
    }  # fmt: skip


def read(message: Message) -> Reading:
    """What a message is and to which of our addresses it came; asks nobody."""
    ours = written_to(message)
    purpose = _purpose(ours)
    command = _ASKING.get(purpose) if purpose else (ours.command if ours else None)
    verdict = judge(message, command)
    if verdict.kind in _REPORTS:
        return Reading(verdict, ours)
    command = verdict.command if verdict.kind is Kind.COMMAND else None
    private = purpose is Purpose.AUTHOR and verdict.kind is Kind.POST
    return Reading(verdict, ours, command, _stuck(message, verdict, ours, purpose), private)


def _stuck(
    message: Message, verdict: Verdict, ours: Ours | None, purpose: Purpose | None
) -> str | None:
    """Why nobody but a person can say what to do with a message, as far as it tells itself."""
    if _went_round(message):
        return "a message of ours has come back: a loop"
    if len(message.get_all("Received")) >= MOST_HOPS:
        return "it has passed too many servers"
    if verdict.kind is Kind.AUTOMATIC:
        return None
    if ours is None:
        return "it names no address of ours"
    if verdict.kind is Kind.POST and purpose in _NOT_FOR_LETTERS:
        return _NOT_FOR_LETTERS[purpose]
    return None


def _went_round(message: Message) -> bool:
    if message.get(LOOP) is not None:
        return True
    # RFC 2919 §3: `phrase <label.domain>`; only copies of ours carry a list id at our domain.
    list_id = (message.get("List-Id") or "").rpartition("<")[2].strip("<> ").lower()
    return list_id.endswith(f".{settings.current().domain.lower()}")


def _stuck_here(
    message: Message, reading: Reading, list_: MailingList | None, known: Collection[str]
) -> str | None:
    """The same, as far as the ledger (the ids known to it) and the lists tell."""
    if reading.verdict.kind in _REPORTS:
        return None
    if message.message_id in known:
        return "a message of ours has come back: a loop"
    automatic = reading.verdict.kind is Kind.AUTOMATIC
    name = reading.ours.name if reading.ours else None
    if list_ is None and name not in (None, addresses.OFFICE) and not automatic:
        return "there is no such list"
    return None


def written_to(message: Message) -> Ours | None:
    """The address of ours that a message was sent to; one with a token or command goes first.

    Whoever writes to an author and to all means all: the author reads it there.
    """
    named = [value for name in _ENVELOPE_FIELDS for value in message.get_all(name)]
    boxes = [box.address for box in (*message.to, *message.cc)]
    found = [ours for one in (*named, *boxes) if (ours := addresses.recognise(one.strip("<> ")))]
    for_all = [ours for ours in found if _purpose(ours) is not Purpose.AUTHOR] or found
    for ours in for_all:
        if ours.token or ours.command:
            return ours
    return for_all[0] if for_all else None


def _purpose(ours: Ours | None) -> Purpose | None:
    if ours is None or ours.token is None:
        return None
    try:
        return tokens.read_any(ours.token).purpose
    except (BadToken, ValueError):
        return None


_KNOWN = union_all(
    *(select(one.message_id).where(among(one.message_id, "ids")) for one in (Mailing, MessageAlias))
)


def _known_ids(session: Session, ids: Sequence[str]) -> set[str]:
    """Which of these are Message-IDs of mailings of ours, as sent or as seen on the way."""
    return set(session.connection().scalars(_KNOWN, {"ids": ids}))

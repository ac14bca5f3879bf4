"""What a message is, and why: the first of these that fits."""

import enum
import re
from dataclasses import dataclass

from message import automatic, bounces, itip, quoting
from message.bounces import feedback
from message.parse import Message


class Kind(enum.StrEnum):
    """What a message can be."""

    BOUNCE = "bounce"
    REPORT = "report"
    AUTOMATIC = "automatic"
    CALENDAR = "calendar"
    REACTION = "reaction"
    COMMAND = "command"
    MODERATION = "moderation"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message is, with the reason in a short sentence; `command` is what it asks for."""

    kind: Kind
    why: str
    command: str | None = None


#: RFC 3834 has no word for it, but a post that says only this is meant for the list's machine.
_LEAVE = re.compile(
    r"\W*(?:please\s+)?(?:un-?subscribe|remove|leave|sign[- ]?off|opt[- ]?out|stop)"
    r"(?:\s+(?:me|us))?(?:\s+from\s+(?:this|the|your)\s+(?:mailing\s+)?list)?"
    r"(?:\W+(?:please|thanks?|thank you|many thanks|regards|kind regards))*\W*", re.I
)  # fmt: skip
_REACTION = re.compile(
    r"^\s*.{1,60}\s(?:reacted to your message|hat auf Ihre Nachricht reagiert|reacted via \w+)\s*:",
    re.I,
)


def judge(message: Message, command: str | None = None) -> Verdict:
    """What a message is. `command` is what its address asks for, if it went to such an address."""
    if feedback.read_report(message) is not None:
        return Verdict(Kind.REPORT, "a complaint report (RFC 5965)")
    if bounces.is_bounce(message):
        return Verdict(Kind.BOUNCE, "a server reports that somebody was not reached")
    if bounces.is_delay(message):
        return Verdict(Kind.AUTOMATIC, "a delivery report without a failure (RFC 3464)")
    if _is_answer(message):
        return Verdict(Kind.CALENDAR, "a calendar answered (RFC 5546 REPLY)")
    why = automatic.why_automatic(message)
    if why is not None:
        return Verdict(Kind.AUTOMATIC, why)
    if _is_reaction(message):
        return Verdict(Kind.REACTION, "a reaction without words")
    if command is not None:
        return Verdict(Kind.COMMAND, f"written to the address for {command}", command)
    if _asks_to_leave(message):
        return Verdict(Kind.COMMAND, "asks to leave and says nothing else", "leave")
    return Verdict(Kind.POST, "a person wrote it")


def _is_answer(message: Message) -> bool:
    answers = (itip.read_answer(part.text) for part in message.calendars)
    return any(one is not None and one.method in {"REPLY", "COUNTER"} for one in answers)


def _is_reaction(message: Message) -> bool:
    if message.get("X-MS-Reactions") or any(
        part.disposition == "reaction" for part in message.leaves  # RFC 9078 §2
    ):
        return True
    return _REACTION.search(message.text[:200]) is not None


def _asks_to_leave(message: Message) -> bool:
    own = quoting.own_words(quoting.split(message.text[:5000])).strip()
    if not own:
        return _LEAVE.fullmatch(message.subject) is not None and not message.attachments
    return len(own) < 120 and _LEAVE.fullmatch(own) is not None

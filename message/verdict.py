"""What a message is, and why: the first of these that fits."""

import enum
import re
from dataclasses import dataclass

from message import automatic, bounces, itip, quoting
from message.bounces import feedback
from message.parse import Message


class Kind(enum.StrEnum):
    """What a message can be."""

    POST = "post"
    BOUNCE = "bounce"
    REPORT = "report"
    AUTOMATIC = "automatic"
    CALENDAR = "calendar"
    COMMAND = "command"
    MODERATION = "moderation"
    REACTION = "reaction"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message is, with the reason in a short sentence; `command` is what it asks for."""

    kind: Kind
    why: str
    command: str | None = None


_COURTESY = (
    r"please|pls|thanks?(?: you)?|many thanks|thank you (?:very much|in advance)|(?:kind |"
    r"best )?regards|"
    r"cheers|hi|hello|dear (?:all|list|sir|madam|sir or madam|admin|administrator)|all|hi all|"
    r"diolch|"
    r"os gwelwch yn dda|yours sincerely|best wishes"
)
_FROM_LIST = (
    r"(?:from|off|of) (?:this|the|your|all|these|any)(?: \w+){0,3}? ?(?:list|lists|mailings?|group|"
    r"network|newsletter|e-?mails?|distribution list|mailing list)"
)
_LEAVE = re.compile(
    rf"(?:(?:{_COURTESY})[\W_]+)*"
    rf"(?:(?:can|could|would|will) you (?:please )?|i(?:'d| would) (?:like|"
    rf"want) (?:you )?to (?:be )?|"
    rf"i (?:want|wish) to (?:be )?|please )?"
    rf"(?:(?:un-?subscribed?|sign ?off|opt[- ]?out|signoff)(?: (?:me|"
    rf"my (?:e-?mail )?address))?(?: {_FROM_LIST})?|"
    rf"(?:removed?|take|drop|delete) (?:me|my (?:e-?mail )?address)(?: {_FROM_LIST})?|"
    rf"(?:be )?removed {_FROM_LIST}|leave(?: (?:this|the|your) (?:list|group|network|"
    rf"mailing list))?|"
    rf"remove|stop|dad-?danysgrifio|tynnwch fi oddi ar y rhestr)"
    rf"(?:[\W_]+(?:{_COURTESY}))*",
    re.IGNORECASE,
)
_SENT_TO_LEAVE = re.compile(r"^\W*\w[\w ]{1,30} sent this e-?mail to unsubscribe\b", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,3}")
LONGEST_COMMAND = 160
# Outlook and Gmail write a mail for those whose program shows no reactions.
_REACTED = re.compile(
    r"^\W*[^\n]{1,80} (?:reacted to (?:your|the|a) (?:message|e-?mail)|liked your (?:message|"
    r"e-?mail)|"
    r"reacted via (?:gmail|outlook)|hat auf (?:ihre|deine) nachricht reagiert|"
    r"a réagi à (?:votre|ton) message)\b",
    re.IGNORECASE,
)
_REACTION_SUBJECT = re.compile(r"^\s*(?:reaction|liked|like)\s*:|reaction digest", re.IGNORECASE)


def judge(message: Message, command: str | None = None) -> Verdict:
    """What a message is. `command` is what its address asks for, if it went to such an address."""
    if feedback.read_report(message) is not None:
        return Verdict(Kind.REPORT, "a complaint report (RFC 5965)")
    if bounces.is_bounce(message):
        return Verdict(Kind.BOUNCE, "a server reports that somebody was not reached")
    if bounces.is_delay(message):
        return Verdict(Kind.AUTOMATIC, "a delivery report without a failure (RFC 3464)")
    if _by_program(message):
        return Verdict(Kind.COMMAND, "a mail program asks to leave (RFC 2369)", "leave")
    why = automatic.why_automatic(message)
    # Outlook may mark answers to invitations as automatic; they are answers all the same.
    if _is_answer(message) and not bounces.returned_message(message):
        return Verdict(Kind.CALENDAR, "an answer to an invitation (RFC 5546)")
    if why is not None:
        return Verdict(Kind.AUTOMATIC, why)
    own = _own(message)
    if _is_reaction(message, own):
        return Verdict(Kind.REACTION, "a reaction without words")
    if command is not None:
        return Verdict(Kind.COMMAND, f"written to the address for {command}", command)
    if _asks_to_leave(message, own):
        return Verdict(Kind.COMMAND, "asks to leave and says nothing else", "leave")
    return Verdict(Kind.POST, "a person wrote it")


def _by_program(message: Message) -> bool:
    """Apple Mail writes to List-Unsubscribe by itself, and says truly that it was automatic."""
    if _LEAVE.fullmatch(_plain(message.subject[:200])) is None:
        return False
    return _SENT_TO_LEAVE.search(message.text[:300]) is not None


def _is_answer(message: Message) -> bool:
    for part in message.calendars:
        if part.method in {"REPLY", "COUNTER"}:
            return True
        answer = itip.read_answer(part.text)
        if answer is not None and answer.method in {"REPLY", "COUNTER"}:
            return True
    return False


def _is_reaction(message: Message, own: str) -> bool:
    if any(part.disposition == "reaction" for part in message.leaves):  # RFC 9078 §2
        return True
    # Gmail sends the same as a part of its own type.
    if any(part.type == "text/vnd.google.email-reaction+json" for part in message.leaves):
        return True
    if message.get("X-MS-Reactions") is not None and len(own) < 80:
        return True
    if len(own) > 300:
        return False
    return bool(_REACTED.search(own)) or (
        bool(_REACTION_SUBJECT.search(message.subject)) and len(own) < 12
    )


def _asks_to_leave(message: Message, own: str) -> bool:
    """I31: nothing is said but that somebody wants to leave; a name below is allowed."""
    if message.attachments:
        return False
    if not own:
        return _LEAVE.fullmatch(_plain(message.subject[:200])) is not None
    if len(own) > LONGEST_COMMAND:
        return False
    lines = [_plain(line) for line in own.splitlines() if line.strip()]
    if _LEAVE.fullmatch(_plain(" ".join(lines))):
        return True
    return (
        len(lines) > 1
        and len(lines[-1]) < 40
        and _NAME.fullmatch(lines[-1]) is not None
        and _LEAVE.fullmatch(_plain(" ".join(lines[:-1]))) is not None
    )


def _plain(line: str) -> str:
    return " ".join(line.split()).strip(" .,;:!*\"'<>()-–—")


def _own(message: Message) -> str:
    return quoting.own_words(quoting.split(message.text[:20_000])).strip()

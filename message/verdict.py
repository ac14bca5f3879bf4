"""What a message is, and why: the first of these that fits."""

import enum
import re
from collections.abc import Callable
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


_BEFORE = (
    "dear sir or madam", "dear administrator", "dear admin", "dear list", "dear all", "hello all",
    "hi all", "hi there", "hello", "hi", "thank you", "thanks", "please", "pls", "kindly",
    "os gwelwch yn dda",
)  # fmt: skip
_AFTER = (
    "thank you very much", "thank you in advance", "thanks in advance", "many thanks", "thank you",
    "thanks", "kind regards", "best regards", "best wishes", "yours sincerely", "regards",
    "cheers", "please", "pls", "diolch", "os gwelwch yn dda",
)  # fmt: skip
_ME = r"(?: me| us| my (?:e mail |email )?address)?"
_OFF = (
    r"(?: (?:from|off|of) (?:this|the|your|all|these|any)(?: \w+){0,3}? "
    r"(?:lists?|mailings?|group|network|newsletter|emails?|e mails?))?"
)
_LEAVE = re.compile(
    r"(?:(?:can|could|would|will) you (?:please )?|please could you (?:please )?|"
    r"i(?: would| d)? (?:like|want|wish) (?:you )?to (?:be )?|please )?"
    rf"(?:(?:un ?subscribed?|sign ?off|opt ?out){_ME}{_OFF}|"
    rf"(?:removed?|take|drop|delete)(?: me| us| my (?:e mail |email )?address){_OFF}|"
    r"removed from (?:this|the|your)(?: \w+){0,2} list|"
    r"leave(?: (?:this|the|your) (?:list|group|network|mailing list))?|"
    r"remove|stop|dad ?danysgrifio|tynnwch fi oddi ar y rhestr)",
    re.IGNORECASE,
)
_SENT_TO_LEAVE = re.compile(r"^\W*\w[\w ]{1,30} sent this e-?mail to unsubscribe\b", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,3}")
LONGEST_COMMAND = 160
#: Of a longer text the beginning tells what it is.
LONGEST_TEXT = 20_000
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
    if not _says_leave(message.subject):
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
        return _says_leave(message.subject)
    lines = [line.strip() for line in own.splitlines() if line.strip()]
    if _says_leave(" ".join(lines)):
        return True
    signed = len(lines) > 1 and len(lines[-1]) < 40 and _NAME.fullmatch(lines[-1].strip(" .,"))
    return bool(signed) and _says_leave(" ".join(lines[:-1]))


def _says_leave(words: str) -> bool:
    """Whether some words ask to leave and, courtesies aside, say nothing else."""
    if len(words) > LONGEST_COMMAND or "?" in words.rstrip(" ?"):
        return False
    plain = " ".join(re.findall(r"\w+", words.lower()))
    plain = _without(plain, _BEFORE, str.startswith, lambda text, said: text[len(said) :])
    plain = _without(plain, _AFTER, str.endswith, lambda text, said: text[: -len(said)])
    return _LEAVE.fullmatch(plain) is not None


def _without(
    text: str,
    courtesies: tuple[str, ...],
    has: Callable[[str, str], bool],
    cut: Callable[[str, str], str],
) -> str:
    """A text without the courtesies at one of its ends, one after the other."""
    found: str | None = ""
    while found is not None:
        text = text.strip()
        found = next((one for one in courtesies if has(f" {text} ", f" {one} ")), None)
        if found:
            text = cut(f" {text} ", f" {found} ")
    return text


def _own(message: Message) -> str:
    whole = len(message.text) <= LONGEST_TEXT
    passages = message.passages if whole else quoting.split(message.text[:LONGEST_TEXT])
    return quoting.own_words(passages).strip()

"""What a message is, and why: the first of these that fits."""

import enum
import re
from typing import NamedTuple

from message import automatic, bounces, itip, leaving, quoting
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


class Verdict(NamedTuple):
    """What a message is, with the reason in a short sentence; `command` is what it asks for."""

    kind: Kind
    why: str
    command: str | None = None


# What mail programs write to List-Unsubscribe for their users, and nothing else.
_SENT_TO_LEAVE = re.compile(
    r"^\W*\w[\w ]{1,30} sent this e-?mail to unsubscribe\b|"
    r"^\W*this (?:e-?mail|message) (?:was|has been) (?:automatically (?:generated|sent)|"
    r"(?:generated|sent) automatically)(?: by [\w ]{2,30})?\W*$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"\s*(?:\[[^\]]{1,40}\]\s*)*(?:fwd?|wg|tr|doorst|vb|vl|rv|enc|pd|i|továbbítás|转发|轉寄)\s*[:：]",
    re.IGNORECASE,
)
LONGEST_REACTION = 160
#: Of a longer text the beginning tells what it is.
LONGEST_TEXT = 20_000
# Outlook and Gmail write a mail for those whose program shows no reactions.
_REACTED = re.compile(
    r"\W*[^\n]{1,100} (?:reacted to (?:your|the|an?) (?:message|e-?mail)|liked your (?:message|"
    r"e-?mail)|reacted via (?:gmail|outlook)|"
    r"hat auf (?:ihre|deine) (?:nachricht|e-?mail) reagiert|hat (?:über|mit) gmail reagiert|"
    r"a réagi à (?:votre|ton) (?:message|e-?mail)|a réagi (?:via|avec) gmail|"
    r"ha reaccionado a (?:tu|su) mensaje|(?:ha reaccionado|reaccionó) (?:a través de|mediante|"
    r"con) gmail|ha reagito al (?:tuo|suo) messaggio|ha reagito (?:tramite|con) gmail|"
    r"heeft gereageerd op (?:je|uw) bericht|heeft gereageerd via gmail|"
    r"reagiu à (?:sua|tua) mensagem|reagiu (?:pelo|através do) gmail|"
    r"reagerade på ditt meddelande|reagerede på din besked|reagerte på meldingen din|"
    r"zareagowała?(?:\(a\))? na (?:twoją )?wiadomość)\W*",
    re.IGNORECASE,
)
#: "[like] Jo Field ...:", as Outlook begins in any language.
_REACTS = re.compile(r"\s*(?:\[[^\]\n]{2,30}\]|[^\w\s]{1,8})\s*([^\n]{3,120}?)\s*[:：]\s*")
_LINK = re.compile(r"<?https?://[^\s<>]{1,1000}>?")
_REACTION_SUBJECT = re.compile(r"^\s*(?:reaction|liked|like)\s*:|reaction digest", re.IGNORECASE)


_WRITTEN = Verdict(Kind.POST, "a person wrote it")
_ASKED = Verdict(Kind.COMMAND, "asks to leave and says nothing else", "leave")


def judge(message: Message, command: str | None = None) -> Verdict:
    """What a message is. `command` is what its address asks for, if it went to such an address."""
    found = message.found.get(__name__)
    if not isinstance(found, Verdict):
        found = message.found[__name__] = _judged(message)
    if command is not None and found in (_WRITTEN, _ASKED):
        return Verdict(Kind.COMMAND, f"written to the address for {command}", command)
    return found


def _judged(message: Message) -> Verdict:
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
    if _is_answer(message) and not bounces.returned_message(message) and not _passed_on(message):
        return Verdict(Kind.CALENDAR, "an answer to an invitation (RFC 5546)")
    if why is not None:
        return Verdict(Kind.AUTOMATIC, why)
    own = _own(message)
    if _is_reaction(message, own):
        return Verdict(Kind.REACTION, "a reaction without words")
    if _asks_to_leave(message, own):
        return _ASKED
    return _WRITTEN


def _by_program(message: Message) -> bool:
    """Apple Mail writes to List-Unsubscribe by itself, and says truly that it was automatic."""
    if not leaving.says_leave(message.subject):
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


def _passed_on(message: Message) -> bool:
    """Whether a person forwards the answer of another, with words of their own or without."""
    return _FORWARDED.match(message.subject) is not None


def _is_reaction(message: Message, own: str) -> bool:
    words = (_LINK.sub("", own) if "://" in own else own).strip()
    if len(words) > LONGEST_REACTION:
        return False
    if any(
        # RFC 9078 §2; Gmail sends the same as a part of its own type.
        part.disposition == "reaction" or part.type == "text/vnd.google.email-reaction+json"
        for part in message.leaves
    ):
        return True
    if _REACTED.fullmatch(words) or _reacts_by_name(message, words):
        return True
    told = any(sign.isalnum() for sign in words) or message.attachments
    return _REACTION_SUBJECT.search(message.subject) is not None and not told


def _reacts_by_name(message: Message, words: str) -> bool:
    """Outlook's line in a language that we do not know, by its author's name.

    X-MS-Reactions alone says only whether one may react: it stands in what people write.
    """
    if message.get("X-MS-Reactions") is None or message.from_ is None:
        return False
    line = _REACTS.fullmatch(words)
    name = message.from_.name.casefold()
    return line is not None and bool(name) and line[1].casefold().startswith(name)


def _asks_to_leave(message: Message, own: str) -> bool:
    """I31: nothing is said but that somebody wants to leave; a name below is allowed."""
    if message.attachments:
        return False
    if not own:
        return leaving.says_leave(message.subject)
    return leaving.only_asks(own, message.from_)


def _own(message: Message) -> str:
    whole = len(message.text) <= LONGEST_TEXT
    passages = message.passages if whole else quoting.split(message.text[:LONGEST_TEXT])
    return quoting.own_words(passages).strip()

"""The words by which servers say what failed, and where the returned copy begins."""

import itertools
import re
from collections.abc import Sequence

from message.bounces import languages
from message.bounces.found import DELAYED, FAILED, Bounce
from message.bounces.judging import judge
from message.parse import Message
from message.phrases import Phrases
from message.refusals import CODE, ENHANCED, Reason

LARGEST = 40_000
LONGEST_DIAGNOSTIC = 500
MOST_PLACES = 20
ADDRESS = re.compile(
    r"(?:\"[^\"\s@]{1,64}\"|[\w.!#$%&'*+/=?^`{|}~-]{1,120})@(?:[\w-]+\.)+[\w-]{2,}|"
    r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@\[[\d.]{7,15}\]"
)
SERVER = Phrases(
    "mail|post|delivery|daemon|demon|system|mda|uucp|mmdf|bounce|pmdf|smtp|quota|"
    "microsoft exchange|messaging server|interscan|return|err|undeliver",
    r"mailer[-_. ]?da?emon|post[-_. ]?master|mail(?:er)? ?delivery|delivery ?(?:sub)?system|"
    r"^mdaemon|"
    r"mail administrator|system administrator|mail system|mail router|^(?:mda|uucp|mmdf|bounces?|"
    r"mailerdaemon|mail-?daemon|maildelivery|mdaemon)@|pmdf|smtp (?:gateway|server|daemon|"
    r"interface)|"
    r"mail ?gateway|quota ?service|double-?bounce|microsoft exchange|messaging server|"
    r"interscan|email ?delivery|delivery notification|^(?:return|error|err|undeliver\w*)[-.+]?\w*@",
)
NO_REPLY = re.compile(
    r"^(?:no|do[-_.]?not|dont)[-_.]?reply|^(?:notif|alert|auto|admin|info-?sys|system)",
    re.IGNORECASE,
)
SUBJECT = re.compile(
    r"undeliver(?:ed|able)|undelivrable|unzustellbar|non remis|deliver(?:y|"
    r"ing)\b.{0,40}\b(?:fail|error|"
    r"problem|status|notif|report|delay|could|impossible|unable|expired|unsuccess)|"
    r"(?:fail|error|problem|unable|could ?n[o']t|can ?not|not?)\b.{0,30}\bdeliver|"
    r"mail\w*\b.{0,20}\b(?:fail|error|reject|delay|could not)|message (?:delivery|status|"
    r"you sent|failed|"
    r"not)|returned (?:mail|e-?mail|to sender|message)|return(?:ing|ed) message|failure not|"
    r"nondelivery|"
    r"non[- ]?deliver|bounce|delivery notification|rejected|message undelivered|wasn't delivered|"
    r"user unknown|unknown (?:user|address|recipient)|returned to sender|warning: (?:could|"
    r"message)|could not send|"
    r"mail system error|not delivered|blocked message|(?:mailbox|inbox) (?:is )?full|"
    r"無効|エラー|配信|届け|送信|"
    r"配送|退信|系统退信|"
    r"wiadomo.{2,3} odrzucona|недостав|no se (?:puede|ha podido) entregar|mancata consegna|"
    r"ikke lever|onbestelbaar|errors from localhost|expired|quota|"
    + languages.SUBJECT,
    re.IGNORECASE,
)  # fmt: skip
FAILURE = re.compile(
    r"(?:could ?n[o']t|can ?not|can't|unable to|failed to|failure (?:to|in)|was(?: not|n't)|"
    r"were not|"
    r"not be|have not been|has not been|did not|error|impossible|unsuccessful\w*|not)\W{1,3}"
    r"(?:\w+\W{1,3}){0,6}?(?:deliver|reach|send|sent|transmit|relay|process|stor(?:e|ed)\b)|"
    r"undeliver(?:able|ed)|delivery\b.{0,40}\b(?:fail|error|problem|unsuccess|abort|expired|"
    r"impossible)|"
    r"fail\w* (?:permanently|recipient|address|for|due)|malformed|(?:permanent|fatal|transient|"
    r"persistent|delivery) "
    r"(?:fatal |delivery )?(?:error|failure|problem)|(?:user|mailbox|recipient|address|account|"
    r"host|domain)(?:e?s)?"
    r"\b.{0,50}(?:unknown|not ?found|disabled|full|does ?n[o']t exist|not exist|not recogni[sz]ed|"
    r"invalid|not known|not listed|inactive|suspended|over quota|unavailable|rejected)|"
    r"(?:unknown|invalid|no such|bad) (?:user|mailbox|recipient|address|host|domain|addressee)|"
    r"\b[45]\d\d[- ](?:#?[45]\.\d{1,3}\.\d{1,3}|<|[A-Za-z])|\b[45]\.\d\.\d{1,3}\b|quota exceeded|"
    r"returned (?:by|your|to|because|the)|message (?:was |has been |is )?(?:rejected|refused|"
    r"blocked|"
    r"bounced|returned)|gave up|giving up|given up|transcript of session|delayed|"
    r"not been delivered|"
    r"will be retried|届け|送信できません|配信でき|エラー|見つかりません|受信拒否|利用されていない|"
    + languages.FAILURE,
    re.IGNORECASE,
)  # fmt: skip
#: Said by no one but a server, whatever its subject.
CERTAIN = re.compile(
    r"(?:could not|was not|were not|can ?not|couldn't|unable to|wasn't able to|not be) (?:be )?"
    r"deliver(?:ed)?\b|delivery (?:to .{1,80} )?(?:has )?failed|permanent (?:fatal )?error|"
    r"did not reach the following|could not be reached|transcript of session|" + languages.FAILURE,
    re.IGNORECASE,
)
CERTAIN_SUBJECT = re.compile(
    r"undeliver|returned (?:mail|to sender)|failure not|delivery (?:fail|status)|mail delivery|"
    r"nondeliver|non-deliver|mail system error|delivery notification", re.IGNORECASE,
)  # fmt: skip
DELAY = re.compile(
    r"warning message only|do not need to resend|(?:has been|have been|was|is|still|currently|"
    r"being) "
    r"delayed|(?:not yet|n't yet) (?:been )?(?:delivered|been)|will (?:continue|keep|be retried|"
    r"retry|try)|"
    r"still (?:trying|being|in the queue)|delay(?:ed)? (?:\d+ |notification|in|of)|"
    r"\((?:delay|warning)\)|temporary (?:delivery )?(?:problem|failure)|message will be retried|"
    r"no action is required on your part|could not send (?:message )?for past|"
    + languages.DELAY,
    re.IGNORECASE,
)  # fmt: skip
GIVEN_UP = re.compile(
    r"permanent|given up|gave up|giving up|fatal error|expired|timed? out|undeliverable|has failed|"
    r"could not be delivered|not delivered|will not (?:be|try)|no further|failed\b|rejected|"
    r"returned|"
    + languages.GIVEN_UP,
    re.IGNORECASE,
)  # fmt: skip
COPY = re.compile(
    r"^.{0,40}(?:below this line is a copy|(?:below is|this is) a copy of (?:the|your)|"
    r"original message "
    r"(?:follows|headers?|text|attached|\W*$)|\bmessage headers? follow|unsent message|"
    r"returned message\b|"
    r"header of the (?:original|returned)|copy of (?:the|your) (?:original )?message|"
    r"the (?:full|original|body of the|text of the|headers? of the) (?:original )?(?:message|"
    r"mail|e-?mail)"
    r".{0,30}(?:follow|below|attached|is as)|(?:original|your|returned|rejected|undelivered) "
    r"(?:message|mail|e-?mail)(?: content| header| text)?s?(?: (?:follows|is|was))?\s*[-:=]*\s*$|"
    r"forwarded message|message text follows|undelivered message|first \d+ bytes|"
    r"the following is (?:the|a)|-{3,}\s*(?:forwarded|original|returned|the header)|"
    r"end of (?:message|report))",
    re.IGNORECASE | re.MULTILINE,
)  # fmt: skip
_COPY_FIELD = re.compile(
    r"^(?:[> ]{0,4})(?:Received: (?:from|by|\()|Return-Path:|Message-Id:\s*<|X-Mailer:|"
    r"MIME-Version: 1)",
    re.IGNORECASE | re.MULTILINE,
)
_LATER = re.compile(
    r"\b(?:try|send)\b.{0,30}\b(?:again|later)\b.{0,20}\b(?:later|in \d+|after)\b|"
    r"\btry (?:again )?later\b|später (?:noch einmal|erneut|nochmals)|réessayer plus tard|"
    r"ultérieurement|probeer het later|más tarde|più tardi|mais tarde|försök igen senare|"
    r"prøv igjen senere|prøv igen senere",
    re.IGNORECASE,
)
_SPOKEN = re.compile(r"[ \t]*(?:>>>|<<<|while talking to)", re.IGNORECASE)
#: A line that begins with somebody, as servers head what they say of one of several.
_NAMES = re.compile(rf"^[ \t<]*(?:{ADDRESS.pattern})>?[ \t]*[:.(]", re.MULTILINE)


def text_of(message: Message) -> str:
    """Everything that the server itself wrote: all text parts, however they are attached."""
    texts = [part.text() for part in message.leaves if part.type in {"text/plain", ""}]
    whole = "\n".join(texts).strip() or message.text.strip()
    if not whole:  # a multipart that is none (RFC 7103 §7.1.1): what stands there is text
        broken = (part for part in message.leaves if part.type.startswith(("multipart/", "text/")))
        whole = "\n".join(part.text() for part in broken)
    return whole[:LARGEST]


def without_copy(text: str) -> tuple[str, str]:
    """What the server says, and the message that it returns below."""
    places = sorted(_places(text))
    if not places:
        return text, ""
    enough = _names_somebody_at(text)
    at = next((place for place in [*places, len(text)] if place >= enough), places[0])
    return text[:at], text[at:]


def _places(text: str) -> set[int]:
    """Where the first of the returned message's fields, or words that announce it, stand."""
    return {
        found.start()
        for pattern in (COPY, _COPY_FIELD)
        for found in itertools.islice(pattern.finditer(text), MOST_PLACES)
        if found.start() > 0
    }


def _names_somebody_at(text: str) -> int:
    """By where a text has named an address, and said that something failed."""
    address = ADDRESS.search(text)
    failed = [found.end() for found in (FAILURE.search(text), CERTAIN.search(text)) if found]
    return max(address.end(), min(failed)) if address and failed else len(text) + 1


def about(recipient: str, said: str, others: Sequence[str] = ()) -> str:
    """What is said of one of several: from where it stands to the next; all, if that is nothing.

    `others` are the other recipients; where none is given, the next line that begins with an
    address ends it. Exchange names each twice: with advice, and with what its server said.
    """
    low = said.lower()
    places = _places_of(recipient, low)
    if not places:
        return said
    if others and (talk := _talk_about(said, places[0])):
        return talk
    if others:
        ends = sorted({place for one in (*others, recipient) for place in _places_of(one, low)})
    else:
        after = _NAMES.finditer(said, places[0] + len(recipient))
        ends = [found.start() for found in itertools.islice(after, 1)]
        places = places[:1]
    words = ""
    for place in places:
        words += said[place : next((end for end in ends if end > place), len(said))] + "\n"
    return words if FAILURE.search(words) else said


def _places_of(address: str, low: str) -> list[int]:
    """Where an address stands in a text in lower case, and not as the end of a longer one."""
    found: list[int] = []
    wanted, at = address.lower(), -1
    while len(found) < MOST_PLACES and (at := low.find(wanted, at + 1)) >= 0:
        if not at or not (low[at - 1].isalnum() or low[at - 1] in "._+-"):
            found.append(at)
    return found


def _talk_about(said: str, at: int) -> str:
    """The line of a transcript that names a recipient, with what was said to get there."""
    before, _, start = said[:at].rpartition("\n")
    line = start + said[at:].partition("\n")[0]
    if not CODE.search(line):
        return ""
    spoken = itertools.takewhile(_SPOKEN.match, reversed(before.splitlines()))
    return "\n".join([*reversed(list(spoken)), line])


def by_server(message: Message) -> bool:
    """Whether a mail server wrote it: it says so, or it left no way to answer (RFC 5321 §4.5.5).

    Some relays send what people write with a null path too, so their names count for more.
    """
    author = message.get("From") or ""
    box = message.from_
    named = SERVER.search(box.address) or SERVER.search(box.name) if box else None
    if named or SERVER.search(author):
        return True
    path = (message.get("Return-Path") or "x").strip().strip("<>").lower()
    if path.startswith(("mailer-daemon", "#@[]")):
        return True
    return path == "" and (box is None or bool(NO_REPLY.search(box.address)))


def is_delayed(message: Message, said: str) -> bool:
    """Whether the server still tries."""
    if DELAY.search(message.subject):
        return True
    return bool(DELAY.search(said)) and not GIVEN_UP.search(DELAY.sub("", said))


def bounce(recipient: str, words: str, delayed: bool = False) -> Bounce:
    """A bounce from a server's words about one recipient."""
    flat = " ".join(words.split())
    named = ENHANCED.search(flat.replace("#", " "))
    status = named.group(0) if named and named.group(1) in "45" else None
    code = CODE.search(flat)
    number = int(code.group(1)) if code else None
    # The server's reply and what stands just before it; the rest may be all sorts of advice.
    near = flat[max(0, code.start() - 150) : code.end() + 500] if code else flat
    judged = judge(number, status, near)
    if judged.reason is Reason.OTHER:
        judged = judge(number, status, flat)
    known = status is not None or code is not None
    # RFC 3463 §2: the class is the server's last word, for the server has given up already.
    said = status or (code.group(1) if code else "")
    # Where it names none, its giving up is what it says: nobody will try this copy again; but a
    # server that asks for another try later speaks of something that passes.
    permanent = said[0] == "5" if said else not _LATER.search(flat)
    if delayed:
        reason = judged.reason if known else Reason.TRANSIENT
        return Bounce(recipient, status, False, reason, flat[:LONGEST_DIAGNOSTIC], DELAYED)
    return Bounce(recipient, status, permanent, judged.reason, flat[:LONGEST_DIAGNOSTIC], FAILED)

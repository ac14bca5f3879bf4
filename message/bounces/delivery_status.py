"""Delivery status notifications (RFC 3464), also their internationalised form (RFC 6533)."""

import re

from message import refusals
from message.address import parse_mailboxes
from message.bounces import wording
from message.bounces.found import DELAYED, FAILED, Bounce
from message.bounces.judging import judge
from message.encoded_words import decode_value
from message.parse import Message
from message.refusals import Reason
from message.subject import is_reply

_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
#: RFC 3464 §2.3.3; what is not here (delivered, relayed, expanded) reports that nothing is wrong.
_ACTIONS = {
    word: action
    for action, words in (
        (FAILED, "failed failure fail error bounced expired undeliverable"),
        (DELAYED, "delayed delay deferred"),
    )
    for word in words.split()
}
_FINE = frozenset({"delivered", "relayed", "expanded", "deliverable"})
_GROUP = re.compile(rb"\r?\n[ \t]*(?:\r?\n[ \t]*)+")
_FIELD = re.compile(rb"^(?:final|original)-recipient[ \t]*:", re.IGNORECASE | re.MULTILINE)
_FIRST = re.compile(
    r"^(?:reporting-mta|(?:final|original)-recipient)[ \t]*:", re.IGNORECASE | re.MULTILINE
)
_NAMED = re.compile(rb"[A-Za-z][A-Za-z-]*[ \t]*:(?!//)")
MOST = 1_000


def is_report(message: Message) -> bool:
    """Whether a message holds a delivery status of its own: people pass on those they got.

    RFC 3464 §2 wants multipart/report; of other kinds only what no person sent is believed.
    """
    if not any(part.type in _TYPES for part in message.leaves):
        return False
    root = message.root.type
    nobody = message.from_ is None or wording.by_server(message)
    unanswerable = message.return_path == "" and not is_reply(message.subject)
    return root == "multipart/report" or root in _TYPES or nobody or unanswerable


def read(message: Message) -> list[Bounce]:
    """The recipients of all delivery status parts who were not, or not yet, reached."""
    return _read([part.content for part in message.leaves if part.type in _TYPES], message)


def read_in_text(message: Message, text: str) -> list[Bounce]:
    """The recipients of a delivery status that stands in the midst of a text, quoted or bare."""
    starts = _FIRST.search(text)
    return _read([text[starts.start() :].encode()], message) if starts else []


def _read(contents: list[bytes], message: Message) -> list[Bounce]:
    found: dict[str, Bounce] = {}
    for content in contents:
        for group in _groups(content)[:MOST]:
            bounce = _recipient(group, message)
            if bounce is not None:
                known = found.get(bounce.recipient.lower())
                if known is None or (known.action == DELAYED and bounce.action == FAILED):
                    found[bounce.recipient.lower()] = bounce
    return list(found.values())


def _groups(content: bytes) -> list[bytes]:
    """RFC 3464 §2.1: groups of fields between blank lines; some servers leave the blank out."""
    out: list[bytes] = []
    carried = b""
    for group in _GROUP.split(content.strip()):
        starts = [match.start() for match in _FIELD.finditer(group)]
        if not starts:
            # Blank lines inside of a recipient's fields: the rest belongs to the one before.
            if out and b"diagnostic-code" not in out[-1].lower():
                out[-1] += b"\n" + group
            else:
                carried = group
            continue
        out += [carried + b"\n" + piece if carried else piece for piece in _pieces(group, starts)]
        carried = b""
    return out


def _pieces(group: bytes, starts: list[int]) -> list[bytes]:
    """A group with several recipients, cut before each Final-Recipient of another address."""
    finals = [match.start() for match in re.finditer(rb"(?im)^final-recipient[ \t]*:", group)]
    if len(finals) < 2:
        return [group]
    ends = [*finals[1:], len(group)]
    return [group[start:end] for start, end in zip(finals, ends, strict=True)]


def _recipient(group: bytes, message: Message) -> Bounce | None:
    said = _fields(group)
    recipient = _who(said)
    if recipient is None:
        return None
    status = _STATUS.search(said.get("status", ""))
    action = _action(said, status.group(1) if status else "")
    if action is None:
        return None
    return _judged(recipient, status.group(0) if status else None, action, said, message)


def _fields(group: bytes) -> dict[str, str]:
    """The fields of a group; a line that was wrapped without indentation is put back."""
    lines: list[bytes] = []
    for line in group.strip().splitlines():
        if lines and not _NAMED.match(line):
            lines[-1] += b" " + line.strip()
        else:
            lines.append(line.strip())
    said: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        said.setdefault(
            name.strip().lower().decode("ascii", "replace"), decode_value(value.strip())
        )
    return said


def _judged(
    recipient: str, status: str | None, action: str, said: dict[str, str], message: Message
) -> Bounce:
    diagnostic = said.get("diagnostic-code", "")
    words = diagnostic.partition(";")[2].strip() or diagnostic
    words = words or wording.about(recipient, message.text)[:600]
    code = refusals.CODE.search(words)
    inner = refusals.enhanced_in(words.replace("#", " "))
    # "5.0.0" says nothing; the remote server's own words are closer to the truth.
    vague = status is None or status.endswith((".0.0", ".1.0"))
    best = inner if inner and vague else status
    judged = judge(int(code.group(1)) if code else None, best, words)
    reason = _of_command(diagnostic, best, judged.reason)
    if action == DELAYED:
        return Bounce(recipient, best, False, _passing(reason), diagnostic, DELAYED)
    # Without any code the action is the server's last word: it has given up.
    last_word = best or (code.group(1) if code else "5")
    permanent = last_word[0] == "5"
    return Bounce(recipient, best, permanent, reason, diagnostic)


def _of_command(diagnostic: str, status: str | None, reason: Reason) -> Reason:
    """A program that failed (x-unix) tells of the system, whatever it prints.

    EX_NOUSER of sysexits.h, the one status that means the mailbox, comes with a status of its own.
    """
    blamed = reason is Reason.MAILBOX and not (status or "").startswith(("5.1.", "5.2."))
    return Reason.OTHER if blamed and diagnostic.lower().startswith("x-unix") else reason


def _passing(reason: Reason) -> Reason:
    return Reason.TRANSIENT if reason in {Reason.MAILBOX, Reason.OTHER} else reason


def _action(said: dict[str, str], status_class: str) -> str | None:
    words = said.get("action", "").lower().split()
    action = words[0].strip("();,") if words else ""
    if action in _FINE:
        return None
    known = _ACTIONS.get(action)
    if known is None and status_class in {"4", "5"}:
        return FAILED
    return known


def _who(said: dict[str, str]) -> str | None:
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        address = _address(said.get(name))
        if address is not None:
            return address
    return None


def _address(value: str | None) -> str | None:
    if not value:
        return None
    text = (value.partition(";")[2] or value).strip()
    boxes = parse_mailboxes(text)
    if boxes:
        return boxes[0].address
    # RFC 6533 §3: utf-8-addr-xtext; or a server that does not know more than a name.
    return text.strip("<>") or None

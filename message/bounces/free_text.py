"""Bounces in words only: those of Exchange, qmail, Exim, Gmail, providers and old servers."""

import re
from collections.abc import Iterable

from message import automatic, parts, refusals
from message.address import Mailbox, parse_mailboxes
from message.bounces import delivery_status, wording
from message.bounces.found import Bounce
from message.bounces.wording import ADDRESS
from message.parse import Message
from message.subject import is_reply

MOST = 100
_A = ADDRESS.pattern
# From the surest to the vaguest; the first that finds anybody is believed.
_PLACES = [
    re.compile(rf"^[>\s]*(?:(?:Final|Original)-Recipient|Recipient address)\s*:\s*(?:rfc822|system|"
    rf"x\S+)?\s*;?\s*<?({_A})", re.I | re.M),
    re.compile(rf"^\s*(?:[45]\d\d[ -])?[\"<']({_A})[>\"']\s*(?::|\.\.\.|\(|;|,?\s*$)", re.M),
    re.compile(rf"^[\s>]*(?:.{{0,40}})RCPT TO\s*:\s*<?({_A})>?.{{0,60}}(?:\n.{{0,80}})?",
    re.I | re.M),
    re.compile(rf"^[\s>*•+-]*<?(?:mailto:)?({_A})>?\s*(?::|\.\.\.|\(|;|$|<|-\s|,? on \w{{3}},|\t|"
    rf"\s{{2,}})", re.M),
    re.compile(
        rf"(?:deliver(?:ed|y|ing)?(?: (?:your|the|this|a) (?:mail|message|e-?mail))?|"
        rf"address(?:es|ee)?|users?|"
        rf"recipients?|mailbox|account|failed|unknown|invalid|sent|transmitted|reach(?:ed)?|"
        rf"send(?:ing)?(?: to)?|forward|message|mail)"
        rf"\W{{0,4}}(?:\w+\W{{1,3}}){{0,6}}?(?:to|for|by|at|is|was|are|address|name|"
        rf":)?\W{{0,6}}({_A})", re.I,
    ),
    re.compile(rf"^\s*(?:To|Recipients?|Adressat|Empf[äa]nger|宛先)\s*[:：]\s*.{{0,60}}?<?({_A})",
    re.I | re.M),
    re.compile(rf"({_A})"),
]  # fmt: skip
_SURE = 4  # places that only a report has
_COPY_TO = re.compile(
    r"^[> ]{0,4}(?:To|X-Original-To|Delivered-To|Envelope-To)\s*:\s*(.+)$", re.I | re.M
)
#: Variable envelope return paths, as Mailman, ezmlm and qmail write them: "=" stands for "@".
_VERP = re.compile(
    r"(?:bounces?|returns?|owner|errors?|verp)[+-](?:\d{1,12}[+-])?"
    r"([^\s@=]{1,64})=((?:[\w-]+\.)+[\w-]{2,})$",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"^(?:mailer-daemon|postmaster|support|abuse|help|helpdesk|noreply|no-reply|admin|"
    r"hostmaster)@",
    re.I,
)
_SOURCES = {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers"}


def read(message: Message) -> list[Bounce]:
    """The recipients that a server's own words name; empty if a person may have written them."""
    server = wording.by_server(message)
    box = message.from_
    unanswerable = message.return_path == "" and not is_reply(message.subject)
    if not server and not (box and wording.NO_REPLY.search(box.address)) and not unanswerable:
        return []
    if automatic.says_absent(message.subject):
        return []
    text = wording.text_of(message)
    embedded = delivery_status.read_in_text(message, text) if server else []
    if embedded:
        return embedded
    said, copy = wording.without_copy(text)
    named = _named_in_header(message)
    if not named and not _says_failed(message.subject, said, server):
        return []
    recipients = named or _recipients(message, said, copy, sure_only=not server)
    if not recipients and server:
        recipients = _by_way_back(message)
    delayed = wording.is_delayed(message, said)
    return [wording.bounce(one, _about(one, recipients, said), delayed) for one in recipients]


def _about(recipient: str, recipients: list[str], said: str) -> str:
    others = [one for one in recipients if one != recipient]
    return wording.about(recipient, said, others) if others else said


def _says_failed(subject: str, said: str, server: bool) -> bool:
    if server and wording.CERTAIN_SUBJECT.search(subject) and ADDRESS.search(said):
        return True
    if not wording.FAILURE.search(said):
        return False
    if wording.SUBJECT.search(subject):
        return True
    signs = (refusals.CODE, refusals.ENHANCED, wording.CERTAIN)
    return server and any(sign.search(said) for sign in signs)


def _named_in_header(message: Message) -> list[str]:
    """Exim's and Gmail's X-Failed-Recipients."""
    values = " , ".join(message.get_all("X-Failed-Recipients"))
    return _distinct(box.address for box in parse_mailboxes(values))


def _recipients(message: Message, said: str, copy: str, sure_only: bool) -> list[str]:
    ours = {box.address.lower() for box in (*message.to, *message.cc)}
    if message.from_:
        ours.add(message.from_.address.lower())
    written_to = _written_to(message, copy)
    places = _PLACES[: _SURE + 1] if sure_only else _PLACES
    fallback: list[str] = []
    for number, place in enumerate(places):
        found = _distinct(_clean(match.group(1)) for match in place.finditer(said))
        others = [one for one in found if one.lower() not in ours and not _NOBODY.match(one)]
        if number >= _SURE:
            low = said.lower()
            mentioned = [one for key, one in written_to.items() if key in low and key not in ours]
            others = mentioned[:MOST] or others[:1]
        if others:
            return others
        fallback = fallback or found
    return [one for one in written_to.values() if one.lower() not in ours][:MOST] or fallback[:1]


def _by_way_back(message: Message) -> list[str]:
    """Whom the address tells to which the report came, where the server names nobody.

    It is a path of one copy: with the recipient in it, as `list-anna=ashford.example@` (VERP),
    or with a token, which those who made it can read.
    """
    for box in (*message.to, *_mailboxes(message, "Delivered-To", "X-Original-To")):
        held = _VERP.search(box.local_part)
        if held:
            return [f"{held[1]}@{held[2]}"]
        if "+" in box.local_part:
            return [box.address]
    return []


def _mailboxes(message: Message, *names: str) -> list[Mailbox]:
    return [box for name in names for one in message.get_all(name) for box in parse_mailboxes(one)]


def _written_to(message: Message, copy: str) -> dict[str, str]:
    """Whom the returned message was written to."""
    values = _COPY_TO.findall(copy)
    for part in message.leaves:
        if part.type in _SOURCES:
            values += _COPY_TO.findall(part.content[: wording.LARGEST].decode("utf-8", "replace"))
    boxes = [box.address for value in values for box in parse_mailboxes(value)]
    return {one.lower(): one for one in boxes}


def _clean(address: str) -> str:
    return parts.safe_name(address) if "/" in address else address.strip(".'\"")


def _distinct(addresses: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for address in addresses:
        if "@" in address:
            found.setdefault(address.lower(), address)
        if len(found) >= MOST:
            break
    return list(found.values())

"""Complaints about a copy, as large providers report them (RFC 5965, ARF)."""

import re
from dataclasses import dataclass

from message import fields, parts
from message.address import parse_mailboxes
from message.bounces import wording
from message.encoded_words import decode_value
from message.parse import Message

REPORT = "message/feedback-report"
_PROVIDERS = re.compile(
    r"(?:no[-_.]?reply|noreply|abuse|arf|fbl|feedback|complaint|report|scomp|staff|spam)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Report:
    """A complaint: its type (abuse, fraud, ...), and what tells which copy and who."""

    type: str
    recipient: str | None
    message_id: str | None
    return_path: str | None


def read_report(message: Message) -> Report | None:
    """The complaint that a message reports; None if it reports none."""
    said = next((p for p in message.leaves if p.type == REPORT), None)
    copy = next(
        (p for p in message.leaves if p.type in {"message/rfc822", "text/rfc822-headers"}), None
    )
    if said is not None and not _by_provider(message):
        return None
    if said is None and not (copy is not None and _by_subject(message)):
        return None
    facts: dict[str, str] = {}
    if said is not None:
        pairs, _, _ = fields.split_header(said.content.strip() + b"\n\n")
        for name, raw in pairs:
            facts.setdefault(name.lower(), decode_value(raw))
    inner = parts.read(copy.content)[0] if copy is not None else None
    ids = fields.message_ids((inner.get("Message-ID") or "") if inner else "")
    return Report(
        facts.get("feedback-type", "abuse").lower(),
        _first(facts.get("original-rcpt-to") or (inner.get("To") if inner else None)),
        ids[0] if ids else None,
        _first(facts.get("original-mail-from") or (inner.get("Return-Path") if inner else None)),
    )


def _by_provider(message: Message) -> bool:
    """RFC 5965 §2 wants multipart/report; people pass on reports in mail of other kinds."""
    author = message.from_
    sender = author is None or _PROVIDERS.match(author.local_part) or wording.by_server(message)
    return message.root.type in {"multipart/report", REPORT} or bool(sender)


def _by_subject(message: Message) -> bool:
    """Microsoft's junk reports (JMRP) are no ARF: a subject, and the message attached."""
    author = message.from_
    known = author is not None and author.domain in {"hotmail.com", "outlook.com", "microsoft.com"}
    return known and message.subject.strip().lower().startswith("complaint about message from")


def _first(value: str | None) -> str | None:
    boxes = parse_mailboxes(value.removeprefix("rfc822;")) if value else []
    return boxes[0].address if boxes else None

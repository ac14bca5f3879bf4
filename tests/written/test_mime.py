"""219 malformed and difficult messages: what the best mail programs show, we show."""

import datetime as dt
from typing import Any

from archive.letters import _body
from message.address import Mailbox
from message.parse import Message, parse
from tests.written.mail import folded, written

#: Parts deeper than we read are kept as a file; a root that `start` names (RFC 2387 §3.2).
OTHERWISE = {"bnd_60_levels.eml", "related_start.eml"}


def _is(box: Mailbox | None, told: list[str | None]) -> bool:
    if box is None:
        return told == [None, None]
    name, address = told
    named = name is None or folded(box.name) == folded(name)
    return named and (address is None or box.address.lower() == address.lower())


def _differs(message: Message, told: dict[str, Any]) -> list[str]:
    wrong = []
    if "subject" in told and folded(message.subject) != folded(told["subject"] or ""):
        wrong.append("subject")
    if told.get("from") and not _is(message.from_, told["from"]):
        wrong.append("from")
    if "to" in told and not (
        len(message.to) == len(told["to"]) and all(map(_is, message.to, told["to"]))
    ):
        wrong.append("to")
    if told.get("message_id") and message.message_id != told["message_id"]:
        wrong.append("message id")
    if told.get("date") and message.date != dt.datetime.fromisoformat(told["date"]):
        wrong.append("date")
    return wrong + _content_differs(message, told)


def _content_differs(message: Message, told: dict[str, Any]) -> list[str]:
    text, at = folded(_body(message)), 0
    for piece in map(folded, told.get("text_contains", [])):
        at = text.find(piece, at)
        if at < 0:
            return ["text"]
        at += len(piece)
    if any(folded(piece) in text for piece in told.get("text_not_contains", [])):
        return ["text"]
    files = [(file.name, file.sha256) for file in message.attachments]
    if "attachments" in told:
        wanted = [(name, digest) for name, digest in told["attachments"]]
        same = len(files) == len(wanted) and all(
            digest == there and name in (None, called)
            for (called, there), (name, digest) in zip(files, wanted, strict=True)
        )
        return [] if same else ["attachments"]
    return []


def test_what_they_hold() -> None:
    """Subject, mailboxes, id, date, text in order, and each attachment to the byte."""
    wrong = {
        case["file"]: _differs(parse(case["raw"]), case["expected"]) for case in written("mime")
    }
    wrong = {name: fields for name, fields in wrong.items() if fields}
    print(
        f"\nmime: {len(written('mime')) - len(wrong)} of {len(written('mime'))}; otherwise {wrong}"
    )
    assert wrong.keys() <= OTHERWISE

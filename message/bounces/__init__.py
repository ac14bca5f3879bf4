"""Bounces: who could not be reached, for good or for now, and about which copy.

RFC 3464 first, for that is what most servers write; then what each of the others writes.
"""

from dataclasses import dataclass

from message import fields, parts
from message.bounces import delivery_status, free_text, known
from message.bounces.found import DELAYED, FAILED, Bounce
from message.parse import Message

__all__ = ["Bounce", "is_bounce", "is_delay", "read", "returned_ids", "returned_message"]


def read(message: Message) -> list[Bounce]:
    """The recipients that a message reports as not, or not yet, reached; empty if it is no bounce.

    A recipient for whom the server still tries has the action "delayed".
    """
    known_already = message.found.get(__name__)
    if not isinstance(known_already, list):
        known_already = message.found[__name__] = _read(message)
    return list(known_already)


def _read(message: Message) -> list[Bounce]:
    if delivery_status.is_report(message):
        found = delivery_status.read(message)
        if found or _is_success(message):
            return found
    for reader in (free_text.read, known.read):
        found = reader(message)
        if found:
            return found
    return []


def is_bounce(message: Message) -> bool:
    """Whether a message reports that somebody was not reached and no further try will be made."""
    return any(bounce.action == FAILED for bounce in read(message))


def is_delay(message: Message) -> bool:
    """Whether it is a delivery report that reports no failure: delayed, delivered, relayed."""
    found = read(message)
    if found:
        return all(bounce.action == DELAYED for bounce in found)
    return delivery_status.is_report(message)


def _is_success(message: Message) -> bool:
    content = b"".join(
        part.content for part in message.leaves if part.type.endswith("delivery-status")
    )
    return b"action:" in content.lower()


@dataclass(frozen=True, slots=True)
class Returned:
    """The returned message, as far as it was returned."""

    headers: fields.Fields

    def get(self, name: str) -> str | None:
        """The first of its fields of that name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


def returned_message(message: Message) -> Returned | None:
    """The header of the message that came back inside a report."""
    for part in message.leaves:
        if part.type in {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers",
                         "message/global", "message/global-headers"}:  # fmt: skip
            root, _, _ = parts.read(part.content)
            return Returned(root.headers)
    return None


def returned_ids(message: Message) -> list[str]:
    """Message-IDs of the copy that a report is about, the likeliest first."""
    returned = returned_message(message)
    inner = fields.message_ids(returned.get("Message-ID") or "") if returned else ()
    return list(dict.fromkeys((*inner, *message.in_reply_to, *reversed(message.references))))

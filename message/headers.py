"""Header fields of our own mail, serialised so that nothing breaks them (RFC 5322, RFC 2047).

CPython's serialiser turns long `List-Unsubscribe` or `References` fields into encoded-words, which
breaks one-click leaving and threading. Here ids and addresses are never encoded, only folded
between them, and free text is encoded only where it is not ASCII.
"""

import re
from collections.abc import Sequence

from message import encoded_words
from message.address import Mailbox, format_mailbox

LINE = 76
LONGEST_LINE = 998  # RFC 5322 §2.1.1
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NAME = re.compile(r"[!-9;-~]+")

#: Fields made of ids, addresses and keywords: words in them are tokens, never encoded.
STRUCTURED = frozenset(
    {
        "message-id", "in-reply-to", "references", "date", "mime-version", "content-type",
        "content-transfer-encoding", "content-disposition", "list-id", "list-unsubscribe",
        "list-unsubscribe-post", "list-help", "list-subscribe", "list-owner", "list-archive",
        "list-post", "archived-at", "auto-submitted", "precedence", "feedback-id", "to",
        "x-auto-response-suppress", "x-folkmoot-loop", "return-path", "thread-index",
    }
)  # fmt: skip
Value = str | Mailbox | Sequence[Mailbox]


class BadHeader(ValueError):
    """A value that would break out of its header field (RFC 5322 §2.2), or is too long."""


def header_bytes(name: str, value: Value) -> bytes:
    """One field, folded, with its CRLF.

    `value` is text, or mailboxes. Raises BadHeader for control characters, a bad name, a token
    that is not ASCII, or a line over 998 octets.
    """
    if not _NAME.fullmatch(name):
        raise BadHeader("this is not the name of a header field")
    if isinstance(value, Mailbox):
        value = [value]
    if not isinstance(value, str):
        boxes = [format_mailbox(box) for box in value]
        return _checked(f"{name}: " + ",\r\n ".join(boxes))
    refuse_controls(value)
    if name.lower() in STRUCTURED:
        return _checked(_folded(name, value.split()))
    if value.isascii() and "=?" not in value:
        return _checked(_folded(name, value.split(" ")))
    return _checked(f"{name}: " + "\r\n ".join(encoded_words.encode(value)))


def refuse_controls(value: str) -> None:
    """Raise BadHeader if a value could begin a field of its own."""
    if _CONTROL.search(value):
        raise BadHeader("a header field cannot hold line breaks or control characters")


def _folded(name: str, words: Sequence[str]) -> str:
    lines = [f"{name}:"]
    for word in words:
        # A field must not have a line of blanks only, so the first word stays beside the name.
        if len(lines[-1]) + 1 + len(word) > LINE and lines[-1] != f"{name}:" and word:
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines)


def _checked(field: str) -> bytes:
    try:
        raw = field.encode("ascii")
    except UnicodeEncodeError:
        raise BadHeader("ids and addresses in a header field must be ASCII") from None
    if max(map(len, raw.split(b"\r\n"))) > LONGEST_LINE:
        raise BadHeader("a header field has a line of more than 998 octets")
    return raw + b"\r\n"


def new_message_id(unique: str, domain: str) -> str:
    """A Message-ID (without < >) from something unique: a dot-atom at our domain (RFC 5322 §3.6.4).

    Nothing personal goes in: the same id is in all copies and retries of one message.
    """
    return f"{re.sub(r'[^a-z0-9.-]', '', unique.lower()).strip('.')}@{domain}"

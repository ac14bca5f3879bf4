"""Header fields of our own mail, serialised so that nothing breaks them (RFC 5322, RFC 2047).

CPython's serialiser turns long `List-Unsubscribe` or `References` fields into encoded-words, which
breaks one-click leaving and threading. Here ids and addresses are never encoded, only folded
between them, and free text is encoded only where it is not ASCII.
"""

import re
from collections.abc import Sequence

from message import encoded_words
from message.address import Mailbox, format_mailbox, parse_mailboxes

LINE = 76
LONGEST_LINE = 998  # RFC 5322 §2.1.1
LONGEST_WORD = 400  # a word of free text that is longer goes out in encoded-words
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NAME = re.compile(r"[!-9;-~]+")

#: Fields made of ids, addresses and keywords: words in them are tokens, never encoded.
STRUCTURED = frozenset(
    {
        "message-id", "in-reply-to", "references", "date", "mime-version", "content-type",
        "content-transfer-encoding", "content-disposition", "list-id", "list-unsubscribe",
        "list-unsubscribe-post", "list-help", "list-subscribe", "list-owner", "list-archive",
        "list-post", "archived-at", "auto-submitted", "precedence", "feedback-id",
        "x-auto-response-suppress", "x-folkmoot-loop", "return-path", "thread-index",
    }
)  # fmt: skip
#: Fields of mailboxes: their names may be encoded, their addresses never (RFC 2047 §5).
ADDRESSES = frozenset({"from", "sender", "reply-to", "to", "cc"})
#: RFC 5322 §3.6: what may stand in a message once, and MIME's own (RFC 2045).
ONCE = STRUCTURED | ADDRESSES | {"subject"}
Value = str | Mailbox | Sequence[Mailbox]


class BadHeader(ValueError):
    """A value that would break out of its header field (RFC 5322 §2.2), or is too long."""


def header_bytes(name: str, value: Value) -> bytes:
    """One field, folded, with its CRLF.

    `value` is text, or mailboxes. Raises BadHeader for control characters, a bad name, a token
    that is not ASCII, or a line over 998 octets; message.address.BadAddress for an address.
    """
    if not _NAME.fullmatch(name):
        raise BadHeader("this is not the name of a header field")
    key = name.lower()
    if isinstance(value, str):
        refuse_controls(value)
        if key in ADDRESSES and not value.isascii():
            value = parse_mailboxes(value)
    if isinstance(value, Mailbox):
        value = [value]
    if not isinstance(value, str):
        value = ", ".join(format_mailbox(box) for box in value)
    if key in STRUCTURED | ADDRESSES:
        return _checked(folded(f"{name}:", value.split()))
    words = value.split(" ")
    if value.isascii() and "=?" not in value and max(map(len, words)) <= LONGEST_WORD:
        return _checked(folded(f"{name}:", words))
    encoded = encoded_words.encode(value, taken=len(name) + 2)
    return _checked(f"{name}: " + "\r\n ".join(encoded))


def refuse_controls(value: str) -> None:
    """Raise BadHeader if a value could begin a field of its own."""
    if _CONTROL.search(value):
        raise BadHeader("a header field cannot hold line breaks or control characters")


def folded(first: str, words: Sequence[str]) -> str:
    """Words behind `first`, each after a blank, with line breaks between them where needed.

    The first word stays beside it: no line of a field may be blank (RFC 5322 §3.2.2).
    """
    lines = [first]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > LINE and lines[-1] != first and word:
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
    plain = re.sub(r"[^a-z0-9.-]", "", unique.lower())
    return f"{re.sub(r'[.]{2,}', '.', plain).strip('.')}@{domain}"

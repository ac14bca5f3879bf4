"""A message as its signatures look at it: fields byte for byte, canonical forms, tag lists."""

import hashlib
import re
from collections.abc import Sequence

from message.dkim import ended, relaxed_body, relaxed_field, split_fields
from message.fields import split_header

#: The envelope line of an mbox, which is no field.
_ENVELOPE = re.compile(rb"From [ \t]*[^ \t:]")
_BARE = re.compile(rb"(?<!\r)\n")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VALUE = re.compile(rb"(^|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_FORMS = frozenset({"simple", "relaxed"})


class Letter:
    """The fields and the body of a message, as they were signed.

    `sound` says whether others read the same fields in it: a line in the header that is no field
    is read in many ways (RFC 7103 §7.1), and what a signature then says of it means nothing.
    """

    def __init__(self, raw: bytes) -> None:
        if raw.count(b"\n") != raw.count(b"\r\n"):
            raw = _BARE.sub(b"\r\n", raw)  # as it must have been on the wire (RFC 5321 §2.3.8)
        found, _, defects = split_header(raw)
        in_lines = b"\n" in raw[:100_000]  # else lone CRs are read as line ends
        if _ENVELOPE.match(raw):
            raw = raw.partition(b"\r\n")[2]
        head, _, self.body = (b"\r\n" + raw).partition(b"\r\n\r\n")
        self.fields = split_fields(head)
        self.sound = in_lines and not defects and len(found) == len(self.fields)
        names = [name.lower() for name, _ in found] if self.sound else []
        self._places: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            self._places.setdefault(name, []).append(number)
        self._bodies: dict[str, bytes] = {}

    def named(self, name: str) -> list[bytes]:
        """All fields of a name, from the top; none if the header is not sound."""
        return [self.fields[number] for number in self._places.get(name, [])]

    def chosen(self, names: Sequence[str]) -> list[bytes]:
        """The fields that h= names, of equal ones the last first (RFC 6376 §5.4.2)."""
        left = {name: list(places) for name, places in self._places.items()}
        return [self.fields[left[name].pop()] for name in names if left.get(name)]

    def body_in(self, form: str) -> bytes:
        """The body in canonical form; it is made once."""
        if form not in self._bodies:
            make = relaxed_body if form == "relaxed" else simple_body
            self._bodies[form] = make(self.body)
        return self._bodies[form]

    def body_hash(self, form: str, length: int | None = None) -> bytes:
        """SHA-256 of the body in canonical form, or of its beginning."""
        return hashlib.sha256(memoryview(self.body_in(form))[:length]).digest()


def simple_body(body: bytes) -> bytes:
    """A body in simple form (RFC 6376 §3.4.3)."""
    return ended(body) or b"\r\n"


def field_in(form: str, field: bytes) -> bytes:
    """A field in canonical form, with its CRLF (RFC 6376 §3.4.1, §3.4.2)."""
    return relaxed_field(field) if form == "relaxed" else field


def unsigned(form: str, field: bytes) -> bytes:
    """A signature's own field as it was signed: b= is empty, no CRLF (RFC 6376 §3.7)."""
    name, colon, value = field.partition(b":")
    empty = _VALUE.sub(rb"\1\2", value.removesuffix(b"\r\n"), count=1)
    return field_in(form, name + colon + empty + b"\r\n").removesuffix(b"\r\n")


def tags(value: bytes) -> dict[str, str] | None:
    """A tag list (RFC 6376 §3.2): values by name, without blanks around; None if it is none."""
    parts = value.decode("utf-8", "replace").split(";")
    if not parts[-1].strip(" \t\r\n"):
        parts.pop()
    found: dict[str, str] = {}
    for part in parts:
        name, sign, text = (word.strip(" \t\r\n") for word in part.partition("="))
        if not sign or not _NAME.fullmatch(name) or name in found:
            return None
        found[name] = text
    return found or None


def forms(tag: str) -> tuple[str, str] | None:
    """The canonical forms of header and body that c= names; None if there are no such forms."""
    header, _, body = tag.partition("/")
    chosen = (header, body if "/" in tag else "simple")
    return chosen if _FORMS.issuperset(chosen) else None

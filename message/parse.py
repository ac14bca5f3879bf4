"""A message from bytes: any bytes in, a structure out, never an exception (RFC 5322, RFC 7103)."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import cached_property

from message import fields, parts, plaintext
from message.address import Mailbox, parse_mailboxes
from message.fields import Fields
from message.parts import Part
from message.quoting import html as quoted_html

#: Parts that belong to the message itself and are never shown as text or as a file.
_MACHINERY = frozenset({"message/delivery-status", "message/feedback-report", "text/calendar"})


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came along."""

    name: str
    type: str
    content: bytes

    @property
    def size(self) -> int:
        """Length in octets."""
        return len(self.content)

    @property
    def sha256(self) -> str:
        """Digest of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """A text/calendar part: the method of its Content-Type (upper case, may be empty), its text."""

    method: str
    text: str


@dataclass(frozen=True)
class Message:
    """What a message says; everything is derived from its fields and its tree of parts."""

    headers: Fields
    root: Part
    header_block: bytes
    defects: tuple[str, ...]
    raw: bytes = b""

    def get(self, name: str) -> str | None:
        """The first field of that name, unfolded and decoded."""
        return self.root.get(name)

    def get_all(self, name: str) -> list[str]:
        """All fields of that name, from the top."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def _mailboxes(self, name: str) -> list[Mailbox]:
        return [box for value in self.get_all(name) for box in parse_mailboxes(value)]

    @cached_property
    def from_(self) -> Mailbox | None:
        """The author: the first mailbox of From."""
        return next(iter(self._mailboxes("From")), None)

    @cached_property
    def sender(self) -> Mailbox | None:
        """The mailbox of Sender."""
        return next(iter(self._mailboxes("Sender")), None)

    @cached_property
    def reply_to(self) -> list[Mailbox]:
        """The mailboxes of Reply-To."""
        return self._mailboxes("Reply-To")

    @cached_property
    def to(self) -> list[Mailbox]:
        """The mailboxes of To."""
        return self._mailboxes("To")

    @cached_property
    def cc(self) -> list[Mailbox]:
        """The mailboxes of Cc."""
        return self._mailboxes("Cc")

    @cached_property
    def return_path(self) -> str | None:
        """The envelope's sender; "" for the null path `<>`, None when the field is not there."""
        value = self.get("Return-Path")
        if value is None:
            return None
        boxes = parse_mailboxes(value)
        return boxes[0].address if boxes else ""

    @cached_property
    def subject(self) -> str:
        """The subject; "" when there is none."""
        return self.get("Subject") or ""

    @cached_property
    def date(self) -> dt.datetime | None:
        """When it says it was written, in UTC; None when it does not say."""
        value = self.get("Date")
        return fields.date(value) if value else None

    @cached_property
    def message_id(self) -> str | None:
        """Its Message-ID without < >."""
        return next(iter(fields.message_ids(self.get("Message-ID") or "")), None)

    @cached_property
    def in_reply_to(self) -> tuple[str, ...]:
        """The ids of In-Reply-To."""
        return fields.message_ids(self.get("In-Reply-To") or "")

    @cached_property
    def references(self) -> tuple[str, ...]:
        """The ids of References, the oldest ancestor first."""
        return fields.message_ids(" ".join(self.get_all("References")))

    @cached_property
    def leaves(self) -> tuple[Part, ...]:
        """The parts without children, in order; attached messages are leaves."""
        found: list[Part] = []
        waiting = [self.root]
        while waiting:
            part = waiting.pop()
            if part.children:
                waiting.extend(reversed(part.children))
            else:
                found.append(part)
        return tuple(found)

    @cached_property
    def _body(self) -> tuple[list[Part], list[Part], list[Part]]:
        return _body_parts(self.root)

    @cached_property
    def text(self) -> str:
        """The body as a reader sees it, as plain text; taken from HTML when there is only that."""
        plain, html, _ = self._body
        if plain:
            return "\n".join(_plain(part) for part in plain)
        return "\n".join(quoted_html.to_text(part.text()) for part in html)

    @cached_property
    def html(self) -> str | None:
        """The HTML of the body, as it came: not to be shown before it is sanitised."""
        _, html, _ = self._body
        return "\n".join(part.text() for part in html) if html else None

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        """The files that came along, also images that the HTML shows."""
        _, _, files = self._body
        return tuple(_attachment(part, number) for number, part in enumerate(files, 1))

    @cached_property
    def calendars(self) -> tuple[CalendarPart, ...]:
        """The calendar parts, wherever they stand."""
        return tuple(
            CalendarPart(part.params.get("method", "").upper(), part.text())
            for part in self.leaves
            if part.type in {"text/calendar", "application/ics"}
        )


def parse(raw: bytes) -> Message:
    """Read a message. Whatever the bytes, this returns; what was wrong stands in `defects`."""
    root, header, defects = parts.read(_in_lines(raw))
    return Message(root.headers, root, header, tuple(defects), raw)


def _in_lines(raw: bytes) -> bytes:
    """The bytes without a byte-order mark, and in lines also where a system ends them with CR."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\n" not in raw[:100_000] and b"\r" in raw:
        return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return raw


def _body_parts(root: Part) -> tuple[list[Part], list[Part], list[Part]]:
    """The parts of a message sorted into plain text, HTML and files (RFC 2046 §5.1.4)."""
    plain: list[Part] = []
    html: list[Part] = []
    files: list[Part] = []
    waiting = [(root, False)]  # a part, and whether it is one of alternatives
    while waiting:
        part, choice = waiting.pop()
        if part.children:
            inner = choice or part.type == "multipart/alternative"
            waiting.extend((child, inner) for child in reversed(part.children))
        elif _is_file(part):
            files.append(part)
        elif part.type == "text/html":
            html.append(part)
        elif part.type in _MACHINERY or (choice and part.type not in {"text/plain"}):
            if part.type not in _MACHINERY and part.content:
                files.append(part)
        elif part.type.startswith("text/") or part.type in {"", "message/partial"}:
            plain.append(part)
        else:
            files.append(part)
    if plain and not html:
        return plain, html, files
    return [part for part in plain if part.content.strip() or not html], html, files


def _is_file(part: Part) -> bool:
    if part.type in _MACHINERY:
        return part.disposition == "attachment"
    if part.disposition == "attachment":
        return True
    if part.type in {"text/plain", "text/html"}:
        return bool(part.filename) and part.disposition != "inline"
    return not part.type.startswith(("text/", "multipart/")) and part.type != "message/partial"


def _attachment(part: Part, number: int) -> Attachment:
    name = part.filename
    if name is None:
        ending = {"message/rfc822": ".eml", "text/calendar": ".ics"}.get(part.type, "")
        name = f"attachment-{number}{ending}"
    return Attachment(name, part.type or "application/octet-stream", part.content)


def _plain(part: Part) -> str:
    text = part.text()
    if part.type != "text/plain":
        return text
    if part.params.get("format", "").lower() == "flowed":
        return plaintext.unflow(text, part.params.get("delsp", "").lower() == "yes")
    return text

"""A message from bytes: any bytes in, a structure out, never an exception (RFC 5322, RFC 7103)."""

import datetime as dt
import hashlib
import mimetypes
from dataclasses import dataclass, field
from functools import cached_property
from html import escape

from message import fields, parts, plaintext, quoting, tnef
from message.address import Mailbox, parse_mailboxes
from message.charset import decode
from message.fields import Fields
from message.parts import Part
from message.quoting import html as quoted_html

#: Parts that belong to the message itself and are never shown as text or as a file.
_MACHINERY = frozenset(
    {
        "message/delivery-status", "message/feedback-report", "text/calendar", "text/x-amp-html",
        "text/watch-html",
    }
)  # fmt: skip
#: Text that is data: a file even where it has no name.
_DATA = frozenset(
    {
        "text/csv", "text/css", "text/xml", "text/rtf", "text/vcard", "text/x-vcard",
        "text/directory", "text/javascript", "text/rfc822-headers",
    }
)  # fmt: skip


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


@dataclass(slots=True)
class _Passage:
    """A piece of the body: plain text, HTML, or the same in both (RFC 2046 §5.1.4)."""

    plain: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)

    def as_text(self) -> str:
        if self.html and not any(part.content.strip() for part in self.plain):
            return "\n".join(quoted_html.to_text(part.text()) for part in self.html)
        return "\n".join(_plain(part) for part in self.plain)

    def as_html(self) -> str:
        if self.html:
            return "\n".join(part.text() for part in self.html)
        lines = escape(self.as_text(), quote=False).split("\n")
        return f"<div>{'<br>'.join(lines)}</div>"


@dataclass(frozen=True)
class Message:
    """What a message says; everything is derived from its fields and its tree of parts."""

    headers: Fields
    root: Part
    header_block: bytes
    defects: tuple[str, ...]
    raw: bytes = b""
    #: What others made out of it, by their names: it is done once, and goes where the message goes.
    found: dict[str, object] = field(default_factory=dict, init=False, compare=False, repr=False)

    def get(self, name: str) -> str | None:
        """The first field of that name, unfolded and decoded."""
        return self.root.get(name)

    def get_all(self, name: str) -> list[str]:
        """All fields of that name, from the top."""
        return self.root.named.get(name.lower(), [])

    def _mailboxes(self, name: str) -> list[Mailbox]:
        return [box for value in self.get_all(name) for box in parse_mailboxes(value)]

    @cached_property
    def passages(self) -> tuple[quoting.Passage, ...]:
        """The text taken apart: own words, quotations, signature."""
        return tuple(quoting.split(self.text, author=self.author_name, html=self.html))

    @property
    def author_name(self) -> str:
        """How the author is called, as far as From tells."""
        return self.from_.name if self.from_ else ""

    @cached_property
    def authors(self) -> list[Mailbox]:
        """The mailboxes of From: RFC 5322 §3.6.2 allows several."""
        return self._mailboxes("From")

    @property
    def from_(self) -> Mailbox | None:
        """The author: the first mailbox of From."""
        return self.authors[0] if self.authors else None

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
    def _body(self) -> tuple[list[_Passage], list[Part]]:
        return _body_parts(self.root)

    @cached_property
    def text(self) -> str:
        """The body as a reader sees it, as plain text; taken from HTML where there is only that."""
        text = "\n".join(passage.as_text() for passage in self._body[0])
        return text if text.strip() else "\n".join(map(_text_in, self._packages.values())) or text

    @cached_property
    def _packages(self) -> dict[int, tnef.Package]:
        """Outlook's packages among the files (winmail.dat), by their number."""
        return {
            number: tnef.read(part.content)
            for number, part in enumerate(self._body[1], 1)
            if tnef.is_tnef(part.content)
        }

    @cached_property
    def html(self) -> str | None:
        """The HTML of the body, as it came: not to be shown before it is sanitised."""
        passages, _ = self._body
        if not any(passage.html for passage in passages):
            return None
        return "\n".join(passage.as_html() for passage in passages)

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        """The files that came along, also images that the HTML shows; those of a package apart."""
        found: list[Attachment] = []
        for number, part in enumerate(self._body[1], 1):
            packed = _unpacked(self._packages.get(number), bool(self.text.strip()))
            found += packed or [_attachment(part, number)]
        return tuple(found)

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


def _body_parts(root: Part) -> tuple[list[_Passage], list[Part]]:
    """The body in order of reading, and the files (RFC 2046 §5.1, as in RFC 8621 §4.1.4).

    What stands side by side is read one after the other: several texts of Apple Mail, the footer
    of a list below HTML. Of alternatives, one is read.
    """
    passages: list[_Passage] = []
    files: list[Part] = []
    waiting: list[tuple[Part, _Passage | None, bool]] = [(root, None, True)]
    while waiting:
        part, choice, first = waiting.pop()
        if part.children:
            if choice is None and part.type == "multipart/alternative":
                choice = _Passage()
                passages.append(choice)
            related = part.type == "multipart/related"
            inner = [
                (child, choice, number == 0 or (not related and not child.filename))
                for number, child in enumerate(part.children)
            ]
            waiting.extend(reversed(inner))
        elif _is_read(part, first, choice is not None):
            passage = choice
            if passage is None:
                passage = _Passage()
                passages.append(passage)
            (passage.html if part.type == "text/html" else passage.plain).append(part)
        elif part.type not in _MACHINERY or part.disposition == "attachment":
            files.append(part)
    return [passage for passage in passages if passage.plain or passage.html], files


def _is_read(part: Part, first: bool, choice: bool) -> bool:
    """Whether a leaf is part of what is read.

    Where it stands `first`, a name makes it no file; of a `choice`, only known types are read.
    """
    if part.disposition == "attachment":
        return False
    if part.type in {"text/plain", "text/html"}:
        return first
    shown = part.type.startswith("text/") and part.type not in _MACHINERY | _DATA
    return shown and not choice and not part.filename


def _attachment(part: Part, number: int) -> Attachment:
    name = part.filename
    if name is None:
        ending = {"message/rfc822": ".eml", "text/calendar": ".ics"}.get(part.type, "")
        name = f"attachment-{number}{ending}"
    return Attachment(name, part.type or "application/octet-stream", part.content)


def _unpacked(package: tnef.Package | None, has_text: bool) -> list[Attachment]:
    """The files of a package; a text that can be shown in no other way is one of them."""
    if package is None:
        return []
    files = [
        Attachment(
            parts.safe_name(file.name) if file.name else f"attachment-{number}",
            file.type or mimetypes.guess_type(file.name)[0] or "application/octet-stream",
            file.content,
        )
        for number, file in enumerate(package.files, 1)
    ]
    if package.rtf and not has_text:
        files.append(Attachment("message.rtf", "application/rtf", package.rtf))
    return files


def _text_in(package: tnef.Package) -> str:
    if package.text.strip() or not package.html:
        return package.text
    return quoted_html.to_text(decode(package.html, "utf-8"))


def _plain(part: Part) -> str:
    text = part.text()
    if part.type != "text/plain":
        return text
    if part.params.get("format", "").lower() == "flowed":
        return plaintext.unflow(text, part.params.get("delsp", "").lower() == "yes")
    return text

"""A message from its parts: fields, text, HTML, calendar and files, in the order of RFC 2046.

mixed( alternative( text/plain, text/html, text/calendar ), files ): plainest first (RFC 2046
§5.1.4), and a calendar part last, where Outlook and Gmail look for it.
"""

import hashlib
import html as html_module
import re
from base64 import encodebytes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from message import ics
from message.headers import ONCE, BadHeader, Value, header_bytes
from message.parse import Attachment
from message.parts import safe_name

#: What quoted-printable cannot hold as it is.
_ESCAPED = re.compile(rb"[^\t !-<>-~]")
_EQUALS = ord("=")
#: RFC 2045 §6.7: a line of quoted-printable has at most 76 characters, the soft break included.
_LINE = 75
_METHOD = re.compile(r"[A-Z-]{1,40}")
_RESTRICTED_NAME = r"[A-Za-z0-9!#$&^_.+-]{1,60}"  # RFC 6838 §4.2
_TYPE = re.compile(f"{_RESTRICTED_NAME}/{_RESTRICTED_NAME}")


@dataclass(frozen=True, slots=True)
class Calendar:
    """An iCalendar object and its method, which is also said in the Content-Type (RFC 6047 §2.4).

    The text has one logical line a line: it is folded when it is written.
    """

    method: str
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as meant: fields, each once, and contents; only the text has to be there.

    `flowed` says that the lines of the text are those of message.plaintext.flowed.
    """

    headers: Sequence[tuple[str, Value]]
    text: str
    html: str | None = None
    calendar: Calendar | None = None
    files: Sequence[Attachment] = ()
    flowed: bool = False


#: How a part's text becomes the bytes of its body; a mould leaves slots in them.
Encode = Callable[[str, str], bytes]


def quoted_printable(text: str) -> bytes:
    """Text as quoted-printable UTF-8 (RFC 2045 §6.7) with CRLF line ends.

    Also encodes what transport might change: blanks at the end of a line, and "From " and "." at
    its beginning.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return b"\r\n".join(_quoted_line(line) for line in lines)


def _quoted_line(line: str) -> bytes:
    text = _ESCAPED.sub(_escape, line.encode("utf-8", "replace"))
    if text.endswith((b" ", b"\t")):
        text = text[:-1] + b"=%02X" % text[-1]
    pieces: list[bytes] = []
    at = 0
    while at < len(text):
        first = b""
        if text.startswith((b".", b"From "), at):
            first, at = b"=%02X" % text[at], at + 1
        end = at + _LINE - len(first)
        if end < len(text):  # an escape is not broken in two: "=" begins escapes only
            end -= 1 if text[end - 1] == _EQUALS else 2 * (text[end - 2] == _EQUALS)
        pieces.append(first + text[at:end])
        at = end
    return b"=\r\n".join(pieces)


def _escape(found: re.Match[bytes]) -> bytes:
    return b"=%02X" % found[0][0]


def message_bytes(draft: Draft) -> bytes:
    """The finished message, CRLF line ends, nothing signed yet.

    Raises message.headers.BadHeader for a field that cannot be written, or that stands twice.
    """
    return b"".join(assemble(draft, _encoded))


def _encoded(place: str, text: str) -> bytes:
    return base64_lines(ics.folded(text)) if place == "calendar" else quoted_printable(text)


def base64_lines(content: bytes) -> bytes:
    """Content in base64, in lines of 76 characters with CRLF (RFC 2045 §6.8)."""
    return encodebytes(content).replace(b"\n", b"\r\n")


def assemble(draft: Draft, encode: Encode) -> list[bytes]:
    """The message in pieces, each body as `encode` gives it.

    `encode` takes a body's place ("text", "html", "calendar") and its text, and gives it back in
    its transfer encoding.
    """
    refuse_doubles(draft.headers)
    pieces = [header_bytes(name, value) for name, value in draft.headers]
    pieces.append(b"MIME-Version: 1.0\r\n")
    seed = hashlib.sha256("\x00".join([draft.text, draft.html or ""]).encode("utf-8", "replace"))
    mark = seed.hexdigest()[:24]
    body = _alternative(draft, encode, f"=_a{mark}")
    if not draft.files:
        return [*pieces, *body]
    outer = f"=_m{mark}"
    pieces.append(_multipart("mixed", outer))
    pieces += [f"--{outer}\r\n".encode(), *body]
    for file in draft.files:
        pieces += [f"\r\n--{outer}\r\n".encode(), _file(file)]
    return [*pieces, f"\r\n--{outer}--\r\n".encode()]


def refuse_doubles(headers: Sequence[tuple[str, Value]]) -> None:
    """Raise BadHeader if a field that may stand once stands twice (RFC 5322 §3.6)."""
    names = [name.lower() for name, _ in headers if name.lower() in ONCE]
    if len(names) != len(set(names)) or "mime-version" in names or "content-type" in names:
        raise BadHeader("a header field that may stand in a message once is given twice")


def _multipart(kind: str, boundary: str) -> bytes:
    return f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n\r\n'.encode()


def _alternative(draft: Draft, encode: Encode, boundary: str) -> list[bytes]:
    form = "; format=flowed" if draft.flowed else ""  # RFC 3676 §4; delsp=no is what it means
    parts = [_text_part(f"plain; charset=utf-8{form}", encode("text", draft.text))]
    if draft.html is not None:
        parts.append(_text_part("html; charset=utf-8", encode("html", draft.html)))
    if draft.calendar is not None:
        method = _method(draft.calendar)
        head = f"Content-Type: text/calendar; method={method}; charset=utf-8\r\n"
        head += "Content-Transfer-Encoding: base64\r\n\r\n"
        parts.append(head.encode() + encode("calendar", draft.calendar.text))
    if len(parts) == 1:
        return [parts[0]]
    pieces = [_multipart("alternative", boundary)]
    for part in parts:
        pieces += [f"--{boundary}\r\n".encode(), part, b"\r\n"]
    return [*pieces, f"--{boundary}--\r\n".encode()]


def _text_part(form: str, body: bytes) -> bytes:
    head = f"Content-Type: text/{form}\r\n"
    return head.encode() + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + body


def _method(calendar: Calendar) -> str:
    """RFC 6047 §2.4: the method in the Content-Type is the one inside, or clients refuse it."""
    said = [line for line in calendar.text.splitlines() if line.startswith("METHOD:")]
    if not _METHOD.fullmatch(calendar.method) or said != [f"METHOD:{calendar.method}"]:
        raise ValueError("The method of a calendar must be the METHOD that stands in it, once.")
    return calendar.method


def _file(file: Attachment) -> bytes:
    kind = file.type if _TYPE.fullmatch(file.type) else "application/octet-stream"
    if kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"  # RFC 2046 §5.2: these cannot be base64
    name = safe_name(file.name)
    shown = f"*=utf-8''{quote(name, safe='')}"  # RFC 2231 §4
    if re.fullmatch(r"[\w. ()-]{1,60}", name, re.ASCII):
        shown = f'="{name}"'
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;\r\n filename{shown}\r\n\r\n"
    )
    return head.encode() + base64_lines(file.content)


def escape_html(text: str) -> str:
    """Text as it stands in HTML, in an attribute too."""
    return html_module.escape(text, quote=True)

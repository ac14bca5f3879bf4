"""The tree of parts of a message (RFC 2045, RFC 2046), read without recursion and within bounds."""

import binascii
import quopri
import re
from dataclasses import dataclass, field

from message import fields
from message.charset import decode
from message.encoded_words import decode_value, loose_base64

DEEPEST = 50
MOST_PARTS = 2_000
_ADDRESSES = frozenset({"from", "to", "cc", "bcc", "sender", "reply-to", "resent-from"})
_CONTROL = re.compile("[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(slots=True)
class Part:
    """One part: its type in lower case, its fields, and its content with the encoding undone."""

    type: str
    params: dict[str, str]
    headers: fields.Fields
    content: bytes = b""
    children: list["Part"] = field(default_factory=list)
    disposition: str = ""
    filename: str | None = None

    def get(self, name: str) -> str | None:
        """The first field of that name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def text(self) -> str:
        """The content as text, with line ends as \\n."""
        text = decode(self.content, self.params.get("charset"))
        return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(slots=True)
class _Open:
    part: Part
    body: bytes
    depth: int


def read(raw: bytes) -> tuple[Part, bytes, list[str]]:
    """The root part of a message, its header block, and what was wrong. Never raises."""
    root, body, defects = _head(raw, "text/plain")
    header = raw[: len(raw) - len(body)]
    waiting = [_Open(root, body, 0)]
    count = 1
    while waiting:
        here = waiting.pop()
        pieces = _pieces(here, defects)
        if pieces is None:
            here.part.content = _decoded(here.part, here.body, defects)
            continue
        kind = "message/rfc822" if here.part.type == "multipart/digest" else "text/plain"
        for piece in pieces:
            if count >= MOST_PARTS:
                defects.append("too many parts: the rest is kept in the original only")
                break
            count += 1
            child, child_body, _ = _head(piece, kind)
            here.part.children.append(child)
            waiting.append(_Open(child, child_body, here.depth + 1))
    return root, header, list(dict.fromkeys(defects))


def _head(raw: bytes, default: str) -> tuple[Part, bytes, list[str]]:
    found, start, defects = fields.split_header(raw)
    headers = tuple(
        (name, decode_value(value, addresses=name.lower() in _ADDRESSES)) for name, value in found
    )
    part = Part(default, {}, headers)
    declared = part.get("Content-Type")
    if declared:
        kind, part.params = fields.parameters(declared)
        part.type = kind if kind.count("/") == 1 else "text/plain"
    shown = part.get("Content-Disposition")
    extra: dict[str, str] = {}
    if shown:
        part.disposition, extra = fields.parameters(shown)
    name = extra.get("filename") or part.params.get("name")
    if name is not None:
        part.filename = safe_name(decode_value(name.encode("utf-8", "replace")))
    return part, raw[start:], defects


def safe_name(name: str) -> str:
    """A file name without path, control and direction characters, of at most 200 bytes."""
    base = re.split(r"[/\\]", _CONTROL.sub("", name))[-1].strip().strip(".")
    while len(base.encode("utf-8", "replace")) > 200:
        stem, dot, ending = base.rpartition(".")
        base = f"{stem[:-1]}{dot}{ending}" if dot and len(ending) < 12 and stem else base[:-1]
    return base or "attachment"


def _pieces(here: _Open, defects: list[str]) -> list[bytes] | None:
    """The bodies of the parts of a multipart; None when the part is a leaf."""
    if not here.part.type.startswith("multipart/"):
        return None
    if here.depth >= DEEPEST:
        defects.append("parts are nested too deeply: the rest is kept in the original only")
        return None
    boundary = here.part.params.get("boundary", "")
    if not boundary:
        defects.append("a multipart has no boundary")
        return None
    pieces = _cut(here.body, boundary.encode("utf-8", "replace"), defects)
    if not pieces:
        defects.append("a multipart has no part")
        return None
    return pieces


def _cut(body: bytes, boundary: bytes, defects: list[str]) -> list[bytes]:
    """RFC 2046 §5.1.1: what stands between the delimiter lines."""
    line = re.compile(rb"(?:^|(?<=\n))--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\r|$)")
    pieces: list[bytes] = []
    start: int | None = None
    for match in line.finditer(body):
        if start is not None:
            pieces.append(_without_last_break(body[start : match.start()]))
        if match.group(1):
            return pieces
        start = match.end()
        if len(pieces) >= MOST_PARTS:
            return pieces
    if start is not None:
        defects.append("a multipart does not end")
        pieces.append(body[start:])
    return pieces


def _without_last_break(piece: bytes) -> bytes:
    if piece.endswith(b"\r\n"):
        return piece[:-2]
    return piece[:-1] if piece.endswith(b"\n") else piece


def _decoded(part: Part, body: bytes, defects: list[str]) -> bytes:
    encoding = (part.get("Content-Transfer-Encoding") or "").strip().lower()
    if encoding == "base64":
        data = loose_base64(body)
        if not data and body.strip():
            defects.append("base64 that cannot be read: kept as it came")
            return body
        return data
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return _uudecoded(body, defects)
    return body


def _uudecoded(body: bytes, defects: list[str]) -> bytes:
    out: list[bytes] = []
    inside = False
    for line in body.splitlines():
        if not inside:
            inside = line.startswith(b"begin ")
        elif line.strip() == b"end":
            break
        else:
            try:
                out.append(binascii.a2b_uu(line))
            except binascii.Error:
                defects.append("a line of uuencoded data cannot be read")
    return b"".join(out)

"""The tree of parts of a message (RFC 2045, RFC 2046), read without recursion and within bounds."""

import binascii
import quopri
import re
from dataclasses import dataclass, field

from message import fields
from message.charset import decode
from message.encoded_words import decode_value, loose_base64

DEEPEST = 50
MOST_PARTS = 10_000
LONGEST_NAME = 200
_ADDRESSES = frozenset(
    {
        "from", "to", "cc", "bcc", "sender", "reply-to", "return-path", "delivered-to", "errors-to",
        "resent-from", "resent-sender", "resent-to", "resent-cc", "x-original-to",
        "disposition-notification-to",
    }
)  # fmt: skip
#: Signs that hide what a name is, among them those that turn the direction of writing.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_TYPE = re.compile(r"[^\s/;]+/[^\s/;]+")
_META = re.compile(rb"<meta[^>]{1,200}charset\s*=\s*[\"']?([A-Za-z0-9_:-]{2,40})", re.IGNORECASE)
_DELIMITER_END = re.compile(rb"(--)?[ \t]*(?:\r?\n|\r|\Z)")
_LIKELY_BOUNDARY = re.compile(
    rb"(?:^|\n)--([^\r\n]{1,70}?)[ \t]*\r?\n(?=content-[a-z-]{2,40}:)", re.IGNORECASE
)


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
    _named: dict[str, list[str]] | None = field(default=None, init=False, repr=False, compare=False)

    def get(self, name: str) -> str | None:
        """The first field of that name."""
        found = self.named.get(name.lower())
        return found[0] if found else None

    @property
    def named(self) -> dict[str, list[str]]:
        """The fields by their names in small letters, those of one name from the top."""
        if self._named is None:
            self._named = {}
            for key, value in self.headers:
                self._named.setdefault(key.lower(), []).append(value)
        return self._named

    def text(self) -> str:
        """The content as text, with line ends as \\n."""
        label = self.params.get("charset")
        if label is None and self.type == "text/html":
            meta = _META.search(self.content, 0, 2_000)
            label = meta[1].decode("ascii") if meta else None
        text = decode(self.content, label)
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
            here.part.content = decoded(here.part, here.body, defects)
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
    # Parameters are cut before encoded-words in them are decoded, which may hold any sign.
    declared = _undecoded(found, "content-type")
    kind, params = fields.parameters(declared) if declared else (default, {})
    charset = params.get("charset")
    headers = tuple(
        (name, decode_value(value, addresses=name.lower() in _ADDRESSES, charset=charset))
        for name, value in found
    )
    # RFC 2045 §5.2
    part = Part(kind if _TYPE.fullmatch(kind) else "text/plain", params, headers)
    part.disposition, extra = fields.parameters(_undecoded(found, "content-disposition"))
    name = extra.get("filename") or part.params.get("name")
    if name is not None:
        part.filename = safe_name(decode_value(name[:2_000].encode("utf-8", "replace")))
    return part, raw[start:], defects


def _undecoded(found: list[tuple[str, bytes]], wanted: str) -> str:
    return next((decode(value, "utf-8") for name, value in found if name.lower() == wanted), "")


def safe_name(name: str) -> str:
    """A file name without path, control and direction characters, of at most 200 bytes."""
    base = re.split(r"[/\\]", _UNSEEN.sub("", name[-2_000:]))[-1].strip().strip(".")
    stem, dot, ending = base.rpartition(".")
    if not stem or len(ending) > 12:
        stem, dot, ending = base, "", ""
    room = LONGEST_NAME - len(f"{dot}{ending}".encode("utf-8", "replace"))
    stem = stem.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
    return f"{stem}{dot}{ending}" or "attachment"


def _pieces(here: _Open, defects: list[str]) -> list[bytes] | None:
    """The bodies of the parts of a multipart; None when the part is a leaf."""
    part = here.part
    if not part.type.startswith("multipart/"):
        return None
    if here.depth >= DEEPEST:
        defects.append("parts are nested too deeply: the rest is kept in the original only")
        return None
    boundary = part.params.get("boundary", "").encode("utf-8", "replace")
    # RFC 2046 §5.1.1: a boundary does not end in a blank. Some do, in their delimiters as well.
    open_ended: list[str] = []
    pieces = _cut(here.body, boundary, open_ended) if boundary.strip() else []
    if boundary != boundary.rstrip() and (open_ended or not pieces):
        open_ended.clear()
        pieces = _cut(here.body, boundary.rstrip(), open_ended)
    defects += open_ended
    if not pieces:
        defects.append("a multipart has no part under its boundary")
        likely = _LIKELY_BOUNDARY.search(here.body)
        pieces = _cut(here.body, likely[1], defects) if likely else []
    if not pieces:
        part.type = "text/plain"  # what is there is at least shown
        return None
    return pieces


def _cut(body: bytes, boundary: bytes, defects: list[str]) -> list[bytes]:
    """RFC 2046 §5.1.1: what stands between the delimiter lines."""
    delimiter = b"--" + boundary
    pieces: list[bytes] = []
    start: int | None = None
    at = body.find(delimiter)
    while at >= 0:
        line = _DELIMITER_END.match(body, at + len(delimiter))
        if line is None or (at and body[at - 1 : at] not in (b"\n", b"\r")):
            at = body.find(delimiter, at + 1)
            continue
        if start is not None:
            pieces.append(_without_last_break(body[start:at]))
        if line[1] or len(pieces) >= MOST_PARTS:
            return pieces
        start = line.end()
        at = body.find(delimiter, start)
    if start is not None:
        defects.append("a multipart does not end")
        pieces.append(body[start:])
    return pieces


def _without_last_break(piece: bytes) -> bytes:
    if piece.endswith(b"\r\n"):
        return piece[:-2]
    return piece[:-1] if piece.endswith(b"\n") else piece


def decoded(part: Part, body: bytes, defects: list[str]) -> bytes:
    """A body with its transfer encoding undone; what cannot be undone is left as it came."""
    said = (part.get("Content-Transfer-Encoding") or "").lower()
    encoding = said.partition(";")[0].strip(" '\"")
    if encoding == "base64":
        data = loose_base64(body)
        if (not data and body.strip()) or _is_prose(body):
            defects.append("base64 that cannot be read: kept as it came")
            return body
        return data
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return _uudecoded(body, defects)
    return body


def _is_prose(body: bytes) -> bool:
    """Whether each line has several words: it was written, not encoded (RFC 2045 §6.8)."""
    lines = [line for line in body[:2_000].splitlines() if line.strip()]
    return bool(lines) and all(len(line.split()) > 2 for line in lines)


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
    if not inside:
        defects.append("uuencoded data does not begin: kept as it came")
        return body
    return b"".join(out)

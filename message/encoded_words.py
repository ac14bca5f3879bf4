"""Encoded-words (RFC 2047): text in header fields that are ASCII, written and read."""

import base64
import binascii
import quopri
import re

from message.charset import clean, decode, decode_field

#: RFC 2047 §2: an encoded-word has at most 75 characters; `=?utf-8?b??=` takes 12 of them.
_ROOM = (75 - 12) // 4 * 3
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(\?=)\s+(=\?[^?\s]+\?[bBqQ]\?)")
_SPECIAL = re.compile(r'[()<>@,;:\\".\[\]]')
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_PADDING = re.compile(rb"=+")
_BASE64_LINE = re.compile(rb"\s*([A-Za-z0-9+/]{2,}={0,2})[ \t\r]*(?:\n|\Z)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def encode(text: str, taken: int = 0) -> list[str]:
    """Text as encoded-words of at most 75 characters, cut between characters.

    `taken` says how much of the first line is used already: with words in it, a line has at most
    76 characters (RFC 2047 §2).
    """
    words: list[bytes] = []
    piece = b""
    room = max(4, (76 - 12 - taken) // 4 * 3) if taken else _ROOM
    for character in text:
        raw = character.encode("utf-8", "replace")
        if len(piece) + len(raw) > room:
            words.append(piece)
            piece, room = b"", _ROOM
        piece += raw
    words.append(piece)
    return [f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words]


def decode_value(raw: bytes, *, addresses: bool = False, charset: str | None = None) -> str:
    """A field's value as Unicode, its encoded-words decoded and adjacent ones joined.

    In a field of `addresses` a decoded word that holds signs of its own is quoted, since what
    stands in an encoded-word is never syntax (RFC 2047 §5). Controls become blanks. Bytes that are
    no UTF-8 are read as the `charset` of the body.
    """
    text = decode_field(raw, charset)
    if "=?" in text:
        text = _decoded(text, addresses)
    elif text.isprintable() and "  " not in text:
        return text
    return " ".join(_CONTROL.sub(" ", text).split())


def _decoded(text: str, addresses: bool) -> str:
    # RFC 2047 §6.2: white space between two encoded-words is not part of the text.
    text = _BETWEEN.sub(r"\1\2", text)
    out: list[str] = []
    run: list[tuple[str, list[bytes]]] = []
    at = 0
    quoted = False  # whether what comes stands in a quoted-string
    for match in _WORD.finditer(text):
        between = text[at : match.start()]
        if between:
            out += [_settled(run, addresses, quoted), between]
            quoted ^= between.count('"') % 2 == 1
            run = []
        label = match.group(1).partition("*")[0].lower()
        # A character may have been cut in two: equal charsets are decoded together.
        if not run or run[-1][0] != label:
            run.append((label, []))
        run[-1][1].append(_word(match.group(2), match.group(3)))
        at = match.end()
    out += [_settled(run, addresses, quoted), text[at:]]
    return clean("".join(out))


def _settled(run: list[tuple[str, list[bytes]]], addresses: bool, quoted: bool) -> str:
    text = "".join(decode(b"".join(data), label) for label, data in run)
    if not addresses or not _SPECIAL.search(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return escaped if quoted else f'"{escaped}"'


def _word(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw.replace(b"_", b"=20"))
    return loose_base64(raw)


def loose_base64(raw: bytes) -> bytes:
    """What base64 gives when its padding and strange characters are forgiven.

    Behind padding only what is base64 as well is read on: gateways glue such texts together, and
    lists write their footer below.
    """
    out: list[bytes] = []
    at = 0
    while at < len(raw):
        pad = _PADDING.search(raw, at)
        run = _NOT_BASE64.sub(b"", raw[at : pad.start() if pad else len(raw)])
        run = run[: len(run) - (len(run) % 4 == 1)]
        out.append(binascii.a2b_base64(run + b"=" * (-len(run) % 4)))
        line = _BASE64_LINE.match(raw, pad.end()) if pad else None
        if pad is None or line is None or len(line[1]) % 4:
            break
        at = pad.end()
    return b"".join(out)

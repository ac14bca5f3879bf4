"""Encoded-words (RFC 2047): text in header fields that are ASCII, written and read."""

import base64
import binascii
import quopri
import re

from message.charset import clean, decode

#: RFC 2047 §2: an encoded-word has at most 75 characters; `=?utf-8?b??=` takes 12 of them.
_ROOM = (75 - 12) // 4 * 3
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(\?=)\s+(=\?[^?\s]+\?[bBqQ]\?)")
_SPECIAL = re.compile(r'[()<>@,;:\\".\[\]]')


def encode(text: str) -> list[str]:
    """Text as encoded-words of at most 75 characters, cut between characters."""
    words: list[bytes] = []
    piece = b""
    for character in text:
        raw = character.encode("utf-8", "replace")
        if len(piece) + len(raw) > _ROOM:
            words.append(piece)
            piece = b""
        piece += raw
    words.append(piece)
    return [f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words]


def decode_value(raw: bytes, *, addresses: bool = False) -> str:
    """A field's value as Unicode, its encoded-words decoded and adjacent ones joined.

    In a field of `addresses` a decoded word that holds signs of its own is quoted, since what
    stands in an encoded-word is never syntax (RFC 2047 §5).
    """
    text = decode(raw, "utf-8")
    if "=?" not in text:
        return " ".join(text.split()) if "\t" in text or "  " in text else text
    # RFC 2047 §6.2: white space between two encoded-words is not part of the text.
    text = _BETWEEN.sub(r"\1\2", text)
    out: list[str] = []
    run: list[tuple[str, bytes]] = []
    at = 0
    for match in _WORD.finditer(text):
        if match.start() > at:
            out.append(_settled(run, addresses and _outside_quotes(out)))
            out.append(text[at : match.start()])
            run = []
        label = match.group(1).partition("*")[0].lower()
        data = _word(match.group(2), match.group(3))
        # A character may have been cut in two: equal charsets are decoded together.
        if run and run[-1][0] == label:
            run[-1] = (label, run[-1][1] + data)
        else:
            run.append((label, data))
        at = match.end()
    out.append(_settled(run, addresses and _outside_quotes(out)))
    out.append(text[at:])
    return clean(" ".join("".join(out).split()))


def _settled(run: list[tuple[str, bytes]], quote: bool) -> str:
    text = "".join(decode(data, label) for label, data in run)
    if quote and _SPECIAL.search(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def _outside_quotes(before: list[str]) -> bool:
    return "".join(before).count('"') % 2 == 0


def _word(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw.replace(b"_", b"=20"))
    return loose_base64(raw)


def loose_base64(raw: bytes) -> bytes:
    """What base64 gives when its padding and strange characters are forgiven."""
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    data = data[: len(data) - (len(data) % 4 == 1)]
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return b""

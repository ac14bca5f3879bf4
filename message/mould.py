"""A mould: a message composed once, with slots for what differs from copy to copy.

Rendering and MIME cost milliseconds, filling a mould microseconds; and a stored mould gives the
same bytes for a copy however often and however late it is filled. A template puts a *marker* where
a slot is to be; each value is encoded for the place in which its slot stands.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from message import compose, encoded_words, ics
from message.compose import Draft
from message.headers import BadHeader, header_bytes, refuse_controls

#: Letters and digits only, so that HTML escaping, URL quoting and CSS inlining leave it alone.
_MARKER = re.compile(r"Xslot((?:[0-9a-f]{2})+)Z")
_IN_BYTES = re.compile(rb"Xslot((?:[0-9a-f]{2})+)Z")
_SAFE = re.compile(r"[!-<>-~](?:[ -<>-~]{0,68}[!-<>-~])?")

Piece = bytes | tuple[str, str]  # finished bytes, or a place and what fills it


class EmptySlot(KeyError):
    """A slot of the mould was given no value."""


def marker(name: str) -> str:
    """What a template writes where the slot of that name is to be."""
    return f"Xslot{name.encode().hex()}Z"


@dataclass(frozen=True, slots=True)
class Mould:
    """Pieces in order. A place is header, text, html, or calendar (whose text holds markers)."""

    pieces: tuple[Piece, ...]

    def slots(self) -> frozenset[str]:
        """The names of all slots."""
        names: set[str] = set()
        for piece in self.pieces:
            if isinstance(piece, tuple):
                place, name = piece
                names |= set(_names(name)) if place == "calendar" else {name}
        return frozenset(names)

    def fill(self, values: Mapping[str, str]) -> bytes:
        """A copy: the finished message for these values, not signed yet.

        Raises EmptySlot for a value that is not given, BadHeader for one that would break out of
        its header field.
        """
        try:
            return b"".join(
                piece if isinstance(piece, bytes) else _ENCODERS[piece[0]](piece[1], values)
                for piece in self.pieces
            )
        except KeyError as missing:
            raise EmptySlot(str(missing)) from None

    def to_bytes(self) -> bytes:
        """The mould as it is stored."""
        flat = [p.decode("latin-1") if isinstance(p, bytes) else list(p) for p in self.pieces]
        return json.dumps(flat, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Mould":
        """The mould that `to_bytes` wrote."""
        flat = json.loads(raw)
        return cls(tuple(p.encode("latin-1") if isinstance(p, str) else (p[0], p[1]) for p in flat))


def build(draft: Draft) -> Mould:
    """A mould of a message whose fields and texts hold markers."""
    pieces: list[Piece] = []
    for name, value in draft.headers:
        pieces += _slotted(header_bytes(name, value), "header")
    bodies: list[Piece] = []

    def encode(place: str, text: str) -> bytes:
        """A body is put in place later: here it only gets a number of its own."""
        bodies.append((place, text))
        return f"\x00{len(bodies) - 1}\x00".encode()

    rest = b"".join(compose.assemble(Draft((), draft.text, draft.html, draft.calendar, draft.files),
                                     encode))  # fmt: skip
    for number, piece in enumerate(rest.split(b"\x00")):
        if number % 2 == 0:
            pieces.append(piece)
        else:
            place, text = bodies[int(piece)]
            assert isinstance(place, str)
            pieces += _body(place, str(text))
    return Mould(_merged(pieces))


def _body(place: str, text: str) -> list[Piece]:
    text = text.replace("\x00", "")
    if place == "calendar":
        return [("calendar", text)]
    pieces: list[Piece] = []
    for number, piece in enumerate(_MARKER.split(text)):
        if number % 2:
            # Each slot has its own line between soft breaks, so a value cannot overrun one.
            pieces += [b"=\r\n", (place, bytes.fromhex(piece).decode()), b"=\r\n"]
        else:
            pieces.append(compose.quoted_printable(piece))
    return pieces


def _slotted(field: bytes, place: str) -> list[Piece]:
    return [
        (place, bytes.fromhex(piece.decode()).decode()) if number % 2 else piece
        for number, piece in enumerate(_IN_BYTES.split(field))
    ]


def _merged(pieces: list[Piece]) -> tuple[Piece, ...]:
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(piece, bytes) and isinstance(last, bytes):
            merged[-1] = last + piece
        elif piece != b"":
            merged.append(piece)
    return tuple(merged)


def _names(text: str) -> list[str]:
    return [bytes.fromhex(found).decode() for found in _MARKER.findall(text)]


def _header(name: str, values: Mapping[str, str]) -> bytes:
    value = values[name]
    refuse_controls(value)
    if value.isascii():
        return value.encode()
    if "@" in value:
        raise BadHeader("an address in a header field must be ASCII")
    return "\r\n ".join(encoded_words.encode(value)).encode()


def _text(name: str, values: Mapping[str, str]) -> bytes:
    return _printable(values[name])


def _html(name: str, values: Mapping[str, str]) -> bytes:
    return _printable(compose.escape_html(values[name]))


def _printable(value: str) -> bytes:
    if _SAFE.fullmatch(value) and value[0] != "." and not value.startswith("From "):
        return value.encode()
    raw = compose.quoted_printable(value)
    # A soft break follows: what the last line ends with is safe, but it must fit before the "=".
    return raw


def _calendar(text: str, values: Mapping[str, str]) -> bytes:
    filled = _MARKER.sub(lambda m: ics.escaped(values[bytes.fromhex(m[1]).decode()]), text)
    return compose.base64_lines(ics.folded(filled))


_ENCODERS = {"header": _header, "text": _text, "html": _html, "calendar": _calendar}

"""A mould: a message composed once, with slots for what differs from copy to copy.

Rendering and MIME cost milliseconds, filling a mould microseconds; and a stored mould gives the
same bytes for a copy however often and however late it is filled. A template puts a *marker* where
a slot is to be; each value is encoded for the place in which its slot stands.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from message import compose, ics
from message.address import Mailbox
from message.compose import Draft
from message.headers import (
    ADDRESSES,
    STRUCTURED,
    BadHeader,
    Value,
    folded,
    header_bytes,
    refuse_controls,
)

#: Letters and digits only, so that HTML escaping, URL quoting and CSS inlining leave it alone.
_MARKER = re.compile(r"Xslot((?:[0-9a-f]{2})+)Z")
_IN_BYTES = re.compile(rb"Xslot((?:[0-9a-f]{2})+)Z")
_SAFE = re.compile(r"[!-<>-~](?:[ -<>-~]{0,73}[!-<>-~])?")

#: Octets of a value that need no folding, and more than which a line cannot take.
_SHORT, _LONGEST = 70, 400
Piece = bytes | tuple[str, str]  # finished bytes, or a place and what fills it


class EmptySlot(KeyError):
    """A slot of the mould was given no value."""


def marker(name: str) -> str:
    """What a template writes where the slot of that name is to be."""
    return f"Xslot{name.encode().hex()}Z"


@dataclass(frozen=True, slots=True)
class Mould:
    """Pieces in order, each finished bytes or a place and what fills it.

    In the places header, address, text and html one slot is filled. In field and calendar, whose
    form depends on the whole, what stands beside the place is a text that holds markers.
    """

    pieces: tuple[Piece, ...]

    def slots(self) -> frozenset[str]:
        """The names of all slots."""
        names: set[str] = set()
        for piece in self.pieces:
            if isinstance(piece, tuple):
                place, name = piece
                names |= set(_names(name)) if place in _WHOLE else {name}
        return frozenset(names)

    def fill(self, values: Mapping[str, str]) -> bytes:
        """A copy: the finished message for these values, not signed yet.

        Raises EmptySlot for a value that is not given, BadHeader for one that would break out of
        its header field.
        """
        return b"".join(filled(piece, values) for piece in self.pieces)

    def to_bytes(self) -> bytes:
        """The mould as it is stored."""
        flat = [p.decode("latin-1") if isinstance(p, bytes) else list(p) for p in self.pieces]
        return json.dumps(flat, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Mould":
        """The mould that `to_bytes` wrote."""
        flat = json.loads(raw)
        return cls(tuple(p.encode("latin-1") if isinstance(p, str) else (p[0], p[1]) for p in flat))


def filled(piece: Piece, values: Mapping[str, str]) -> bytes:
    """The bytes of one piece for these values; raises what Mould.fill raises."""
    if isinstance(piece, bytes):
        return piece
    place, name = piece
    try:
        return _ENCODERS[place](name, values)
    except KeyError as missing:
        raise EmptySlot(str(missing)) from None


def build(draft: Draft) -> Mould:
    """A mould of a message whose fields and texts hold markers."""
    compose.refuse_doubles(draft.headers)
    pieces: list[Piece] = []
    for name, value in draft.headers:
        pieces += _field(name, value)
    bodies: list[Piece] = []

    def encode(place: str, text: str) -> bytes:
        """A body is put in place later: here it only gets a number of its own."""
        bodies.append((place, text))
        return f"\x00{len(bodies) - 1}\x00".encode()

    rest = b"".join(compose.assemble(replace(draft, headers=()), encode))
    for number, piece in enumerate(rest.split(b"\x00")):
        if number % 2 == 0:
            pieces.append(piece)
        else:
            place, text = bodies[int(piece)]
            pieces += _body(str(place), str(text))
    return Mould(_merged(pieces))


def _body(place: str, text: str) -> list[Piece]:
    text = text.replace("\x00", "")
    if place == "calendar":
        return [("calendar", text)]
    pieces: list[Piece] = []
    for number, piece in enumerate(_MARKER.split(text)):
        if number % 2:
            # Each slot has its own line between soft breaks, so a value cannot overrun one.
            pieces += [b"=\r\n", (place, _name(piece)), b"=\r\n"]
        else:
            pieces.append(compose.quoted_printable(piece))
    return pieces


def _field(name: str, value: Value) -> list[Piece]:
    """A field in pieces: slots in free text are encoded with it, in others they stand as given."""
    if isinstance(value, str):
        if _MARKER.search(value) and name.lower() not in STRUCTURED | ADDRESSES:
            refuse_controls(value)
            return [("field", f"{name}: {value}")]
        boxes: Sequence[Mailbox] = []
    else:
        boxes = [value] if isinstance(value, Mailbox) else value
    if any(_MARKER.search(box.name) for box in boxes):
        raise BadHeader("a slot cannot be a name beside an address: make one slot of both")
    place = "address" if name.lower() in ADDRESSES else "header"
    return [
        (place, _name(piece.decode())) if number % 2 else piece
        for number, piece in enumerate(_IN_BYTES.split(header_bytes(name, value)))
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
    return [_name(found) for found in _MARKER.findall(text)]


def _name(coded: str) -> str:
    return bytes.fromhex(coded).decode("utf-8", "replace")


def _header(name: str, values: Mapping[str, str]) -> bytes:
    if not values[name].isascii():
        raise BadHeader("ids in a header field must be ASCII")
    return _address(name, values)


def _address(name: str, values: Mapping[str, str]) -> bytes:
    """An address may be international: then it stands there as it is (RFC 6532 §3.2)."""
    value = values[name]
    refuse_controls(value)
    if len(value) <= _SHORT:
        return value.encode()
    words = value.split(" ")
    if max(map(len, words)) > _LONGEST:
        raise BadHeader("a value is too long for a line of a header field")
    return folded("", words)[1:].encode()


def _free_text(text: str, values: Mapping[str, str]) -> bytes:
    name, _, value = text.partition(": ")
    return header_bytes(name, _MARKER.sub(lambda m: values[_name(m[1])], value))


def _text(name: str, values: Mapping[str, str]) -> bytes:
    return _printable(values[name])


def _html(name: str, values: Mapping[str, str]) -> bytes:
    return _printable(compose.escape_html(values[name]))


def _printable(value: str) -> bytes:
    if _SAFE.fullmatch(value) and value[0] != "." and not value.startswith("From "):
        return value.encode()
    return compose.quoted_printable(value)


def _calendar(text: str, values: Mapping[str, str]) -> bytes:
    def written(slot: re.Match[str]) -> str:
        """The value as its place in the content line wants it (RFC 5545 §3.1)."""
        value = values[_name(slot[1])]
        before = text[text.rfind("\n", 0, slot.start()) + 1 : slot.start()]
        if before.count('"') % 2:
            return ics.in_quotes(value)
        return ics.bare(value) if before.endswith("mailto:") else ics.escaped(value)

    return compose.base64_lines(ics.folded(_MARKER.sub(written, text)))


#: Places whose text is encoded as a whole.
_WHOLE = {"field", "calendar"}
_ENCODERS = {"header": _header, "address": _address, "field": _free_text, "text": _text,
             "html": _html, "calendar": _calendar}  # fmt: skip

"""A mould whose copies come signed: what all copies share is put in canonical form only once.

A copy differs from the others in a few slots. All else, 95 of 100 bytes, has the same relaxed form
(RFC 6376 §3.4) in each of them; so only what fills the slots is looked at again for a copy.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence

from message import dkim, wire
from message.mould import Mould, Piece, filled
from message.wire import OnWire

_PLACE = re.compile(rb"\x00(\d+)\x00")
_BLANK_AT_A_BREAK = (b"\n ", b"\n\t", b" \r", b"\t\r")


class SignedMould:
    """A mould and the keys that sign its copies; the first signature stands on top."""

    def __init__(self, mould: Mould, signers: Sequence[dkim.Signer]) -> None:
        self._mould, self._signers = mould, signers
        head, _, body = _with_places(mould.pieces).partition(b"\r\n\r\n")
        fields = dkim.split_fields(head + b"\r\n")
        names, self._chosen = dkim.chosen_fields(fields)
        self._stamps = [signer.stamp(names) for signer in signers]
        made_of = [_made_of(field, mould.pieces) for field in fields]
        self._filled_fields = [(at, made) for at, made in enumerate(made_of) if made]
        #: The header, raw and relaxed, and so the body; what is filled stands at odd places there.
        self._fields, self._relaxed_fields = fields, list(map(dkim.relaxed_field, fields))
        self._body = _PLACE.split(body)
        self._slots = [mould.pieces[int(number)] for number in self._body[1::2]]
        *inner, last = self._body[::2]
        self._relaxed_body = list(self._body)
        self._relaxed_body[::2] = [*map(dkim.relaxed_lines, inner), dkim.relaxed_body(last)]
        self._parts_well = _parts_well(self._body[::2])
        #: The hash of what stands before the first slot of the body.
        self._hash = hashlib.sha256(self._relaxed_body[0])

    def slots(self) -> frozenset[str]:
        """The names of all slots."""
        return self._mould.slots()

    def fill(self, values: Mapping[str, str]) -> OnWire:
        """A signed copy for these values, ready for the wire; raises what Mould.fill raises."""
        given = [filled(piece, values) for piece in self._slots]
        if not (self._parts_well and _fit(given)):
            return wire.on_wire(self._signed_as_a_whole(values))
        fields, relaxed_fields = self._fields.copy(), self._relaxed_fields.copy()
        for at, pieces in self._filled_fields:
            fields[at] = b"".join([filled(piece, values) for piece in pieces])
            relaxed_fields[at] = dkim.relaxed_field(fields[at])
        body, relaxed_body = self._body.copy(), self._relaxed_body.copy()
        body[1::2], relaxed_body[1::2] = given, map(dkim.relaxed_lines, given)
        signed = b"".join([relaxed_fields[at] for at in self._chosen])
        hash_ = self._hash.copy()
        hash_.update(b"".join(relaxed_body[1:]))
        signatures = [stamp(signed, hash_.digest()) for stamp in self._stamps]
        return OnWire(b"".join((*signatures, *fields, b"\r\n", *body)))

    def _signed_as_a_whole(self, values: Mapping[str, str]) -> bytes:
        copy = unsigned = self._mould.fill(values)
        for signer in reversed(self._signers):
            copy = signer.sign(unsigned).removesuffix(unsigned) + copy
        return copy


def _with_places(pieces: Sequence[Piece]) -> bytes:
    """The mould as one text, the number of its piece standing for each slot.

    A NUL stands nowhere else: fields refuse it and bodies encode it.
    """
    return b"".join(
        piece
        if isinstance(piece, bytes)
        else piece[1].partition(":")[0].encode() + b":\x00%d\x00\r\n" % number
        if piece[0] == "field"  # the whole of it
        else b"\x00%d\x00" % number
        for number, piece in enumerate(pieces)
    )


def _made_of(field: bytes, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces of a field that is filled anew in each copy; none for one that is fixed."""
    parts = _PLACE.split(field)
    if len(parts) == 1:
        return []
    made: list[Piece] = list(parts)
    made[1::2] = [pieces[int(number)] for number in parts[1::2]]
    whole = [piece for piece in made[1::2] if piece[0] == "field"]
    return whole or made


def _parts_well(fixed: Sequence[bytes]) -> bool:
    """Whether the relaxed form of the whole body is that of its parts, put together."""
    return (
        all(map(wire.ready, fixed))
        and all(piece[-1:] not in (b"", b" ", b"\t", b"\r") for piece in fixed[:-1])
        and all(piece[:1] not in (b"", b" ", b"\t", b"\r") for piece in fixed[1:])
        and bool(fixed[-1].strip())
        and fixed[-1].endswith(b"\r\n")
    )


def _fit(values: Sequence[bytes]) -> bool:
    """Whether the same holds with these values in the slots."""
    lines = b"\r\n".join((b"", *values, b""))
    return wire.ready(lines) and not any(sign in lines for sign in _BLANK_AT_A_BREAK)

"""What Outlook packs into winmail.dat (TNEF, MS-OXTNEF): files, and the text in other forms.

Nothing in it is trusted: every length is checked, and what cannot be read ends the reading.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

SIGNATURE = b"\x78\x9f\x3e\x22"
TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
MOST_FILES, MOST_PROPERTIES, LARGEST_TEXT = 500, 5_000, 8 << 20

_ATTACH, _DATA, _TITLE, _ATTACH_PROPERTIES = 0x9002, 0x800F, 0x8010, 0x9005
_BODY, _PROPERTIES = 0x800C, 0x9003
#: MS-OXPROPS: ids of the properties that hold something for a reader.
_LONG_NAME, _NAME, _CONTENT, _MIME = 0x3707, 0x3704, 0x3701, 0x370E
_TEXT, _HTML, _RTF = 0x1000, 0x1013, 0x1009
#: MS-OXTNEF 2.1.3.5: sizes of the types of fixed length, in the stream.
_SIZES = {0x01: 0, 0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4,
          0x14: 8, 0x40: 8, 0x48: 16}  # fmt: skip
_STRING8, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x102
_VARIABLE = frozenset({_STRING8, _UNICODE, _OBJECT, _BINARY})
_MANY = 0x1000
#: MS-OXRTFCP 2.1.2.1: what a compressed text may refer to before it said anything.
_BEGINNING = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


@dataclass(slots=True)
class File:
    """A file in the package; a name or a type that it does not say is empty."""

    name: str = ""
    type: str = ""
    content: bytes = b""


@dataclass(slots=True)
class Package:
    """All that was in it: files, and the text of the message in the forms that it has."""

    files: list[File] = field(default_factory=list)
    text: str = ""
    html: bytes = b""
    rtf: bytes = b""


class _End(Exception):
    """The bytes end before what they announce."""


def is_tnef(content: bytes) -> bool:
    """Whether these bytes are such a package."""
    return content.startswith(SIGNATURE)


def read(content: bytes) -> Package:
    """What is in a package, as far as it can be read. Never raises."""
    package = Package()
    try:
        for number, data in _attributes(content):
            _take(package, number, data)
    except (_End, struct.error):
        pass  # what was read until here is there
    for file in package.files:
        file.name = file.name.strip("\0 ")
    return package


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = len(SIGNATURE) + 2
    while at + 9 <= len(content):
        _, number, _, length = struct.unpack_from("<BHHI", content, at)
        if at + 9 + length > len(content):
            raise _End
        yield number, content[at + 9 : at + 9 + length]
        at += 9 + length + 2


def _take(package: Package, number: int, data: bytes) -> None:
    if number == _ATTACH and len(package.files) < MOST_FILES:
        package.files.append(File())
    elif number == _BODY:
        package.text = package.text or _string(data, _STRING8)
    elif number == _PROPERTIES:
        _take_text(package, data)
    elif package.files:
        file = package.files[-1]
        if number == _DATA:
            file.content = data
        elif number == _TITLE:
            file.name = file.name or _string(data, _STRING8)
        elif number == _ATTACH_PROPERTIES:
            _take_properties(file, data)


def _take_text(package: Package, data: bytes) -> None:
    for number, kind, value in _properties(data):
        if number == _TEXT:
            package.text = _string(value, kind)
        elif number == _HTML:
            package.html = _string(value, kind).encode() if kind == _UNICODE else value
        elif number == _RTF:
            package.rtf = unpacked_rtf(value)


def _take_properties(file: File, data: bytes) -> None:
    for number, kind, value in _properties(data):
        if number == _LONG_NAME:
            file.name = _string(value, kind) or file.name
        elif number == _NAME:
            file.name = file.name or _string(value, kind)
        elif number == _MIME:
            file.type = _string(value, kind).lower()
        elif number == _CONTENT and not file.content:
            # An object begins with the id of its interface.
            file.content = value[16:] if kind == _OBJECT else value


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """MS-OXTNEF 2.1.3.4: id, type and first value of each property."""
    (count,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(count, MOST_PROPERTIES)):
        kind, number = struct.unpack_from("<HH", data, at)
        at += 4
        if number >= 0x8000:
            at = _past_name(data, at)
        value, at = _value(data, at, kind)
        yield number, kind & ~_MANY, value


def _past_name(data: bytes, at: int) -> int:
    """A named property has a GUID, and a number or a name of its own."""
    (named,) = struct.unpack_from("<I", data, at + 16)
    if not named:
        return at + 24
    (length,) = struct.unpack_from("<I", data, at + 20)
    return at + 24 + _padded(length)


def _value(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    bare, times = kind & ~_MANY, 1
    if bare in _VARIABLE or kind & _MANY:
        (times,) = struct.unpack_from("<I", data, at)
        at += 4
    first = b""
    for turn in range(times):
        if bare in _VARIABLE:
            (size,) = struct.unpack_from("<I", data, at)
            at += 4
        elif bare in _SIZES:
            size = _SIZES[bare]
        else:
            raise _End
        if at + size > len(data):
            raise _End
        if not turn:
            first = data[at : at + size]
        at += _padded(size)
    return first, at


def _padded(length: int) -> int:
    return length + -length % 4


def _string(value: bytes, kind: int) -> str:
    if kind == _UNICODE:
        text = value[: len(value) & ~1].decode("utf-16-le", "replace")
    else:
        text = value.decode("cp1252", "replace")
    return text.rstrip("\0")


def unpacked_rtf(packed: bytes) -> bytes:
    """The text of a compressed RTF (MS-OXRTFCP), as far as it can be read."""
    if len(packed) < 16:
        return b""
    size, mark = struct.unpack_from("<I", packed, 4)[0], packed[8:12]
    if mark == b"MELA":
        return packed[16 : 16 + size]
    if mark != b"LZFu":
        return b""
    out = bytearray(_BEGINNING)
    end = min(size, LARGEST_TEXT) + len(_BEGINNING)
    at = 16
    while at < len(packed) and len(out) < end:
        control = packed[at]
        at += 1
        for bit in range(8):
            if not control >> bit & 1:
                out += packed[at : at + 1]
                at += 1
            elif at + 2 > len(packed) or not _repeat(out, packed[at], packed[at + 1]):
                return bytes(out[len(_BEGINNING) : end])
            else:
                at += 2
    return bytes(out[len(_BEGINNING) : end])


def _repeat(out: bytearray, high: int, low: int) -> bool:
    """A piece said before, by its place in a window of 4,096; False at the end of all."""
    place, length = high << 4 | low >> 4, (low & 15) + 2
    written = len(out)
    back = (written - place) % 4096
    if back == 0:
        return False
    for _ in range(length):
        source = len(out) - back
        out.append(out[source] if source >= 0 else 0)
    return True

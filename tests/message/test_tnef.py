"""winmail.dat: its files are those of the message, whatever the bytes."""

import base64
import struct

from hypothesis import given
from hypothesis import strategies as st

from message import tnef
from message.parse import parse


def attribute(level: int, number: int, data: bytes) -> bytes:
    """One attribute of a package."""
    head = struct.pack("<BHHI", level, number, 6, len(data))
    return head + data + struct.pack("<H", sum(data) & 0xFFFF)


def prop(number: int, kind: int, value: bytes) -> bytes:
    """One property of variable length."""
    padded = value + b"\0" * (-len(value) % 4)
    return struct.pack("<HHII", kind, number, 1, len(value)) + padded


def properties(*found: bytes) -> bytes:
    """Several properties, with their number."""
    return struct.pack("<I", len(found)) + b"".join(found)


def package(*attributes: bytes) -> bytes:
    """A package."""
    return tnef.SIGNATURE + b"\1\0" + b"".join(attributes)


COSTS = package(
    attribute(1, 0x9003, properties(prop(0x1000, 0x1E, b"See the costs.\0"))),
    attribute(2, 0x9002, b"\0" * 14),
    attribute(2, 0x8010, b"COSTS~1.CSV\0"),
    attribute(2, 0x800F, b"a,b\n1,2\n"),
    attribute(2, 0x9005, properties(
        prop(0x3707, 0x1F, "Costs of Zoë.csv\0".encode("utf-16-le")),
        prop(0x370E, 0x1E, b"text/csv\0"),
    )),
    attribute(2, 0x9002, b"\0" * 14),
    attribute(2, 0x9005, properties(
        prop(0x3704, 0x1E, b"../plan.txt\0"), prop(0x3701, 0x102, b"The plan."),
    )),
)  # fmt: skip


def letter(content: bytes, text: str) -> bytes:
    """A message with a package beside its text."""
    coded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return (
        b"From: ann@ashford.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain\r\n\r\n" + text.encode() + b"\r\n--b\r\nContent-Type: "
        b"application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + coded + b"--b--\r\n"
    )  # fmt: skip


def test_the_files_of_a_package_are_those_of_the_message() -> None:
    """By their long names, without paths; the package itself is not shown besides."""
    files = parse(letter(COSTS, "Costs below.")).attachments
    assert [(file.name, file.type, file.content) for file in files] == [
        ("Costs of Zoë.csv", "text/csv", b"a,b\n1,2\n"),
        ("plan.txt", "text/plain", b"The plan."),
    ]


def test_its_text_is_that_of_a_message_without_one() -> None:
    """And only then: else it says the same again."""
    assert parse(letter(COSTS, "")).text.strip() == "See the costs."
    assert parse(letter(COSTS, "Costs below.")).text.strip() == "Costs below."


def test_what_cannot_be_unpacked_is_kept_as_it_came() -> None:
    """A package that holds nothing we can read stays a file."""
    (file,) = parse(letter(tnef.SIGNATURE + b"broken", "Hello")).attachments
    assert (file.name, file.content) == ("winmail.dat", tnef.SIGNATURE + b"broken")


def test_compressed_rtf() -> None:
    """MS-OXRTFCP: literals, and pieces by their place in what is known before the text begins."""
    # "{\\rtf1\\ansi" are the first eleven bytes of what is known: place 0, length 11.
    start = len(tnef._BEGINNING)
    tokens = [
        struct.pack(">H", 0 << 4 | 9),
        b" ",
        b"h",
        b"i",
        b"}",
        struct.pack(">H", (start + 15) << 4),
    ]
    packed = bytes([0b100001]) + b"".join(tokens)
    head = struct.pack("<II4sI", len(packed) + 12, 15, b"LZFu", 0)
    assert tnef.unpacked_rtf(head + packed) == b"{\\rtf1\\ansi hi}"
    stored = struct.pack("<II4sI", 20, 8, b"MELA", 0) + b"{\\rtf1 }"
    assert tnef.unpacked_rtf(stored) == b"{\\rtf1 }"


@given(st.binary(max_size=400), st.integers(0, len(COSTS)))
def test_any_bytes_are_read(garbage: bytes, at: int) -> None:
    """Never an exception, and never more than was there."""
    for raw in (tnef.SIGNATURE + garbage, COSTS[:at] + garbage, COSTS[:at] + garbage + COSTS[at:]):
        found = tnef.read(raw)
        assert sum(len(file.content) for file in found.files) <= len(raw)
        assert len(found.rtf) <= tnef.LARGEST_TEXT

"""Our messages in bytes: their structure, their encodings, nothing that transport may change."""

import quopri
import re
from email import policy
from email.parser import BytesParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from message.address import Mailbox
from message.compose import Calendar, Draft, message_bytes, quoted_printable
from message.headers import BadHeader, Value
from message.parse import Attachment, parse

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
FIELDS: list[tuple[str, Value]] = [
    ("From", Mailbox("AI Network", "ai@lists.example.org")),
    ("To", Mailbox("", "jane@x.example")),
    ("Subject", "Cyfarfod nesaf — ŵyl"),
    ("Date", "Tue, 02 Feb 2027 09:30:00 +0000"),
    ("Message-ID", "<a.1@lists.example.org>"),
]
ICS = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nSUMMARY:" + "long " * 40 + "\nEND:VCALENDAR"
FILES = (Attachment("Agenda ŵ.pdf", "application/pdf", b"%PDF\x00\xff" * 50),)


def types(raw: bytes) -> list[str]:
    """The tree of parts as CPython's parser sees it, from the top."""
    return [part.get_content_type() for part in BytesParser().parsebytes(raw).walk()]


@pytest.mark.parametrize(
    ("draft", "tree"),
    [
        (Draft(FIELDS, "t"), ["text/plain"]),
        (Draft(FIELDS, "t", "<p>h"), ["multipart/alternative", "text/plain", "text/html"]),
        (Draft(FIELDS, "t", "<p>h", Calendar("REQUEST", ICS)),
         ["multipart/alternative", "text/plain", "text/html", "text/calendar"]),
        (Draft(FIELDS, "t", "<p>h", Calendar("REQUEST", ICS), FILES),
         ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar",
          "application/pdf"]),
        (Draft(FIELDS, "t", None, None, FILES),
         ["multipart/mixed", "text/plain", "application/pdf"]),
    ],
)  # fmt: skip
def test_o21_the_plainest_first_and_files_behind(draft: Draft, tree: list[str]) -> None:
    """RFC 2046 §5.1.4: mixed(alternative(text, html, calendar), files)."""
    raw = message_bytes(draft)
    assert types(raw) == tree
    assert message_bytes(draft) == raw  # nothing random
    message = parse(raw)
    assert message.defects == ()
    assert message.text == "t"
    assert message.attachments == tuple(draft.files)


def test_c2_the_method_is_said_in_both_places() -> None:
    """RFC 6047 §2.4: a calendar whose method differs from its part's is not written."""
    raw = message_bytes(Draft(FIELDS, "t", None, Calendar("REQUEST", ICS)))
    assert b"Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n" in raw
    (part,) = parse(raw).calendars
    assert part.method == "REQUEST"
    assert "SUMMARY:" + ("long " * 40).strip() in part.text.replace("\n ", "")
    for wrong in (
        Calendar("CANCEL", ICS), Calendar("REQUEST", ""), Calendar("request", ICS),
        Calendar("REQUEST", ICS + "\nMETHOD:CANCEL"), Calendar("X\r\nBcc: a@b.example", ICS),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="method"):
            message_bytes(Draft(FIELDS, "t", None, wrong))


#: What may stand at risk where a long line is broken.
_AT_THE_BREAK = st.lists(
    st.sampled_from(
        ["From ", ".", " ", "\t", "=", "é", "\N{GRINNING FACE}", "\n"]
        + ["a" * length for length in (1, 2, 70, 72, 73, 74, 75)]
    ),
    max_size=15,
).map("".join)


@settings(max_examples=600)
@given(TEXTS | _AT_THE_BREAK)
def test_o27_quoted_printable_comes_back(text: str) -> None:
    """RFC 2045 §6.7: lines of at most 76, nothing at risk in transport, the same text back."""
    raw = quoted_printable(text)
    same = text.replace("\r\n", "\n").replace("\r", "\n")
    assert quopri.decodestring(raw).replace(b"\r\n", b"\n").decode() == same
    for line in raw.split(b"\r\n"):
        assert len(line) <= 76
        assert re.fullmatch(rb"(?:[\t !-<>-~]|=[0-9A-F]{2})*=?", line)  # no escape in two
        assert not line.endswith((b" ", b"\t"))
        assert not line.startswith((b"From ", b"."))


@settings(max_examples=100)
@given(
    TEXTS, TEXTS | st.sampled_from(["\n.\n", "\r.\r\n", "\n.\r\n", "x" * 5000, "\x00", ".\n..\n"])
)
def test_o17_only_crlf_ends_lines(text: str, other: str) -> None:
    """RFC 5321 §2.3.8: no bare CR or LF, no NUL, no line over 998 octets, no lone dot."""
    raw = message_bytes(Draft(FIELDS, text + other, other + text))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", raw)
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(line.startswith(b".") for line in lines)
    wanted = (text + other).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    if wanted.strip():
        assert parse(raw).text == wanted


@pytest.mark.parametrize(
    "field",
    [("From", "b@x.example"), ("subject", "again"), ("MESSAGE-ID", "<b@x.example>"),
     ("To", "c@x.y"), ("Content-Type", "text/html"), ("MIME-Version", "1.0"),
     ("List-Unsubscribe", "<https://x.y>")],
)  # fmt: skip
def test_o18_no_field_stands_twice(field: tuple[str, str]) -> None:
    """RFC 5322 §3.6: what may stand once is written once."""
    fields: list[tuple[str, Value]] = [*FIELDS, ("List-Unsubscribe", "<https://x.example>"), field]
    with pytest.raises(BadHeader, match="twice"):
        message_bytes(Draft(fields, "t"))


@pytest.mark.parametrize(
    ("file", "type_", "name"),
    [
        (Attachment("a.pdf", "application/pdf", b"x"), "application/pdf", "a.pdf"),
        (Attachment("ŵ.pdf", "application/pdf", b"x"), "application/pdf", "ŵ.pdf"),
        (Attachment('a"b\r\nX: y.pdf', "a/b\r\nBcc: c", b"x"), "application/octet-stream",
         'a"bX: y.pdf'),
        (Attachment("../../etc/passwd", "text/plain", b"x"), "text/plain", "passwd"),
        (Attachment("in.eml", "message/rfc822", b"Subject: x\r\n\r\n"), "application/octet-stream",
         "in.eml"),
        (Attachment("", "", b""), "application/octet-stream", "attachment"),
        (Attachment("é" * 200, "image/png", b"x"), "image/png", "é" * 100),
    ],
)  # fmt: skip
def test_o10_files_cannot_break_out(file: Attachment, type_: str, name: str) -> None:
    """Names and types of others' files go into one field each, whatever they hold."""
    raw = message_bytes(Draft(FIELDS, "t", files=[file]))
    (back,) = parse(raw).attachments
    assert (back.type, back.name, back.content) == (type_, name, file.content)
    assert b"\r\nBcc" not in raw
    found = BytesParser(policy=policy.default).parsebytes(raw)
    assert [part.get_filename() for part in found.iter_attachments()] == [name]

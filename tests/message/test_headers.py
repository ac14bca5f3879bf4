"""Fields of our mail: never broken, never broken out of."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from message.address import Mailbox
from message.headers import ONCE, STRUCTURED, BadHeader, header_bytes, new_message_id
from message.parse import parse

LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)
IDS = st.lists(
    st.from_regex(r"[a-z0-9]{1,90}@[a-z]{1,40}\.example", fullmatch=True), max_size=60
)  # fmt: skip


def back(raw: bytes, name: str) -> str:
    """The value of a field as our parser reads it."""
    return parse(raw + b"\r\n").get(name) or ""


def in_form(raw: bytes) -> bool:
    """Whether a field is folded as RFC 5322 §2.2.3 has it: CRLF, no blank line, none too long."""
    lines = raw.removesuffix(b"\r\n").split(b"\r\n")
    return (
        raw.endswith(b"\r\n")
        and all(line[:1] in b" \t" and line.strip() for line in lines[1:])
        and all(len(line) <= 998 and b"\n" not in line and b"\r" not in line for line in lines)
        and raw.isascii()
    )


@given(IDS)
def test_o3_ids_are_never_encoded(ids: list[str]) -> None:
    """References of any length come back as they were, without encoded-words."""
    raw = header_bytes("References", " ".join(f"<{one}>" for one in ids))
    assert b"=?" not in raw
    assert in_form(raw) or not ids
    assert parse(raw + b"\r\n").references == tuple(dict.fromkeys(ids))


@given(st.sampled_from(sorted(STRUCTURED)), st.integers(40, 400))
def test_o3_links_are_never_encoded(name: str, length: int) -> None:
    """A web address of 40 to 400 characters stays whole, in one line."""
    link = "<https://network.example.org/leave/" + "a" * length + ">"
    raw = header_bytes(name, f"{link}, <mailto:leave@x.example>")
    assert link.encode() in raw
    assert b"=?" not in raw
    assert in_form(raw)


@given(LINES)
def test_o45_encoded_words_are_short_and_whole(subject: str) -> None:
    """RFC 2047 §2: words of at most 75 characters, lines with words of at most 76."""
    raw = header_bytes("Subject", subject)
    words = re.findall(rb"=\?[^ \r]*\?=", raw)
    assert all(len(word) <= 75 for word in words)
    assert not words or max(map(len, raw.split(b"\r\n"))) <= 76
    assert back(raw, "Subject").split() == subject.split()


@given(LINES | st.text(max_size=2000))
def test_o10_a_field_stays_one_field(value: str) -> None:
    """Whatever the text, there is one field in good form, or BadHeader."""
    try:
        raw = header_bytes("Subject", value)
    except BadHeader:
        assert re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value)
        return
    message = parse(raw + b"\r\nbody")
    assert [name for name, _ in message.headers] == ["Subject"]
    assert message.text == "body"
    assert len(max(raw.split(b"\r\n"), key=len)) <= 998


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\r", "\x00", "\x0b", "\x7f", "\x1b"])
def test_o10_controls_are_refused(sign: str) -> None:
    """Line breaks, NUL and their like raise, in text, in names they cannot matter."""
    for name in ("Subject", "To", "List-Id", "X-Any"):
        with pytest.raises(BadHeader):
            header_bytes(name, f"a{sign}Bcc: b@x.example")
    raw = header_bytes("From", Mailbox(f"a{sign}b", "a@x.example"))
    assert len(parse(raw + b"\r\n").headers) == 1
    for bad in ("Sub ject", "Subject:", "", "Sübject", f"a{sign}"):
        with pytest.raises(BadHeader):
            header_bytes(bad, "x")


def test_long_words_of_any_kind_fit() -> None:
    """A subject without a blank is encoded, an id too long for a line is refused."""
    raw = header_bytes("Subject", "x" * 5000)
    assert in_form(raw)
    assert back(raw, "Subject") == "x" * 5000
    with pytest.raises(BadHeader, match="998"):
        header_bytes("References", f"<{'x' * 1200}@x.example>")
    with pytest.raises(BadHeader, match="ASCII"):
        header_bytes("List-Id", "Cyngor Gŵyr <x.example>")


def test_o28_text_in_an_address_field_is_read_before_it_is_encoded() -> None:
    """Only the name becomes an encoded-word, never the address."""
    raw = header_bytes("Reply-To", "Siân <sian@x.example>, Jo <jo@x.example>")
    assert raw.count(b"=?utf-8?") == 1
    assert b"<sian@x.example>" in raw
    assert [b.address for b in parse(raw + b"\r\n").reply_to] == ["sian@x.example", "jo@x.example"]


@given(st.lists(st.builds(Mailbox, LINES, st.just("jane@x.example")), min_size=1, max_size=8))
def test_many_mailboxes_are_folded(boxes: list[Mailbox]) -> None:
    """Address fields stay within lines that everybody takes."""
    raw = header_bytes("Cc", boxes)
    assert in_form(raw)
    assert len(parse(raw + b"\r\n").cc) == len(boxes)


def test_blanks_in_a_subject_make_no_blank_line() -> None:
    """RFC 5322 §3.2.2: a line of a field is not only blanks."""
    assert in_form(header_bytes("Subject", "a" * 70 + " " * 100 + "b" * 70))
    assert header_bytes("Subject", "") == b"Subject: \r\n"


@pytest.mark.parametrize(
    ("unique", "local"),
    [("3f2.7", "3f2.7"), ("A B", "ab"), (".a..b.", "a.b"), ("é<>\r\n@1", "1")],
)  # fmt: skip
def test_o16_message_ids_are_dot_atoms(unique: str, local: str) -> None:
    """RFC 5322 §3.6.4: a dot-atom at our domain."""
    assert new_message_id(unique, "x.example") == f"{local}@x.example"


def test_o18_the_fields_that_stand_once_are_known() -> None:
    """RFC 5322 §3.6 names them."""
    assert {"from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id",
            "in-reply-to", "references"} <= ONCE  # fmt: skip

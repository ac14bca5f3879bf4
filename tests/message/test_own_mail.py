"""Our own mail survives the way out and back: fields, moulds, signatures, invitations."""

import datetime as dt
import re

import dkim as verifier
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from message import compose, dkim, itip, mould
from message.address import BadAddress, Mailbox, check, format_mailbox, parse_mailboxes
from message.headers import BadHeader, header_bytes
from message.parse import parse

KEY = dkim.new_key()
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)
RECORD = dkim.dns_record(KEY).encode()


def draft(**given: object) -> compose.Draft:
    """A small message with a slot in each place."""
    slot = mould.marker
    facts: dict[str, object] = {
        "headers": [
            ("From", Mailbox("AI Network", "ai-network@lists.example.org")),
            ("To", slot("address")), ("Subject", "Cyfarfod nesaf — ŵyl"),
            ("Date", "Tue, 02 Feb 2027 09:30:00 +0000"), ("Message-ID", "<a.1@lists.example.org>"),
            ("List-Unsubscribe", f"<{slot('leave_url')}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ],
        "text": f"Dear {slot('name')},\n\n.hidden\nFrom here on\n{slot('leave_url')}\n",
        "html": f'<p>Dear {slot("name")}</p><a href="{slot("leave_url")}">Leave</a>',
    }  # fmt: skip
    return compose.Draft(**(facts | given))  # type: ignore[arg-type]


VALUES = {"name": "Jane", "address": "jane@x.example", "leave_url": "https://n.example/leave/abc"}


@settings(max_examples=200)
@given(name=TEXTS)
def test_a_mould_gives_back_what_fills_it(name: str) -> None:
    """Whatever the name, text and HTML hold it whole, and no line grows too long."""
    cast = mould.Mould.from_bytes(mould.build(draft()).to_bytes())
    assert cast.slots() == set(VALUES)
    raw = cast.fill(VALUES | {"name": name})
    message = parse(raw)
    assert f"Dear {name},\n\n.hidden\nFrom here on\n" in message.text
    assert message.html is not None
    assert f"<p>Dear {compose.escape_html(name)}</p>" in message.html
    assert message.subject == "Cyfarfod nesaf — ŵyl"
    assert message.get("List-Unsubscribe") == "<https://n.example/leave/abc>"
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)


def test_o10_nothing_breaks_out_of_a_header() -> None:
    """Line breaks in a value are refused, at build and at fill."""
    with pytest.raises(BadHeader):
        header_bytes("Subject", "a\r\nBcc: all@example.org")
    with pytest.raises(BadHeader):
        mould.build(draft()).fill(VALUES | {"address": "a@b.example\r\nBcc: c@d.example"})
    with pytest.raises(mould.EmptySlot):
        mould.build(draft()).fill({})


@given(st.lists(st.from_regex(r"[a-z0-9]{1,90}@[a-z]{1,40}\.example", fullmatch=True), max_size=60))
def test_o3_ids_and_links_are_never_encoded(ids: list[str]) -> None:
    """References of any length come back as they were, without encoded-words."""
    raw = header_bytes("References", " ".join(f"<{one}>" for one in ids))
    assert b"=?" not in raw
    assert parse(raw + b"\r\n").references == tuple(dict.fromkeys(ids))


@given(TEXTS)
def test_o45_encoded_words_are_short_and_whole(subject: str) -> None:
    """An encoded-word has at most 75 characters and holds whole characters."""
    raw = header_bytes("Subject", subject)
    assert all(len(word) <= 75 for word in re.findall(rb"=\?[^ \r]*\?=", raw))
    assert parse(raw + b"\r\n").subject.split() == subject.split()


@example("\ufeff")
@example("\ufeffJane \ufeffDoe")
@given(TEXTS)
def test_o29_display_names_survive(name: str) -> None:
    """Commas, quotes, addresses in a name never become a second mailbox."""
    written = format_mailbox(Mailbox(name, "jane@swindon.example"))
    raw = header_bytes("From", Mailbox(name, "jane@swindon.example"))
    assert written.isascii()
    box = parse(raw + b"\r\n").from_
    assert box is not None
    assert box.address == "jane@swindon.example"
    # Of a byte-order mark at the very beginning nothing is read; all else is.
    meant = name.strip().removeprefix("\ufeff")
    assert box.name.split() == meant.split() or not name.strip()


def test_o2_both_leave_fields_are_signed_and_changes_break_it() -> None:
    """An independent verifier finds the signature good, and bad after any change."""
    raw = mould.build(draft()).fill(VALUES)
    signed = dkim.Signer("lists.example.org", "folkmoot", KEY).sign(raw)

    def record(_name: bytes, timeout: int = 5) -> bytes:
        return RECORD

    def check_it(data: bytes) -> bool:
        return bool(verifier.verify(data, dnsfunc=record))

    assert check_it(signed)
    head = parse(signed).get("DKIM-Signature") or ""
    assert "list-unsubscribe:list-unsubscribe-post" in head.replace(" ", "")
    for old, new in (
        (b"leave/abc>", b"leave/abd>"), (b"=One-Click", b"=Two-Click"), (b"Dear", b"Deer"),
        (b"\r\nTo: ", b"\r\nFrom: evil@x.example\r\nTo: "),
        (b"\r\nTo: ", b"\r\nSubject: x\r\nTo: "),
    ):  # fmt: skip
        assert old in signed
        assert not check_it(signed.replace(old, new, 1))


def test_c13_an_invitation_is_whole_for_each_person() -> None:
    """Slots in the calendar are escaped, lines folded, and the answer is understood."""
    slot = mould.marker
    at = dt.datetime(2027, 3, 2, 10, tzinfo=dt.UTC)
    invitation = itip.Invitation(
        "m-1@lists.example.org", 2, at, at, at + dt.timedelta(minutes=90),
        "AI Network: caffael; ŵyl, " + "long " * 30, "Join:\nhttps://teams.example/1", "Teams",
        "https://teams.example/1", "https://n.example/meetings/1",
        itip.Party("AI Network", slot("organizer")), itip.Party("", slot("address")),
    )  # fmt: skip
    calendar = compose.Calendar("REQUEST", itip.request(invitation))
    values = VALUES | {"organizer": "ai+abc@lists.example.org"}
    message = parse(mould.build(draft(calendar=calendar)).fill(values))
    (part,) = message.calendars
    assert part.method == "REQUEST"
    assert all(len(line.encode()) <= 75 for line in part.text.split("\n"))
    said = itip.read_answer(part.text)
    assert said is not None
    assert (said.uid, said.sequence, said.attendee) == (invitation.uid, 2, "jane@x.example")
    assert "mailto:ai+abc@lists.example.org" in part.text.replace("\n ", "")
    assert [leaf.type for leaf in message.leaves] == ["text/plain", "text/html", "text/calendar"]


@given(st.binary(max_size=3000))
def test_i2_any_bytes_parse(raw: bytes) -> None:
    """No bytes make the reader raise, and what it gives can be stored."""
    message = parse(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + raw)
    for part in (message.text, message.subject, str(message.headers)):
        part.encode()
        assert "\x00" not in part
    assert parse(raw).attachments is not None


@given(st.text(max_size=300))
def test_address_fields_of_any_kind_parse(value: str) -> None:
    """No address field makes the reader raise."""
    assert all("@" in box.address for box in parse_mailboxes(value))


@pytest.mark.parametrize(
    "text",
    [
        "", "jane", "jane@", "@x.example", "a b@x.example", "a@b", "a@x..example",
        "a\r\n@x.example", "x" * 65 + "@x.example",
    ],
)  # fmt: skip
def test_bad_addresses_are_told_to_the_person(text: str) -> None:
    """What cannot be an address is answered with a sentence."""
    with pytest.raises(BadAddress, match="Enter an email address"):
        check(text)

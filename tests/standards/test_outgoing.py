"""Our outgoing mail against what standards and mail providers want: real copies of every kind."""

import email.header
import re
from collections import Counter
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.utils import getaddresses, parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import addresses, clock
from mailer.models import Mailing
from mailings import fields, kinds
from mailings.kind import Facts
from message import compose, dkim, mould, plaintext
from message.address import BadAddress, Mailbox
from message.headers import ONCE, Value, new_message_id
from message.parse import parse
from subscribers.lists import LONGEST_NAME
from subscribers.models import MailingList
from tests.mailings import golden
from tests.standards.real_copies import (
    DOMAIN,
    Row,
    envelope,
    letter,
    made_of,
    mould_of,
    wire,
    written,
)

KINDS = sorted(kinds.ALL)
BULK = [kind for kind in KINDS if kinds.ALL[kind].bulk]
OTHER = Row(8, 4, "ben@bexhill.example", "Ben Brook")
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)


def head_of(raw: bytes) -> list[bytes]:
    """The fields of a header, each unfolded."""
    return re.sub(rb"\r\n([ \t])", rb"\1", raw.partition(b"\r\n\r\n")[0]).split(b"\r\n")


@pytest.mark.parametrize("kind", BULK)
def test_o1_every_kind_to_many_can_be_left_with_one_click(kind: str) -> None:
    """Both fields once; one https address, of this reader alone, without name or address in it."""
    pages = []
    for row in (Row(), OTHER):
        mail = letter(kind, row)
        (leave,) = mail.get_all("List-Unsubscribe")
        assert mail.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
        (page,) = re.findall(r"<(https:[^>]*)>", leave)
        assert not re.search(r"@|jane|ben|swindon|bexhill", page)
        pages.append(page)
    assert len(set(pages)) == 2


@pytest.mark.parametrize("kind", BULK)
def test_o2_both_fields_are_signed_in_every_kind(kind: str) -> None:
    """RFC 8058 §4: they stand in h= of our signature."""
    (signed,) = [one for one in head_of(wire(kind)) if one.startswith(b"DKIM-Signature")]
    names = re.sub(rb"\s", b"", signed).partition(b"h=")[2].partition(b";")[0].split(b":")
    assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(names)


@pytest.mark.parametrize("kind", KINDS)
def test_o3_o17_o27_bytes_that_transport_leaves_alone(kind: str) -> None:
    """7 bit, CRLF only, short lines; no encoded-words where ids, links and addresses stand."""
    raw = wire(kind, Row(name="Siân Ŵyn-Jones, PhD"))
    assert raw.isascii()
    assert b"\x00" not in raw
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76
    for field in head_of(raw):
        name = field.partition(b":")[0].decode().lower()
        tokens = name.startswith("list-") or name in {
            "references", "in-reply-to", "message-id", "feedback-id", "archived-at"
        }  # fmt: skip
        assert not (tokens and b"=?" in field), field
        assert not re.search(rb"<[^>]*=\?[^>]*>", field), field


@pytest.mark.parametrize("kind", KINDS)
def test_o27_text_parts_name_their_charset(kind: str) -> None:
    """UTF-8 on every text, quoted-printable or base64, and it decodes with another parser."""
    for part in message_from_bytes(wire(kind), policy=policy.default).walk():
        if part.get_content_maintype() == "text":
            assert part.get_content_charset() == "utf-8"
            assert part["Content-Transfer-Encoding"] in {"quoted-printable", "base64"}
            assert "Jane" in part.get_content() or not kinds.ALL[kind].named or kind in {
                "newsletter", "post", "private_answer"
            }  # fmt: skip
        assert part.defects == []


@pytest.mark.parametrize("kind", KINDS)
def test_o6_o18_who_writes_and_what_stands_once(kind: str) -> None:
    """From is at our domain in every kind; fields stand once; the date has a numeric zone."""
    mail = letter(kind)
    names = Counter(name.lower() for name, _ in mail.headers)
    assert [name for name in ONCE if names[name] > 1] == []
    assert mail.from_ is not None
    assert mail.from_.address.rpartition("@")[2] == DOMAIN
    (date,) = mail.get_all("Date")
    assert re.search(r" [+-]\d{4}$", date)
    assert parsedate_to_datetime(date).tzinfo is not None


@pytest.mark.parametrize("kind", KINDS)
def test_o13_the_envelope_sender(kind: str) -> None:
    """One a copy, at a domain we read, opaque, lower case, and read again whatever its case."""
    first, second = envelope(kind), envelope(kind, OTHER)
    assert first.mail_from != second.mail_from
    assert first.mail_from == first.mail_from.lower()
    assert not re.search(r"jane|doe|swindon", first.mail_from)
    ours = addresses.recognise(first.mail_from.upper())
    assert ours is not None
    assert ours.token is not None
    assert addresses.of(ours.name, ours.token) == first.mail_from


def test_o13_the_longest_envelope_sender_is_short_enough() -> None:
    """RFC 5321 §4.5.3.1: 64 octets before the @, for the longest list and the largest numbers."""
    from core import tokens
    from core.tokens import Purpose

    most = 2**40  # rows of the ledger; persons, lists and meetings are fewer
    for purpose in Purpose:
        token = tokens.make(purpose, most, made=golden.MOMENT.date())
        local = addresses.of("x" * LONGEST_NAME, token).partition("@")[0]
        assert len(local) <= 64, purpose


@pytest.mark.parametrize("kind", KINDS)
def test_o16_all_readers_get_the_same_id(kind: str) -> None:
    """One Message-ID for all copies, and the same one when a copy is made again."""
    ids = {letter(kind, row).message_id for row in (Row(), OTHER, Row())}
    assert len(ids) == 1
    assert envelope(kind).data == envelope(kind).data


def test_o16_ids_are_unique_and_short() -> None:
    """What is unique goes in and stays; nothing else does."""
    made = {new_message_id(f"{number:x}.20270202", DOMAIN) for number in range(20_000)}
    assert len(made) == 20_000
    assert all(re.fullmatch(r"[a-z0-9.-]+@lists\.example\.org", one) for one in made)
    assert max(map(len, made)) <= 200


@pytest.mark.parametrize("kind", KINDS)
def test_o21_the_tree_of_every_kind(kind: str) -> None:
    """Plainest first: text, HTML, and a calendar last."""
    tree = [part.get_content_type() for part in message_from_bytes(wire(kind)).walk()]
    assert tree[:3] == ["multipart/alternative", "text/plain", "text/html"]
    assert tree[3:] in ([], ["text/calendar"])


@pytest.mark.parametrize("kind", KINDS)
def test_o22_no_kind_comes_from_nobody(kind: str) -> None:
    """From and Reply-To are addresses of ours that are read, or a person's."""
    mail = letter(kind)
    assert mail.from_ is not None
    for box in (mail.from_, *mail.reply_to):
        ours = addresses.recognise(box.address)
        assert ours is not None or "@host.example" in box.address or "@dunmore" in box.address
        assert "noreply" not in re.sub(r"[^a-z]", "", box.address)


def made_fields(title: str, kind: str = "newsletter") -> dict[str, Value]:
    """The fields of a mailing to a list of this title."""
    list_ = MailingList(id=1, name="ai-network", title=title, announce_only=False, closed=False)
    mailing = Mailing(id=5, message_id=f"m@{DOMAIN}", list_id=1)
    with clock.turned(golden.MOMENT):
        return dict(fields.fields_of(kinds.ALL[kind], mailing, list_, Facts(words={}), "Subject"))


@given(TEXTS)
def test_o23_a_new_title_changes_only_the_phrase(title: str) -> None:
    """RFC 2919 §3: the identifier stays, whatever the title; the field is short."""
    value = str(made_fields(title)["List-Id"])
    assert value.endswith(f"<ai-network.{DOMAIN}>")
    assert value.count("<ai-network.") == 1
    assert len(f"<ai-network.{DOMAIN}>") <= 255  # the identifier itself


@pytest.mark.parametrize("kind", KINDS)
def test_o23_o24_every_kind_of_a_list_says_which(kind: str) -> None:
    """Confirmations and answers to commands too: each field of RFC 2369 once, as addresses."""
    mail = letter(kind)
    of_list = mail.get("List-Id") is not None
    assert of_list == (mail.from_ is not None and "office" not in mail.from_.address)
    for name in ("List-Help", "List-Subscribe", "List-Owner", "List-Archive", "List-Post"):
        values = mail.get_all(name)
        assert len(values) == int(of_list), name
        for value in values:
            assert re.fullmatch(r"<(mailto|https):[^<>\s]+>(, <(mailto|https):[^<>\s]+>)*", value)


@pytest.mark.parametrize("kind", KINDS)
def test_o25_o26_machines_are_told(kind: str) -> None:
    """Auto-Submitted where no person wrote; no absence notes, but all reports of delivery."""
    mail = letter(kind)
    by_hand = kind in {"newsletter", "post", "private_answer"}
    assert (mail.get("Auto-Submitted") is None) == by_hand
    suppressed = (mail.get("X-Auto-Response-Suppress") or "").split(", ")
    assert set(suppressed) == {"OOF", "AutoReply", "RN", "NRN", "DR"}


@given(TEXTS)
def test_o10_o29_no_name_breaks_out_of_any_copy(name: str) -> None:
    """Whatever a member is called, the copy has the same fields and one reader."""
    plain = letter("welcome")
    mail = letter("welcome", Row(name=name))
    assert [field for field, _ in mail.headers] == [field for field, _ in plain.headers]
    parsed = getaddresses([mail.get("To") or ""])
    assert [address for _, address in parsed] == ["jane.doe@swindon.example"]


@pytest.mark.parametrize(
    "name",
    [
        "Doe, Jane",
        'A "B" C',
        '"real@council.example" <x@evil.example>',
        "Siân Ŵyn-Jones, PhD",
        "Jane\r\nBcc: all@example.org",
    ],
)
def test_o29_another_parser_sees_one_reader(name: str) -> None:
    """CPython's newer parser reads the same single address out of To."""
    message = message_from_bytes(wire("welcome", Row(name=name)), policy=policy.default)
    found: tuple[Address, ...] = message["To"].addresses
    assert [one.addr_spec for one in found] == ["jane.doe@swindon.example"]
    assert message["Bcc"] is None


def test_o28_domains_go_out_as_a_labels() -> None:
    """An address beyond ASCII is written with its A-label, or refused: never encoded."""
    draft = compose.Draft(
        [("From", Mailbox("", f"a@{DOMAIN}")), ("To", Mailbox("Jörg", "joerg@bücher.example"))], "x"
    )
    raw = compose.message_bytes(draft)
    assert b"<joerg@xn--bcher-kva.example>" in raw
    with pytest.raises(BadAddress):
        compose.message_bytes(
            compose.Draft(
                [("From", Mailbox("", f"a@{DOMAIN}")), ("To", Mailbox("", "jörg@b.example"))], "x"
            )
        )


@given(st.lists(st.from_regex(r"[a-z0-9]{1,60}@[a-z]{1,30}\.example", fullmatch=True),
                min_size=1, max_size=60, unique=True))  # fmt: skip
def test_o36_a_chain_keeps_its_ends(ids: list[str]) -> None:
    """The first and the last ids stay, in order; the answer names the last."""
    mailing = Mailing(id=5, message_id=f"m@{DOMAIN}", list_id=None)
    facts = Facts(words={}, answers=tuple(ids))
    made = dict(fields.fields_of(kinds.ALL["sign_in"], mailing, None, facts, "Subject"))
    kept = re.findall(r"<([^>]*)>", str(made["References"]))
    assert (kept[0], kept[-1]) == (ids[0], ids[-1])
    assert kept == [one for one in ids if one in kept]
    assert made["In-Reply-To"] == f"<{ids[-1]}>"


@pytest.mark.parametrize("kind", KINDS)
def test_o38_links_are_what_they_say(kind: str) -> None:
    """No address that counts clicks: each link is one of ours, or stands so in the sample."""
    html = letter(kind).html or ""
    for address in re.findall(r'href="([^"]*)"', html):
        host = re.sub(r"^https://|^mailto:[^@]*@", "", address).partition("/")[0].partition("?")[0]
        ours = host in {"network.example.org", DOMAIN}
        assert ours or host.endswith(".example"), address
        assert not re.search(r"utm_|redirect|[?&]u(rl)?=", address)


@pytest.mark.parametrize("kind", KINDS)
def test_o40_no_kind_comes_near_the_size_where_gmail_cuts(kind: str) -> None:
    """What stands around a mailing is small: there is room for what people write."""
    assert len((letter(kind).html or "").encode()) < 20_000


@pytest.mark.parametrize("kind", BULK)
def test_o41_feedback_id_names_nobody(kind: str) -> None:
    """Four fields, the last one constant, the same for all readers, and signed."""
    values = {letter(kind, row).get("Feedback-ID") for row in (Row(), OTHER)}
    (value,) = values
    assert re.fullmatch(rf"\d+:ai-network:{kind}:listsexampleorg", value or "")
    assert "feedback-id" in dkim.SIGNED


@pytest.mark.parametrize("kind", KINDS)
def test_o43_precedence_is_a_hint_on_mail_to_many(kind: str) -> None:
    """RFC 3834 §3.1.8: for old responders; nothing of ours reads it."""
    assert letter(kind).get("Precedence") == ("list" if kind in BULK else None)


@given(TEXTS)
def test_o45_subjects_come_back_with_another_parser(subject: str) -> None:
    """Emoji, Welsh, anything: short encoded-words that CPython puts together again."""
    raw = written(compose.Draft([("From", Mailbox("", f"a@{DOMAIN}")), ("Subject", subject)], "x"))
    (field,) = [one for one in head_of(raw) if one.startswith(b"Subject:")]
    value = field.decode().partition(":")[2]
    assert all(len(word) <= 75 for word in re.findall(r"=\?[^ ]*\?=", value))
    read = str(email.header.make_header(email.header.decode_header(value)))
    assert "".join(read.split()) == "".join(subject.split())


LINES = st.text(st.sampled_from("abc   >-*•.1)From \n"), max_size=400)


@given(LINES)
def test_o44_what_flows_comes_back(text: str) -> None:
    """RFC 3676 §4.2: joined again by its rules, paragraphs are what they were, and stay so."""
    once = plaintext.flowed(text)
    again = plaintext.flowed(plaintext.unflow(once))
    assert again == once
    assert re.sub(r"[> \n]", "", once) == re.sub(r"[> \n]", "", text)
    for line in once.split("\n"):
        assert len(line) <= plaintext.COLUMNS + 1 or " " not in line.lstrip("> -*•").rstrip()


@given(st.lists(st.from_regex(r"[a-z]{1,12}", fullmatch=True), min_size=1, max_size=80))
def test_o44_a_paragraph_is_one_line_again(words: list[str]) -> None:
    """Nothing is lost or added where a paragraph was broken."""
    paragraph = " ".join(words)
    assert plaintext.unflow(plaintext.flowed(paragraph)) == paragraph
    assert plaintext.unflow(plaintext.flowed(f"> {paragraph}")) == f"> {paragraph}"


def test_o44_values_in_slots_do_not_disturb_the_lines() -> None:
    """A name as long as names get stands in its line; the line above the signature stays alone."""
    made = mould_of("welcome")
    assert "name" in made.slots()
    mail = parse(made_of(made.to_bytes(), Row(name="Long " * 40)).data)
    assert "Hello Long Long" in mail.text
    assert mail.text.split("\n").count("-- ") == 1
    assert mould.marker("name") not in mail.text

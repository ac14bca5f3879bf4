"""Addresses: what people type is checked, what others wrote is read, what we write is safe."""

import re
from email import policy
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from message.address import (
    BadAddress,
    Mailbox,
    check,
    domain_of,
    format_mailbox,
    normal_form,
    parse_mailboxes,
)
from message.headers import header_bytes
from message.parse import parse

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "jane", "jane@", "@x.example", "a b@x.example", "a@b", "a@x..example",
        "a\r\n@x.example", "x" * 65 + "@x.example", "a@" + "x" * 250 + ".example", "a@-x.example",
        "a@x-.example", "a@x.example-", "a@1.2.3.4", "a@[1.2.3.4]", ".a@x.example",
        "a..b@x.example",
        "a.@x.example", "a@x_y.example", "<a@x.example>", "Jane <a@x.example>", "a@x.example,b@x.y",
        "a@b@x.example", "a@x.example\x00", "a\u2028@x.example",
    ],
)  # fmt: skip
def test_bad_addresses_are_told_to_the_person(text: str) -> None:
    """What cannot be an address is answered with a sentence."""
    with pytest.raises(BadAddress, match="Enter an email address"):
        check(text)


@pytest.mark.parametrize(
    "text",
    [
        "jane@swindon.gov.uk", "  jane@swindon.gov.uk ", "J.O'Hara+ai@x.example", "a@b.c.d.example",
        "first.last@sub.x.example", "jane@cyngor-gwynedd.example", "info@bücher.example",
        "x" * 64 + "@x.example",
    ],
)  # fmt: skip
def test_good_addresses_pass(text: str) -> None:
    """What people have as addresses is taken, without the blanks around it."""
    assert check(text) == text.strip()


def test_addresses_are_compared_in_normal_form() -> None:
    """RFC 5890: case does not tell addresses apart, and neither do A-labels and U-labels."""
    assert normal_form(" Jane@BÜCHER.example ") == "jane@xn--bcher-kva.example"
    assert normal_form("Jane@Xn--Bcher-Kva.Example") == "jane@xn--bcher-kva.example"
    assert normal_form("no address") == "no address"
    assert domain_of("a@X.Example.") == "x.example"
    assert Mailbox("", "a.b@X.example").local_part == "a.b"
    assert Mailbox("", "a.b@X.example").domain == "x.example"


@pytest.mark.parametrize(
    ("value", "boxes"),
    [
        ("a@x.example", [("", "a@x.example")]),
        ("Jane Field <jane@x.example>", [("Jane Field", "jane@x.example")]),
        ('"Field, Jane" <jane@x.example>, b@y.example',
         [("Field, Jane", "jane@x.example"), ("", "b@y.example")]),
        ("jane@x.example (Jane (Ms) Field)", [("Jane (Ms) Field", "jane@x.example")]),
        ("<jane@x.example>", [("", "jane@x.example")]),
        ("Jane <  jane@x.example >", [("Jane", "jane@x.example")]),
        ("Jane <@relay.example:jane@x.example>", [("Jane", "jane@x.example")]),
        ("Friends: a@x.example, b@x.example;, c@x.example",
         [("", "a@x.example"), ("", "b@x.example"), ("", "c@x.example")]),
        ("undisclosed-recipients:;", []),
        ("a@x.example; b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
        ('"a b"@x.example', [("", '"a b"@x.example')]),
        ('"real@council.example" <x@evil.example>', [("real@council.example", "x@evil.example")]),
        ('"quoted \\"name\\"" <a@x.example>', [('quoted "name"', "a@x.example")]),
        ("jane at x.example (Jane Field)", [("Jane Field", "jane@x.example")]),
        ("jane at x.example", [("", "jane@x.example")]),
        ("Bob at Work <bob@x.example>", [("Bob at Work", "bob@x.example")]),
        ("Jane <jane@x.example", [("Jane", "jane@x.example")]),
        ("just words", []), ("", []), (",,;,", []), ("@", []), ("a@", []), ("<>", []),
    ],
)  # fmt: skip
def test_address_fields_as_found(value: str, boxes: list[tuple[str, str]]) -> None:
    """RFC 5322 §3.4, §4.4, and what mail programs and list archives make of it."""
    assert [(box.name, box.address) for box in parse_mailboxes(value)] == boxes


@given(st.text(max_size=300))
def test_address_fields_of_any_kind_parse(value: str) -> None:
    """No address field makes the reader raise, and what it gives can be an address."""
    for box in parse_mailboxes(value):
        assert box.local_part
        assert box.address.rpartition("@")[2]
        assert len(box.address) <= 320


@given(NAMES)
def test_o29_display_names_survive(name: str) -> None:
    """Commas, quotes, addresses, encoded-words in a name never become a second mailbox."""
    written = format_mailbox(Mailbox(name, "jane@swindon.example"))
    raw = header_bytes("From", Mailbox(name, "jane@swindon.example"))
    assert written.isascii()
    message = parse(raw + b"\r\n")
    assert message.from_ is not None
    assert message.from_.address == "jane@swindon.example"
    assert len(message.get_all("From")) == 1
    assert len(parse_mailboxes(message.get("From") or "")) == 1
    visible = "".join(re.sub(r"[\x00-\x20\x7f]", " ", name).split())
    assert "".join(message.from_.name.split()) == visible


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"])))
def test_o29_an_independent_parser_reads_the_same(name: str) -> None:
    """CPython's parser finds one mailbox, the address, and the name."""
    raw = header_bytes("To", [Mailbox(name, "jane@x.example"), Mailbox("B", "b@y.example")])
    found = BytesParser(policy=policy.default).parsebytes(raw + b"\r\n")["To"].addresses
    assert [box.addr_spec for box in found] == ["jane@x.example", "b@y.example"]
    # CPython writes a blank between two encoded-words of a name (RFC 2047 §6.2 wants none).
    assert found[0].display_name.replace(" ", "") == name


@pytest.mark.parametrize(
    "address",
    ["é@x.example", "no address", "a@", "@x.example", "a@x.example\r\nBcc: b@x.example",
     "a b@x.example", "a@x.example,b@x.example", "a<b@x.example", "a@x\x00.example"],
)  # fmt: skip
def test_o28_an_address_that_cannot_stand_in_a_header_is_refused(address: str) -> None:
    """RFC 2047 §5: a local part is never turned into an encoded-word."""
    with pytest.raises(BadAddress):
        format_mailbox(Mailbox("Jane", address))


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("jane@bücher.example", "jane@xn--bcher-kva.example"),
        ('"a(b"@x.example', '"a(b"@x.example'),
        ('a"b@x.example', '"a\\"b"@x.example'),
        ("a..b@x.example", '"a..b"@x.example'),
    ],
)
def test_o28_addresses_go_out_as_others_read_them(address: str, written: str) -> None:
    """Domains in A-labels; a local part that is no dot-atom is quoted (RFC 5322 §3.4.1)."""
    assert format_mailbox(Mailbox("", address)) == written

"""Copies from a signed mould: the same bytes as filling, signing and stuffing one after another."""

import dkim as dkimpy
from hypothesis import given, settings
from hypothesis import strategies as st

from message import dkim, mould, wire
from message.address import Mailbox
from message.compose import Draft
from message.headers import Value
from message.mould import Mould, marker
from message.signed_mould import SignedMould

RSA, EDWARDS = dkim.new_key(), dkim.new_ed25519_key()
SIGNERS = (
    dkim.Signer("lists.example.org", "first", RSA),
    dkim.Signer("lists.example.org", "second", EDWARDS),
)
FIELDS: list[tuple[str, Value]] = [
    ("From", Mailbox("Network", "list@lists.example.org")),
    ("To", marker("to")),
    ("Subject", f"News for {marker('name')}, with  two  blanks"),
    ("List-Unsubscribe", f"<https://x.example/{marker('leave')}>, <mailto:{marker('leave')}@x.y>"),
    ("Message-ID", "<a@lists.example.org>"),
]
TEXT = f"Dear {marker('name')},\n\n.a dot,  two  blanks, a tab\tand\n  {marker('words')}\n\n"
HTML = f"<p>Dear <b>{marker('name')}</b>:  {marker('words')}</p>\n"


def a_mould(text: str = TEXT, html: str | None = HTML) -> Mould:
    """A mould with slots in all places where one can be."""
    return mould.build(Draft(FIELDS, text, html))


def one_after_another(made: Mould, values: dict[str, str]) -> bytes:
    """The plain way: fill, sign with each key, stuff dots."""
    unsigned = made.fill(values)
    signatures = [signer.sign(unsigned).removesuffix(unsigned) for signer in SIGNERS]
    return wire.on_wire(b"".join(signatures) + unsigned)


words = st.text(max_size=120) | st.sampled_from(
    [
        " ",
        "\t",
        ".",
        "..",
        " .",
        "a ",
        " a",
        "a\n.b",
        "\r\n",
        "\n\n",
        "=",
        "From x",
        "é" * 50,
        "a  b",
    ]
)


@given(text=words, name=words, fixed=words)
@settings(max_examples=150, deadline=None)
def test_the_short_way_gives_the_same_bytes(text: str, name: str, fixed: str) -> None:
    """Whatever fills the slots, and whatever stands beside them."""
    made = a_mould(fixed.replace("Xslot", "") + TEXT + fixed.replace("Xslot", ""))
    values = {"to": "a@b.example", "leave": "abc", "words": text,
              "name": "".join(filter(str.isprintable, name)) or "x"}  # fmt: skip
    assert SignedMould(made, SIGNERS).fill(values) == one_after_another(made, values)


@given(text=st.text(max_size=200))
@settings(max_examples=50, deadline=None)
def test_a_body_of_one_slot(text: str) -> None:
    """Also where the slot is all there is."""
    made = a_mould(marker("words"), None)
    values = {"to": "a@b.example", "leave": "abc", "words": text, "name": "x"}
    assert SignedMould(made, SIGNERS).fill(values) == one_after_another(made, values)


def test_o20_both_signatures_hold() -> None:
    """An RSA and an Ed25519 signature (RFC 8463) on one copy, checked by another's code."""
    values = {"to": "a@b.example", "leave": "abc", "words": "w" * 300, "name": "Siân"}
    copy = SignedMould(a_mould(), SIGNERS).fill(values)
    records = {
        b"first._domainkey.lists.example.org.": dkim.dns_record(RSA).encode(),
        b"second._domainkey.lists.example.org.": dkim.dns_record(EDWARDS).encode(),
    }
    plain = copy.replace(b"\r\n..", b"\r\n.")
    for index in (0, 1):
        check = dkimpy.DKIM(plain)
        assert check.verify(idx=index, dnsfunc=lambda name, timeout=5: records[name])

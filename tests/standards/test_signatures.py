"""DKIM on real copies: two independent verifiers agree, and any change is noticed."""

import re
from pathlib import Path

import dkim as dkimpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import settings as ours
from mailings import kinds
from message import dkim
from message.address import Mailbox
from message.compose import Draft
from message.parse import parse
from tests.servers import opendkim
from tests.standards.real_copies import DOMAIN, SELECTOR, public_record, wire, written

NAME = f"{SELECTOR}._domainkey.{DOMAIN}"
#: All that may be signed, in one message.
FULL = Draft(
    headers=[
        ("Date", "Tue, 02 Feb 2027 09:30:00 +0000"),
        ("From", Mailbox("AI Network", f"ai-network@{DOMAIN}")),
        ("Sender", Mailbox("", f"ai-network@{DOMAIN}")),
        ("To", Mailbox("Jane Doe", "jane.doe@swindon.example")),
        ("Cc", Mailbox("", "ben@bexhill.example")),
        ("Reply-To", Mailbox("", f"ai-network+abc@{DOMAIN}")),
        ("Subject", "Cyfarfod nesaf — ŵyl"),
        ("Message-ID", f"<a.1@{DOMAIN}>"),
        ("In-Reply-To", f"<b.1@{DOMAIN}>"),
        ("References", f"<c.1@{DOMAIN}> <b.1@{DOMAIN}>"),
        ("Auto-Submitted", "auto-generated"),
        ("List-Id", f"<ai-network.{DOMAIN}>"),
        ("List-Post", f"<mailto:ai-network@{DOMAIN}>"),
        ("List-Help", f"<mailto:ai-network+help@{DOMAIN}>"),
        ("List-Subscribe", f"<mailto:ai-network+join@{DOMAIN}>"),
        ("List-Owner", f"<mailto:ai-network+owner@{DOMAIN}>"),
        ("List-Archive", "<https://network.example.org/lists/ai-network>"),
        ("Archived-At", "<https://network.example.org/posts/1>"),
        ("List-Unsubscribe", "<https://network.example.org/leave/a>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Feedback-ID", "1:ai-network:newsletter:listsexampleorg"),
    ],
    text="Dear Jane,\n\nThe next meeting is on Tuesday.\n\n.hidden\nFrom here on, ŵyl\n",
)  # fmt: skip
#: Names of fields that stand in FULL besides those of its draft.
PARTS = ("mime-version", "content-type", "content-transfer-encoding")


def holds(raw: bytes, record: bytes) -> bool:
    """Whether dkimpy finds the first signature good."""
    try:
        return bool(dkimpy.verify(raw, dnsfunc=lambda _name, timeout=5: record))
    except dkimpy.DKIMException:
        return False


def tags(raw: bytes) -> dict[str, str]:
    """The tags of the first signature."""
    head = re.sub(rb"\r\n[ \t]+", b" ", raw.partition(b"\r\n\r\n")[0])
    (line,) = [one for one in head.split(b"\r\n") if one.startswith(b"DKIM-Signature:")]
    pairs = line.decode().partition(":")[2].split(";")
    return {
        key.strip(): value.replace(" ", "") for key, _, value in (p.partition("=") for p in pairs)
    }


def without(raw: bytes, name: str) -> bytes:
    """The message without a field."""
    pattern = rb"(?im)^" + name.encode() + rb":[^\r]*\r\n(?:[ \t][^\r]*\r\n)*"
    head, mark, body = raw.partition(b"\r\n\r\n")
    return re.sub(pattern, b"", head + b"\r\n", count=1) + mark[2:] + body


def changed(raw: bytes, name: str) -> bytes:
    """The message with another character at the end of a field's first line."""
    pattern = rb"(?im)^(" + name.encode() + rb":[^\r]*?)([^\r])\r\n"
    head, mark, body = raw.partition(b"\r\n\r\n")

    def other(found: re.Match[bytes]) -> bytes:
        return found[1] + (b"q" if found[2] != b"q" else b"w") + b"\r\n"

    return re.sub(pattern, other, head + b"\r\n", count=1) + mark[2:] + body


@pytest.fixture(scope="module")
def copies() -> dict[str, tuple[bytes, bytes]]:
    """FULL, signed once a module, with its record."""
    return {}


@pytest.fixture
def full(copies: dict[str, tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """FULL as a real copy, and the record that verifies it."""
    if not copies:
        copies["full"] = (written(FULL), public_record())
    return copies["full"]


def test_o4_o7_two_verifiers_find_every_kind_good(tmp_path: Path) -> None:
    """Copies of all kinds hold for dkimpy and for OpenDKIM, signed by the domain of From."""
    made = {kind: wire(kind) for kind in sorted(kinds.ALL)}
    record = public_record()
    assert [kind for kind, raw in made.items() if not holds(raw, record)] == []
    said = opendkim.verdicts(tmp_path / "good", list(made.values()), {NAME: record})
    assert dict(zip(made, said, strict=True)) == dict.fromkeys(made, True)
    # RFC 9989 §5.1.1: signed for the very domain of From, so no tree walk can say otherwise.
    for raw in made.values():
        (from_,) = parse(raw).get_all("From")
        assert tags(raw)["d"] == from_.rpartition("@")[2].rstrip(">") == DOMAIN


def test_o19_the_form_of_a_signature(full: tuple[bytes, bytes]) -> None:
    """rsa-sha256 of 2048 bits, relaxed/relaxed, nothing left open at the end of the body."""
    raw, record = full
    found = tags(raw)
    assert (found["a"], found["c"], found["v"]) == ("rsa-sha256", "relaxed/relaxed", "1")
    assert not {"l", "x", "z"} & set(found)
    assert len(record) > 380  # a key of 2048 bits; one of 1024 has 236
    assert f"s={SELECTOR};" in raw.decode()


def test_o20_what_is_signed(full: tuple[bytes, bytes]) -> None:
    """All that O20 names where it stands, seven once more than they stand, no trace fields."""
    raw, _ = full
    names = tags(raw)["h"].split(":")
    present = [name.lower() for name, _ in FULL.headers] + list(PARTS)
    for name in present:
        assert names.count(name) == 1 + (name in dkim.GUARDED), name
    assert set(names) == set(present)
    assert {
        "from", "to", "subject", "date", "reply-to", "message-id", "content-type"
    } == dkim.GUARDED  # fmt: skip
    assert not {"return-path", "received", "dkim-signature"} & set(names)


@pytest.mark.parametrize("name", [*(name.lower() for name, _ in FULL.headers), *PARTS])
def test_o20_no_field_can_be_changed_or_taken_away(full: tuple[bytes, bytes], name: str) -> None:
    """One other character in a signed field, or the field gone: not good any more."""
    raw, record = full
    assert holds(raw, record)
    for other in (changed(raw, name), without(raw, name)):
        assert other != raw
        assert not holds(other, record)


@pytest.mark.parametrize("name", sorted(dkim.GUARDED))
def test_o20_no_second_field_can_be_added(full: tuple[bytes, bytes], name: str) -> None:
    """A second From, Subject, ... above or below: not good any more."""
    raw, record = full
    extra = f"{name.title()}: evil@evil.example\r\n".encode()
    for other in (extra + raw, raw.replace(b"\r\n\r\n", b"\r\n" + extra + b"\r\n", 1)):
        assert not holds(other, record)


def test_o20_opendkim_sees_the_same_changes(tmp_path: Path, full: tuple[bytes, bytes]) -> None:
    """The other verifier refuses every change of a field too."""
    raw, record = full
    names = [*(name for name, _ in FULL.headers), *PARTS]
    # Its own test mode refuses messages that no server would take; so fields stay well-formed.
    bad = [changed(raw, name) for name in names]
    bad += [without(raw, name) for name in names if name != "From"]
    bad += [f"{name.title()}: evil@evil.example\r\n".encode() + raw
            for name in sorted(dkim.GUARDED - {"from"})]  # fmt: skip
    said = opendkim.verdicts(tmp_path / "bad", [raw, *bad], {NAME: record})
    assert said == [True] + [False] * len(bad)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture],
          deadline=None)  # fmt: skip
@given(st.data())
def test_o4_no_byte_of_the_body_can_be_changed(
    full: tuple[bytes, bytes], data: st.DataObject
) -> None:
    """Any other byte in the body, but for blanks and line ends that relaxed form evens out."""
    raw, record = full
    start = raw.index(b"\r\n\r\n") + 4
    places = [at for at in range(start, len(raw)) if raw[at] not in b" \t\r\n"]
    at = data.draw(st.sampled_from(places))
    value = data.draw(st.integers(0x21, 0x7E).filter(lambda byte: byte != raw[at]))
    assert not holds(raw[:at] + bytes([value]) + raw[at + 1 :], record)


@pytest.mark.parametrize("more", [b"more", b"\r\n.\r\nmore\r\n", b"<p>more"])
def test_o19_nothing_can_be_appended(full: tuple[bytes, bytes], more: bytes) -> None:
    """Without l=, the signature ends where the body ends."""
    raw, record = full
    assert not holds(raw + more, record)


def test_o19_a_key_is_changed_without_one_failure(tmp_path: Path) -> None:
    """Old key, both keys, new key: at each step what was sent before and after holds."""
    old = tmp_path / "old.pem"
    new = tmp_path / "new.pem"
    old.write_bytes(dkim.new_key())
    new.write_bytes(dkim.new_key())
    records = {
        f"{name}._domainkey.{DOMAIN}": dkim.dns_record(path.read_bytes()).encode()
        for name, path in (("one", old), ("two", new))
    }
    before = ours.current()
    first = {"dkim_selector": "one", "dkim_key_file": old}
    second = {"dkim_second_selector": "two", "dkim_second_key_file": new}
    last = {"dkim_selector": "two", "dkim_key_file": new}
    sent: list[tuple[bytes, set[str]]] = []
    for step, selectors in ((first, {"one"}), (first | second, {"one", "two"}), (last, {"two"})):
        ours.use(before.model_copy(update=step))
        sent.append((written(FULL), selectors))
    for raw, selectors in sent:
        verifier = dkimpy.DKIM(raw)
        count = raw.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature:")
        assert count == len(selectors)
        for number in range(count):
            assert verifier.verify(
                idx=number,
                dnsfunc=lambda name, timeout=5: records[name.decode().rstrip(".")],
            )
    said = opendkim.verdicts(tmp_path / "turns", [raw for raw, _ in sent], records)
    assert said == [True, True, True]


def test_o19_ed25519_stands_beside_rsa(tmp_path: Path) -> None:
    """RFC 8463: both signatures hold; a verifier that knows only RSA is content with that one."""
    first = ours.current().dkim_key_file
    assert first is not None
    second = tmp_path / "ed.pem"
    second.write_bytes(dkim.new_ed25519_key())
    given_ = {"dkim_second_selector": "ed", "dkim_second_key_file": second}
    ours.use(ours.current().model_copy(update=given_))
    raw = wire("newsletter")
    records = {
        NAME: dkim.dns_record(first.read_bytes()).encode(),
        f"ed._domainkey.{DOMAIN}": dkim.dns_record(second.read_bytes()).encode(),
    }
    assert raw.partition(b"\r\n\r\n")[0].count(b"a=ed25519-sha256") == 1
    for number in (0, 1):
        assert dkimpy.DKIM(raw).verify(
            idx=number,
            dnsfunc=lambda name, timeout=5: records[name.decode().rstrip(".")],
        )
    assert opendkim.verdicts(tmp_path / "both", [raw], records) == [True]

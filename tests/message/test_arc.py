"""The chain of seals (ARC, RFC 8617) whole and broken."""

import base64
from collections.abc import Sequence

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from message.arc import MOST_SETS, verify_chain
from message.canonical import Letter
from message.dkim import relaxed_field
from tests.message.sealed import RSA, Zone, letter

HOME = "relay.example"
ZONE = Zone().key(HOME)


def sealed(raw: bytes) -> bytes:
    """The message with one more set on top."""
    number = raw.count(b"ARC-Seal:") + 1
    tags = b"i=%d; a=rsa-sha256; d=relay.example; s=s; " % number
    found = Letter(raw)
    results = b"ARC-Authentication-Results: i=%d; relay.example; spf=pass\r\n" % number
    body = base64.b64encode(found.body_hash("relaxed"))
    message = b"ARC-Message-Signature: %sc=relaxed/relaxed; h=from:subject; bh=%s; b=\r\n" % (
        tags, body,
    )  # fmt: skip
    message = stamped(found.chosen(["from", "subject"]), message)
    seal = b"ARC-Seal: %scv=%s; b=\r\n" % (tags, b"none" if number == 1 else b"pass")
    before: list[bytes] = []
    for one in range(1, number):
        for name in ("arc-authentication-results", "arc-message-signature", "arc-seal"):
            before += [field for field in found.named(name) if b" i=%d;" % one in field]
    return stamped([*before, results, message], seal) + message + results + raw


def stamped(fields: Sequence[bytes], stamp: bytes) -> bytes:
    """A field with its b= filled in, over fields and itself."""
    data = b"".join(relaxed_field(one) for one in [*fields, stamp]).removesuffix(b"\r\n")
    signature = base64.b64encode(RSA.sign(data, padding.PKCS1v15(), hashes.SHA256()))
    return stamp.removesuffix(b"\r\n") + signature + b"\r\n"


def answered(name: bytes, timeout: int = 5) -> bytes:
    """The DNS as the other program asks it."""
    return ZONE.texts[name.decode().rstrip(".")][0]


def chain(raw: bytes, zone: Zone = ZONE) -> str:
    """What the chain is worth."""
    return verify_chain(Letter(raw), zone)


def test_a_chain_of_several_holds() -> None:
    """None without seals; each further set seals those before it."""
    raw = letter()
    assert chain(raw) == "none"
    for _ in range(3):
        raw = sealed(raw)
        assert chain(raw) == "pass"
        told = dkimpy.arc_verify(raw, dnsfunc=answered)
        assert told[0] == b"pass", "and another program says the same"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"How?", b"Who?"),
        (b"Subject: Licences", b"Subject: Money"),
        (b"i=1; relay.example", b"i=1; evil.example"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=3"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=0"),
        (b"ARC-Seal: i=1", b"X-Seal: i=1"),
        (b"cv=none", b"cv=pass"),
        (b"cv=pass", b"cv=fail"),
        (b"cv=pass", b"cv=pass; h=from"),
        (b"d=relay.example", b"d=evil.example"),
    ],
)
def test_a_chain_that_was_touched_fails(old: bytes, new: bytes) -> None:
    """RFC 8617 §5.2: text, results, order, or the word of a server before."""
    raw = sealed(sealed(letter()))
    assert old in raw
    assert chain(raw.replace(old, new, 1)) == "fail"


def test_the_dns_is_silent() -> None:
    """Neither whole nor broken."""
    zone = Zone().key(HOME)
    zone.silent.add(f"s._domainkey.{HOME}")
    assert chain(sealed(letter()), zone) == "temperror"


def test_bounded_work() -> None:
    """More than fifty sets are refused before any key is asked for."""
    sets = b"".join(
        b"ARC-Seal: i=%d; cv=pass\r\nARC-Message-Signature: i=%d\r\n"
        b"ARC-Authentication-Results: i=%d; x\r\n" % (number, number, number)
        for number in range(1, MOST_SETS + 2)
    )
    zone = Zone()
    assert chain(sets + letter(), zone) == "fail"
    assert zone.asked == []

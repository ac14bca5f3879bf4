"""DMARC (RFC 9989): the walk up the tree, records, alignment, and what is said of the rest."""

import pytest

from message import dmarc, witness
from message.canonical import Letter
from message.dmarc import Record, Rule, Standing
from message.signatures import Signature
from message.witness import Finding
from tests.message.sealed import Zone, letter, signed

ANN = "ashford.example"


def passed(*domains: str) -> list[Signature]:
    """Good signatures of domains."""
    return [Signature(domain, "s", "pass") for domain in domains]


def look(raw: bytes, zone: Zone) -> Finding:
    """What is found out about a message."""
    found = Letter(raw)
    return witness.look(found, witness.head_of(found), zone)


@pytest.mark.parametrize(
    ("text", "record"),
    [
        (b"v=DMARC1; p=reject", Record(ANN, "reject")),
        (b"v=DMARC1;p=quarantine;sp=none;np=reject;adkim=s;psd=n;t=y",
         Record(ANN, "quarantine", "none", "reject", "n", True, True)),
        (b" v = DMARC1 ; P=Reject; pct=5; x; rua=mailto:a@b.example", Record(ANN, "reject")),
        (b"v=DMARC1", Record(ANN, "none")),
        (b"v=DMARC1; p=perhaps; psd=?; psd=", Record(ANN, "none")),
        (b"v=DMARC1; p=none; p=reject", Record(ANN, "none")),
        (b"v=DMARC2; p=reject", None),
        (b"v=dmarc1; p=reject", None),
        (b"p=reject; v=DMARC1", None),
        (b"v=spf1 -all", None),
        (b"\xff", None),
        (b"", None),
    ],
)  # fmt: skip
def test_records(text: bytes, record: Record | None) -> None:
    """RFC 9989 §4.7: the version first, unknown tags passed over, no policy is `none`."""
    assert dmarc.parse_record(ANN, text) == record


def test_the_walk_takes_eight_questions() -> None:
    """RFC 9989 §4.10: the name itself, then its last seven labels and what is above them."""
    zone = Zone()
    dmarc.walk("a.b.c.d.e.f.g.h.i.j.mail.example.com", zone)
    assert zone.asked == [
        "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com", "_dmarc.g.h.i.j.mail.example.com",
        "_dmarc.h.i.j.mail.example.com", "_dmarc.i.j.mail.example.com",
        "_dmarc.j.mail.example.com", "_dmarc.mail.example.com", "_dmarc.example.com",
        "_dmarc.com",
    ]  # fmt: skip
    assert len(zone.asked) == dmarc.MOST_QUESTIONS


@pytest.mark.parametrize(
    ("rules", "domain", "home"),
    [
        ({"example.com": "p=none"}, "a.mail.example.com", "example.com"),
        ({"example.com": "p=none", "mail.example.com": "p=none"}, "a.mail.example.com",
         "example.com"),
        ({"mail.example.com": "p=none; psd=n", "example.com": "p=none"}, "a.mail.example.com",
         "mail.example.com"),
        ({"gov.example": "p=none; psd=y"}, "a.ashford.gov.example", "ashford.gov.example"),
        ({"gov.example": "p=none; psd=y"}, "gov.example", "gov.example"),
        ({}, "a.mail.example.com", "a.mail.example.com"),
    ],
)  # fmt: skip
def test_the_organisational_domain(rules: dict[str, str], domain: str, home: str) -> None:
    """RFC 9989 §4.10.2."""
    zone = Zone()
    for where, tags in rules.items():
        zone.rule(where, tags)
    assert dmarc.organisation(domain, dmarc.walk(domain, zone)) == home


@pytest.mark.parametrize(
    ("author", "signer", "tags", "aligned"),
    [
        ("example.com", "example.com", "p=reject; adkim=s", True),
        ("mail.example.com", "example.com", "p=reject", True),
        ("example.com", "mail.example.com", "p=reject", True),
        ("a.example.com", "b.example.com", "p=reject", True),
        ("mail.example.com", "example.com", "p=reject; adkim=s", False),
        ("example.com", "example.org", "p=reject", False),
        ("example.com", "notexample.com", "p=reject", False),
        ("example.com", "com", "p=reject", False),
    ],
)
def test_alignment(author: str, signer: str, tags: str, aligned: bool) -> None:
    """RFC 9989 §4.4: relaxed compares organisational domains, strict the names."""
    standing = dmarc.judge(author, passed(signer), Zone().rule("example.com", tags))
    assert (standing.vouched is not None) is aligned
    assert standing.protected


@pytest.mark.parametrize(
    ("tags", "author", "policy"),
    [
        ("p=reject", "example.com", "reject"),
        ("p=reject", "here.example.com", "reject"),
        ("p=reject; sp=none", "here.example.com", "none"),
        ("p=none; sp=quarantine", "example.com", "none"),
        ("p=none; np=reject", "here.example.com", "none"),
        ("p=none; np=reject", "nowhere.example.com", "reject"),
        ("p=reject; t=y", "example.com", "quarantine"),
        ("p=quarantine; t=y", "example.com", "none"),
    ],
)
def test_policies(tags: str, author: str, policy: str) -> None:
    """RFC 9989 §4.7: p, sp below, np for what does not exist, one step milder on trial."""
    zone = Zone().rule("example.com", tags)
    zone.texts["here.example.com"] = []
    assert dmarc.judge(author, [], zone).rule == Rule(policy, False)  # type: ignore[arg-type]


def test_two_records_are_none() -> None:
    """RFC 9989 §4.10: nobody can tell which one is meant."""
    zone = Zone().rule("example.com", "p=reject").rule("example.com", "p=none")
    assert dmarc.judge("example.com", [], zone) == Standing(None, None)


def test_without_a_rule_only_the_very_domain() -> None:
    """Nobody says which domains belong together."""
    assert dmarc.judge("example.com", passed("example.com"), Zone()).vouched == "example.com"
    assert dmarc.judge("mail.example.com", passed("example.com"), Zone()).vouched is None


def test_silence_is_no_refusal() -> None:
    """What could have changed the answer is said; what could not is not waited for."""
    zone = Zone().rule("example.com", "p=reject")
    zone.silent.add("_dmarc.example.com")
    assert dmarc.judge("example.com", [], zone).unanswered
    assert dmarc.judge("example.com", passed("example.com"), zone).vouched == "example.com"
    zone = Zone().rule("example.com", "p=reject")
    zone.silent.add("_dmarc.other.com")
    assert dmarc.judge("example.com", passed("other.com"), zone).unanswered
    assert not dmarc.judge("example.com", passed("other.net"), zone).unanswered


@pytest.mark.parametrize(
    ("rule", "end"),
    [
        ("p=reject", "its domain asks that such mail be kept apart"),
        ("p=none", "its domain has no rule against forgery"),
        (None, "its domain has no rule against forgery"),
    ],
)
def test_why_not(rule: str | None, end: str) -> None:
    """A moderator reads what was wrong, and what the domain wants."""
    zone = Zone().key(ANN).key("evil.example")
    if rule:
        zone.rule(ANN, rule)
    changed = signed(letter(), ANN).replace(b"How", b"Who")
    assert look(letter(), zone) == Finding(None, f"it is not signed; {end}")
    assert look(signed(letter(), "evil.example"), zone).doubt == (
        f"it is signed by another domain; {end}"
    )
    assert look(changed, zone).doubt == (
        f"its signature does not count: the text was changed; {end}"
    )
    assert look(signed(letter(), ANN), zone) == Finding(ANN, None)


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        b"From: ann@ashford.example\r\nFrom: eve@evil.example\r\n",
        b"From: ann@ashford.example, eve@evil.example\r\n",
        b"From: Ann\r\n",
        b"From: ann@[127.0.0.1]\r\n",
        b"From: ann@localhost\r\n",
    ],
)
def test_i3_nobody_or_several_are_vouched_for_by_none(fields: bytes) -> None:
    """RFC 5322 §3.6.2: with two authors the signature of one says nothing of the other."""
    raw = fields + b"Subject: x\r\n\r\nHello\r\n"
    assert look(signed(raw, ANN), Zone().key(ANN)) == Finding(None, witness.NO_AUTHOR)


def test_i3_a_from_added_to_a_signed_message() -> None:
    """Neither above nor below, nor behind a line that others take for the end of the header."""
    zone = Zone().key(ANN).rule(ANN, "p=reject")
    raw = signed(letter(), ANN)
    boss = b"From: boss@ashford.example\r\n"
    for forged in (
        boss + raw,
        raw.replace(b"Subject:", boss + b"Subject:", 1),
        boss + b"\r" + raw,
        boss + b"no field\r\n" + raw,
        b"\xef\xbb\xbf" + boss + raw,
        b"From : boss@ashford.example\r\n" + raw,
        b"FROM:boss@ashford.example\n" + raw,
    ):
        assert look(forged, zone).vouched is None, forged[:60]
    assert look(raw, zone).vouched == ANN


@pytest.mark.parametrize("field", [b"Subject: x\r\n", b"CONTENT-TYPE: text/html\r\n"])
def test_i3_a_field_that_stands_twice_proves_nothing(field: bytes) -> None:
    """RFC 6376 §8.15: one signs the last of equal fields, another shows the first."""
    zone = Zone().key(ANN)
    twice = letter().replace(b"Date:", field + b"Content-Type: text/plain\r\n" + field + b"Date:")
    assert look(signed(twice, ANN), zone) == Finding(None, witness.TWICE)
    once = letter().replace(b"Date:", b"Content-Type: text/plain\r\nDate:")
    assert look(signed(once, ANN), zone) == Finding(ANN, None)

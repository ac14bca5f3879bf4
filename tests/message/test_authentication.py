"""Authentication-Results: only those of a trusted server, read whatever their form."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from message import authentication
from message.authentication import Authentication, parse_results, read_results
from tests.message.letters import letter

HEAD = "From: Jo <jo@swindon.example>\nAuthentication-Results: "
GOOD = "mx.host.example; dkim=pass header.d=swindon.example; dmarc=pass header.from=swindon.example"


def read(fields: str, *trusted: str) -> Authentication:
    """The results of a message with these fields."""
    return read_results(letter(fields), trusted or ("mx.host.example",))


def test_i3_the_results_of_a_trusted_server() -> None:
    """I3: what our own server found, and the domain that it vouches for."""
    found = read(HEAD + GOOD)
    assert (found.dkim, found.dmarc, found.spf, found.arc) == ("pass", "pass", None, None)
    assert found.aligned_domain == "swindon.example"


@pytest.mark.parametrize(
    "fields",
    [
        HEAD + "mx.attacker.example; dmarc=pass header.from=swindon.example",
        HEAD + "attacker.example (mx.host.example); dmarc=pass header.from=swindon.example",
        HEAD + "dmarc=pass header.from=swindon.example",
        "From: jo@swindon.example\nContent-Type: multipart/mixed; boundary=y\n\n--y\n"
        f"Content-Type: message/rfc822\n\nAuthentication-Results: {GOOD}\n\n--y--",
    ],
)
def test_i3_forged_results_say_nothing(fields: str) -> None:
    """I3, RFC 8601 §5: other servers' fields, none at all, and those of attached messages."""
    assert read(fields) == Authentication()
    assert read_results(letter(HEAD + GOOD), ()) == Authentication()


def test_i3_only_the_topmost_trusted_field_counts() -> None:
    """I3: a field with our name further down was brought along by the sender."""
    forged = f"Authentication-Results: {GOOD}\n"
    fields = "From: jo@swindon.example\nAuthentication-Results: mx.host.example; dmarc=fail\n"
    assert read(fields + forged).dmarc == "fail"
    assert read(fields + forged).aligned_domain is None


def test_i3_a_server_without_a_name_counts_only_at_the_very_top() -> None:
    """I3: Exchange Online writes no authserv-id; the id "" trusts the first field alone."""
    nameless = "From: jo@swindon.example\nAuthentication-Results: {}\nAuthentication-Results: {}\n"
    plain = (
        "spf=pass smtp.mailfrom=swindon.example; dmarc=pass action=none header.from=swindon.example"
    )
    assert read(nameless.format(plain, "x.example; dmarc=none"), "").dmarc == "pass"
    assert read(nameless.format("x.example; dmarc=none", plain), "").dmarc is None


@pytest.mark.parametrize(
    ("fields", "aligned"),
    [
        (HEAD + "mx.host.example; dkim=pass header.d=other.example", None),
        (HEAD + "mx.host.example; dkim=pass header.i=@swindon.example", "swindon.example"),
        (HEAD + "mx.host.example; dmarc=pass header.from=other.example", None),
        (HEAD + "mx.host.example; dkim=fail header.d=x; dkim=pass header.d=SWINDON.example",
         "swindon.example"),
        ("From: jo@swindon.example, ev@evil.example\nAuthentication-Results: " + GOOD, None),
        (f"From: ev@evil.example\n{HEAD}{GOOD}", None),
    ],
)  # fmt: skip
def test_i3_a_pass_for_another_domain_vouches_for_nobody(fields: str, aligned: str | None) -> None:
    """I3: the result must be about the one author's domain; two authors are nobody."""
    assert read(fields).aligned_domain == aligned


def test_forms_that_occur() -> None:
    """RFC 8601 §2.2: versions, comments inside comments, quoted strings, reasons, no results."""
    server, results = parse_results(
        '"MX.host.example" 1; dkim/1 = pass (good (very; good)) reason="it; fits" '
        "header.d = swindon.example header.b=abc; spf=none"
    )
    assert server == "mx.host.example"
    assert [(one.method, one.result, one.reason) for one in results] == [
        ("dkim", "pass", "it; fits"), ("spf", "none", None),
    ]  # fmt: skip
    assert results[0].properties == {"header.d": "swindon.example", "header.b": "abc"}
    assert parse_results("mx.host.example; none") == ("mx.host.example", [])


@given(st.text(max_size=300))
def test_any_field_is_read(value: str) -> None:
    """Nothing makes it fail, and a comment without an end ends with the field."""
    parse_results(value)
    parse_results("(" * 2000 + value)


@settings(max_examples=1_000)
@given(st.text("ab;=()\\ \t.", max_size=20))
def test_a_field_without_quotes_is_cut_as_any_other(value: str) -> None:
    """Nearly all fields are cut at blanks and signs; a quoted string has one read sign by sign."""
    assert authentication._tokens(value) == authentication._tokens(f'""{value}')[1:]

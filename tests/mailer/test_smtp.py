"""The connections to the mail server, against a server that misbehaves in every known way."""

import datetime as dt
import ssl
import threading
import time
from collections.abc import Mapping
from copy import copy
from pathlib import Path

import dkim
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from pydantic import SecretStr

from core import database, settings
from core.database import InTransaction
from mailer import settling, transaction
from mailer.copies import Envelope
from mailer.models import State
from mailer.settling import Outcome
from mailer.smtp import Connections, Work
from message import dkim as our_dkim
from tests.mailer.conftest import to_sink
from tests.servers.process import free_port
from tests.servers.smtp import SmtpSink, smtp_server

BODY = b"Subject: x\r\n\r\nhello\r\n.dot\r\n"


def envelopes(count: int, data: bytes = BODY) -> list[Envelope]:
    """Copies for so many recipients."""
    return [
        Envelope(n, f"ai-network+b{n}@lists.example.org", f"to{n}@x.example", data)
        for n in range(1, count + 1)
    ]


def send(copies: list[Envelope]) -> dict[int, Outcome]:
    """Send copies over connections of the settings; gives the outcomes by copy."""
    connections = Connections(settings.current())
    try:
        return {outcome.delivery_id: outcome for outcome in connections.send(copies)}
    finally:
        connections.close()


@pytest.mark.parametrize("pipelining", [True, False])
def test_every_copy_arrives_as_it_was(pipelining: bool) -> None:
    """Finished bytes, an envelope each, over as many connections as allowed, which are kept."""
    with smtp_server(pipelining=pipelining) as sink:
        to_sink(sink)
        found = send(envelopes(30))
    assert {outcome.state for outcome in found.values()} == {State.ACCEPTED}
    assert {outcome.code for outcome in found.values()} == {"250 2.0.0"}
    assert {(one.sender, one.recipient) for one in sink.received()} == {
        (f"ai-network+b{n}@lists.example.org", f"to{n}@x.example") for n in range(1, 31)
    }
    assert {one.data for one in sink.received()} == {BODY}
    assert sink.connections == settings.current().smtp_connections


def test_o4_what_was_signed_is_what_arrives(sink: SmtpSink) -> None:
    """The signature verifies after the way over the wire, dots and all."""
    key = our_dkim.new_key()
    signer = our_dkim.Signer("lists.example.org", "s1", key)
    message = b"From: a@lists.example.org\r\nSubject: x\r\nDate: Tue, 2 Feb 2027 09:30:00 +0000\r\n"
    signed = signer.sign(message + b"Message-ID: <1@x>\r\n\r\n.\r\n..\r\n.dots\r\n")
    send(envelopes(1, signed))
    (got,) = sink.received()
    assert got.data == signed
    record = our_dkim.dns_record(key).encode()
    assert dkim.verify(got.data, dnsfunc=lambda _name, timeout=5: record)


@how(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a", b".\r\n", b"\n.\n"]),
                     max_size=12))  # fmt: skip
def test_o17_no_bytes_can_end_the_message_early(sink: SmtpSink, body: list[bytes]) -> None:
    """Line ends are CRLF only and dots are stuffed: one message stays one message."""
    before = len(sink.received())
    data = b"Subject: x\r\n\r\n" + b"".join(body)
    assert send(envelopes(1, data))[1].state == State.ACCEPTED
    got = sink.received()[before:]
    assert len(got) == 1
    alone = got[0].data.replace(b"\r\n", b"")
    assert b"\n" not in alone
    assert b"\r" not in alone


def test_o11_outcomes_are_kept_per_recipient(sink: SmtpSink) -> None:
    """Refused, put off and accepted side by side; the connections go on after a refusal."""
    sink.faults.recipients = {
        "to2@x.example": "550 5.1.1 no such user",
        "to4@x.example": "452 4.5.3 too many recipients",
        "to5@x.example": "550 5.7.1 blocked by policy (spam)",
    }
    found = send(envelopes(6))
    assert [found[n].state for n in range(1, 7)] == [
        State.ACCEPTED, State.REFUSED, State.ACCEPTED, State.DEFERRED, State.REFUSED,
        State.ACCEPTED,
    ]  # fmt: skip
    assert (found[2].code, found[2].reason) == ("550 5.1.1", "mailbox")
    assert "no such user" in (found[2].words or "")
    assert found[5].reason == "policy"
    assert len(sink.received()) == 3


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        ({"data": ["451 4.3.0 later"]}, State.DEFERRED, "transient"),
        ({"dot": ["554 5.7.1 spam"]}, State.REFUSED, "policy"),
        ({"dot": ["450 4.2.0 greylisted"]}, State.DEFERRED, "transient"),
        ({"dot": ["552 5.3.4 too big"]}, State.REFUSED, "size"),
        ({"senders": ["550 5.7.60 send as denied"]}, State.DEFERRED, settling.SENDER_REFUSED),
        ({"senders": ["451 4.7.1 slow down"]}, State.DEFERRED, "policy"),
        ({"senders": ["552 5.3.4 too big"]}, State.REFUSED, "size"),
        ({"drop_after_dot": 1}, State.IN_DOUBT, "connection lost"),
        ({"drop_in_data": 1}, State.IN_DOUBT, "connection lost"),
        ({"drop_at_mail": 1}, State.DEFERRED, settling.RELAY_AWAY),
        ({"greeting": ["421 4.3.2 closed for today"]}, State.DEFERRED, settling.RELAY_AWAY),
    ],
)
def test_each_fault_has_its_outcome(
    pipelining: bool, fault: dict[str, object], state: State, reason: str
) -> None:
    """Doubt only where the message itself was under way; refusal only where it was said."""
    with smtp_server(pipelining=pipelining) as sink:
        to_sink(sink)
        for name, value in fault.items():
            setattr(sink.faults, name, copy(value))
        found = send(envelopes(1))[1]
        assert (found.state, found.reason) == (state, reason)
        assert send(envelopes(1))[1].state == State.ACCEPTED


def test_a_kept_connection_that_died_is_replaced(sink: SmtpSink) -> None:
    """A server may close a quiet connection (421 or nothing): the copy goes over a new one."""
    to_sink(sink, smtp_connections=1)
    connections = Connections(settings.current())
    assert connections.send(envelopes(1))[0].state == State.ACCEPTED
    sink.faults.drop_at_mail = 1
    assert connections.send(envelopes(1))[0].state == State.ACCEPTED
    sink.faults.senders = ["421 4.4.2 timeout"]
    assert connections.send(envelopes(1))[0].state == State.ACCEPTED
    connections.close()
    assert sink.connections == 3
    assert len(sink.received()) == 3


def test_a_relay_that_is_not_there() -> None:
    """No connection is no fault of the copy."""
    to_sink(SmtpSink(0, None, True), smtp_port=free_port())
    found = send(envelopes(2))
    assert {(o.state, o.reason) for o in found.values()} == {(State.DEFERRED, settling.RELAY_AWAY)}


def test_the_final_dot_has_its_time(sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """O5: the answer to the dot may take longer than any other; 10 minutes, as the RFC has it."""
    assert transaction.DOT_SECONDS == 600
    sink.delay = 0.5
    monkeypatch.setattr(transaction, "ANSWER_SECONDS", 0.2)
    assert send(envelopes(1))[1].state == State.ACCEPTED
    monkeypatch.setattr(transaction, "DOT_SECONDS", 0.1)
    found = send(envelopes(1))[1]
    assert found.state == State.IN_DOUBT
    assert "said nothing" in (found.words or "")


@pytest.mark.parametrize(
    "address",
    [
        "a@x.example>\r\nRCPT TO:<b@x.example", "a b@x.example", "é@x.example", "a@x.example\n",
        "a", "<a@x.example>", "",
    ],
)  # fmt: skip
def test_o10_nothing_in_an_address_becomes_a_command(sink: SmtpSink, address: str) -> None:
    """What cannot stand in a command is refused here, and never reaches the wire (O28 too)."""
    found = send([Envelope(1, "ai-network+b@lists.example.org", address, BODY)])[1]
    assert (found.state, found.reason) == (State.REFUSED, "address")
    assert sink.attempts == []


def test_no_mail_inside_a_transaction(db: str, sink: SmtpSink) -> None:
    """The guard that keeps the network out of transactions."""
    connections = Connections(settings.current())
    with database.transaction(), pytest.raises(InTransaction):
        connections.send(envelopes(1))
    connections.close()


def test_a_worker_that_went_silent_sends_nothing_more(sink: SmtpSink) -> None:
    """The last question before the message itself; without a yes the copy stays unsent."""
    connections, found = Connections(settings.current()), list[Outcome]()
    waiting = envelopes(1)

    def turn(done: list[Outcome], _free: Mapping[str, int]) -> Work:
        found.extend(done)
        return Work([("main", waiting.pop)] if waiting else [])

    connections.carry(turn, may_send=lambda: False)
    connections.close()
    assert [outcome.state for outcome in found] == [State.DEFERRED]
    assert sink.received() == []


def test_connections_work_side_by_side(sink: SmtpSink) -> None:
    """Four connections take a fourth of the time; a slow one does not stop the others."""
    sink.delay = 0.05
    start = time.monotonic()
    send(envelopes(16))
    assert time.monotonic() - start < 0.6


# --- TLS and login ----------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS with a certificate of its own for a host name; gives the file to trust too."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )  # fmt: skip
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, path


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_o33_tls_with_a_checked_certificate(
    security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a trusted certificate for the right name mail goes out, signed in, by TLS."""
    context, trusted = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    implicit, later = (context, None) if security == "tls" else (None, context)
    with smtp_server(tls=implicit, starttls=later) as sink:
        sink.login = ("user", "secret of the test")
        more = {"smtp_host": "localhost", "smtp_security": security, "smtp_username": "user"}
        to_sink(sink, **more, smtp_password=SecretStr("secret of the test"))
        assert send(envelopes(2))[1].state == State.ACCEPTED
        to_sink(sink, smtp_password=SecretStr("wrong"), **more)
        found = send(envelopes(1))[1]
    assert (found.state, found.reason) == (State.DEFERRED, settling.LOGIN_REFUSED)


@pytest.mark.parametrize("case", ["no starttls", "not trusted", "wrong name", "old tls"])
def test_o33_no_silent_fall_back(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Without proper TLS nothing is sent, and the ledger says why."""
    context, trusted = certificate(tmp_path, "other" if case == "wrong name" else "localhost")
    if case != "not trusted":
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    if case == "old tls":
        with pytest.deprecated_call():
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    with smtp_server(starttls=None if case == "no starttls" else context) as sink:
        to_sink(sink, smtp_host="localhost", smtp_security="starttls")
        found = send(envelopes(1))[1]
        assert (found.state, found.reason) == (State.DEFERRED, settling.RELAY_AWAY)
        assert found.words
        assert sink.received() == []


def test_the_server_of_the_tests_stops(sink: SmtpSink) -> None:
    """No thread of a test server outlives its block."""
    with smtp_server() as other:
        assert other.port != sink.port
    assert sum(thread.name == "smtp-sink" for thread in threading.enumerate()) == 1

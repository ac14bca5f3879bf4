"""What we say of a copy to a server that offers SIZE, 8BITMIME, SMTPUTF8 and DSN, or none of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product

import dkim as dkimpy
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from core import settings
from mailer import copies
from mailer.models import State
from mailer.settling import Outcome
from mailer.smtp import Connections
from message import dkim, mould, wire
from message.address import Mailbox, format_mailbox
from message.compose import Draft
from message.mould import marker
from message.signed_mould import SignedMould
from tests.servers.process import free_port

KEY = dkim.new_key()


@dataclass
class Server:
    """An SMTP server by others (aiosmtpd), which keeps what it was told."""

    dsn: bool
    hidden: frozenset[str]
    mail: list[list[str]] = field(default_factory=list)
    options: list[list[str]] = field(default_factory=list)
    rcpt: list[tuple[str, list[str]]] = field(default_factory=list)
    content: list[bytes] = field(default_factory=list)

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        """Offer what the test wants."""
        session.host_name = hostname
        kept = [line for line in lines if line[4:].split(" ")[0] not in self.hidden]
        return [kept[0], *(["250-DSN"] if self.dsn else []), *kept[1:]]

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Keep the parameters of MAIL."""
        self.options.append(options)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Keep the parameters of RCPT."""
        assert not options
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep the message."""
        assert isinstance(envelope.content, bytes)
        self.content.append(envelope.content)
        return "250 2.0.0 OK"


class _Offering(SMTP):
    """The library does not know DSN: its parameters are kept apart before it reads a command."""

    async def smtp_MAIL(self, arg: str) -> None:
        """Take MAIL without the parameters of DSN."""
        rest, words = _apart(arg)
        self.event_handler.mail.append(words)
        await super().smtp_MAIL(rest)

    async def smtp_RCPT(self, arg: str) -> None:
        """Take RCPT without the parameters of DSN."""
        rest, words = _apart(arg)
        self.event_handler.rcpt.append((rest.removeprefix("TO:").strip("<>"), words))
        await super().smtp_RCPT(rest)


def _apart(arg: str) -> tuple[str, list[str]]:
    words = arg.split(" ")
    dsn = [word for word in words if word.startswith(("RET=", "ENVID=", "NOTIFY=", "ORCPT="))]
    return " ".join(word for word in words if word not in dsn), dsn


@contextmanager
def server(*, smtputf8: bool, dsn: bool, eight: bool = True) -> Iterator[Server]:
    """Run such a server; the settings point to it."""
    kept = Server(dsn, frozenset() if eight else frozenset({"8BITMIME"}))
    port = free_port()

    class Here(Controller):
        def factory(self) -> SMTP:
            return _Offering(kept, enable_SMTPUTF8=smtputf8, hostname="mx.example")

    controller = Here(kept, hostname="127.0.0.1", port=port)
    controller.start()
    changed = settings.current().model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": port})
    settings.use(changed)
    try:
        yield kept
    finally:
        controller.stop()


def a_copy(address: str) -> copies.Envelope:
    """A signed copy for an address."""
    draft = Draft(
        [("From", Mailbox("Network", "list@lists.example.org")), ("To", marker("to")),
         ("Subject", "Grüße"), ("Message-ID", "<a@lists.example.org>")],
        f"Dear {marker('name')},\n\n.dots\n",
    )  # fmt: skip
    made = SignedMould(mould.build(draft), [dkim.Signer("lists.example.org", "s", KEY)])
    to = format_mailbox(Mailbox("Zoë", address), international=True)
    return copies.Envelope(
        7, "ai-network+b@lists.example.org", address, made.fill({"to": to, "name": "Zoë"})
    )


def send(copy: copies.Envelope) -> Outcome:
    """Send one copy."""
    connections = Connections(settings.current())
    try:
        (outcome,) = connections.send([copy])
    finally:
        connections.close()
    return outcome


@pytest.mark.parametrize(("smtputf8", "dsn", "eight"), list(product([True, False], repeat=3)))
def test_o4_signed_bytes_arrive_whatever_is_offered(smtputf8: bool, dsn: bool, eight: bool) -> None:
    """With and without SMTPUTF8, DSN and 8BITMIME: the same bytes, and the signature holds."""
    copy = a_copy("officer@council.example")
    with server(smtputf8=smtputf8, dsn=dsn, eight=eight) as kept:
        assert send(copy).state == State.ACCEPTED
    (content,) = kept.content
    assert wire.on_wire(content) == copy.data
    record = dkim.dns_record(KEY).encode()
    assert dkimpy.verify(content, dnsfunc=lambda _name, timeout=5: record)


@pytest.mark.parametrize("smtputf8", [True, False])
def test_o28_an_international_address(smtputf8: bool) -> None:
    """Sent with SMTPUTF8 where that is offered, else reported; never an encoded-word in <>."""
    with server(smtputf8=smtputf8, dsn=True) as kept:
        outcome = send(a_copy("zoë@gemeinde.example"))
    if not smtputf8:
        assert (outcome.state, outcome.reason) == (State.REFUSED, "address")
        assert kept.content == []
        return
    assert outcome.state == State.ACCEPTED
    assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(kept.options[0])
    assert kept.rcpt[0][0] == "zoë@gemeinde.example"
    assert "ORCPT=utf-8;zoë@gemeinde.example" in kept.rcpt[0][1]
    field = next(line for line in kept.content[0].split(b"\r\n") if line.startswith(b"To:"))
    assert "<zoë@gemeinde.example>".encode() in field
    assert b"=?" not in field.partition(b"<")[2]


def test_o28_a_domain_goes_out_in_a_labels() -> None:
    """RFC 6531 §3.4: a domain needs no extension."""
    with server(smtputf8=False, dsn=False) as kept:
        assert send(a_copy("officer@grün.example")).state == State.ACCEPTED
    assert kept.rcpt[0][0] == "officer@xn--grn-ioa.example"


def test_o42_dsn_is_asked_for_where_it_is_offered() -> None:
    """RFC 3461: tell us of failure and delay, without the message, under our own ids."""
    with server(smtputf8=True, dsn=True) as kept:
        send(a_copy("officer+a=b@council.example"))
    assert kept.mail[0] == ["RET=HDRS", "ENVID=7"]
    assert kept.rcpt[0][1] == [
        "NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;officer+2Ba+3Db@council.example"
    ]  # fmt: skip
    with server(smtputf8=True, dsn=False) as plain:
        send(a_copy("officer@council.example"))
    assert (plain.mail[0], plain.rcpt[0][1]) == ([], [])

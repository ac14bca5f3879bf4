"""Mail handed over by LMTP is kept before the reply, once, or stays with the server."""

import smtplib
import socket
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core import database, outbox, settings
from mailer import inbox, lmtp
from mailer.models import Incoming

DOMAIN = "lists.example.org"
LETTER = b"From: ann@ashford.example\r\nSubject: Hello\r\nMessage-ID: <1@a.example>\r\n\r\nHi\r\n"


@pytest.fixture
def port(db: str) -> Iterator[int]:
    """A house that takes mail over LMTP on a free port."""
    found = {"domain": DOMAIN, "lmtp_host": "127.0.0.1", "lmtp_port": 0}
    settings.use(settings.current().model_copy(update=found))
    with lmtp.serving(settings.current()) as number:
        yield number


def kept() -> list[bytes]:
    """What is in the database, in order."""
    with database.reading() as session:
        rows = session.scalars(select(Incoming).order_by(Incoming.id))
        return [inbox.raw_of(row) for row in rows]


def test_each_recipient_is_kept_before_the_reply(port: int) -> None:
    """RFC 2033 §4.2: two recipients, two replies, two rows with the address on top; events too."""
    to = [f"ai-network@{DOMAIN}", f"ai-network+leave@{DOMAIN}"]
    with smtplib.LMTP("127.0.0.1", port) as client:
        client.ehlo_or_helo_if_needed()
        client.mail("ann@ashford.example")
        assert [client.rcpt(one)[0] for one in to] == [250, 250]
        # The library's own sendmail reads one reply only.
        assert client.data(LETTER)[0] == 250
        assert client.getreply()[0] == 250
        assert [row.split(b"\r\n")[1] for row in kept()] == [
            f"Delivered-To: {one}".encode() for one in to
        ]
    assert all(row.endswith(LETTER) for row in kept())
    with database.reading() as session:
        assert len(outbox.backlog(session).events) == 2


def test_the_same_again_is_kept_once(port: int) -> None:
    """A server that did not hear our reply hands the message over again."""
    for _ in range(3):
        with smtplib.LMTP("127.0.0.1", port) as client:
            client.sendmail("ann@ashford.example", [f"ai-network@{DOMAIN}"], LETTER)
    assert len(kept()) == 1


def test_other_domains_are_refused(port: int) -> None:
    """What is not for us is refused at once, the rest is taken."""
    with smtplib.LMTP("127.0.0.1", port) as client:
        refused = client.sendmail(
            "ann@ashford.example", ["ben@elsewhere.example", f"ai-network@{DOMAIN}"], LETTER
        )
    assert list(refused) == ["ben@elsewhere.example"]
    assert refused["ben@elsewhere.example"][0] == 550
    assert len(kept()) == 1


@pytest.mark.parametrize(
    "trouble", [OperationalError("insert", {}, Exception("away")), OSError("disk"), MemoryError()]
)
def test_trouble_of_ours_leaves_it_with_the_server(
    port: int, trouble: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """451 without a word of what it was, and nothing half kept; the next try succeeds."""

    def away(_session: Session, *_message: object) -> None:
        raise trouble

    with smtplib.LMTP("127.0.0.1", port) as client:
        with monkeypatch.context() as broken:
            broken.setattr(inbox, "keep", away)
            with pytest.raises(smtplib.SMTPDataError) as answer:
                client.sendmail("ann@ashford.example", [f"ai-network@{DOMAIN}"], LETTER)
        assert answer.value.smtp_code == 451
        assert b"disk" not in answer.value.smtp_error
        assert kept() == []
        client.sendmail("ann@ashford.example", [f"ai-network@{DOMAIN}"], LETTER)
    assert len(kept()) == 1


def test_too_large_is_refused(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 1870: the limit is announced, and what is over it gets 552."""
    monkeypatch.setattr(lmtp, "LARGEST", 1000)
    with smtplib.LMTP("127.0.0.1", port) as client:
        client.ehlo_or_helo_if_needed()
        assert client.esmtp_features["size"] == "1000"
        with pytest.raises(smtplib.SMTPResponseException) as answer:
            client.sendmail(
                "ann@ashford.example", [f"ai-network@{DOMAIN}"], LETTER + b"x" * 2000 + b"\r\n"
            )
    assert answer.value.smtp_code == 552
    assert kept() == []


def test_too_large_is_refused_for_each(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 2033 §4.2: two recipients, two replies, also where the message was not taken."""
    monkeypatch.setattr(lmtp, "LARGEST", 1000)
    with smtplib.LMTP("127.0.0.1", port) as client:
        client.ehlo_or_helo_if_needed()
        client.mail("ann@ashford.example")
        for name in ("ai-network", "copilot"):
            client.rcpt(f"{name}@{DOMAIN}")
        assert client.data(LETTER + b"more words\r\n" * 200)[0] == 552
        assert client.getreply()[0] == 552
    assert kept() == []


def test_bytes_that_are_no_text_stay_as_they_are(port: int) -> None:
    """An address that is neither ASCII nor UTF-8 is kept byte for byte."""
    with socket.create_connection(("127.0.0.1", port)) as line, line.makefile("rb") as replies:
        for command, code in (
            (b"LHLO x", b"250"), (b"MAIL FROM:<caf\xe9@ashford.example>", b"250"),
            (f"RCPT TO:<ai-network@{DOMAIN}>".encode(), b"250"), (b"DATA", b"354"),
            (LETTER + b".", b"250"), (b"QUIT", b"221"),
        ):  # fmt: skip
            line.sendall(command + b"\r\n")
            while (reply := replies.readline())[3:4] == b"-" or reply.startswith(b"220"):
                pass
            assert reply.startswith(code), reply
    assert kept()[0].startswith(b"Return-Path: <caf\xe9@ashford.example>\r\n")


def test_a_port_that_is_taken_is_said(port: int) -> None:
    """Who cannot listen says where and what to do."""
    taken = settings.current().model_copy(update={"lmtp_port": port})
    with pytest.raises(lmtp.CannotListen, match="FOLKMOOT_LMTP_PORT"), lmtp.serving(taken):
        pass

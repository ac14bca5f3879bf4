"""Mail handed over by LMTP is kept before the reply, once, or stays with the server."""

import smtplib
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


def test_a_database_that_is_away_leaves_it_with_the_server(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """451, and nothing half kept; the next try succeeds."""

    def away(_session: Session, *_message: object) -> None:
        raise OperationalError("insert", {}, Exception("away"))

    with smtplib.LMTP("127.0.0.1", port) as client:
        with monkeypatch.context() as broken:
            broken.setattr(inbox, "keep", away)
            with pytest.raises(smtplib.SMTPDataError) as answer:
                client.sendmail("ann@ashford.example", [f"ai-network@{DOMAIN}"], LETTER)
        assert answer.value.smtp_code == 451
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


def test_a_port_that_is_taken_is_said(port: int) -> None:
    """Who cannot listen says where and what to do."""
    taken = settings.current().model_copy(update={"lmtp_port": port})
    with pytest.raises(lmtp.CannotListen, match="FOLKMOOT_LMTP_PORT"), lmtp.serving(taken):
        pass

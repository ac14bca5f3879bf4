"""The post office: what goes in over SMTP comes out over IMAP, or lies in its folder."""

import imaplib
import smtplib
import socket
from pathlib import Path

import pytest

from core import settings as all_settings
from core.settings import Settings
from folkmoot.post_office import PostOfficeClosed, caught_folder, post_office
from tests.servers.process import free_port

PASSWORD = "made for a test"
#: Header and body with what a careless server would change: "From " lines, dots, odd bytes.
LETTER = (
    b"From: Jo <jo@swindon.example>\r\nTo: ai-network@lists.example.org\r\n"
    b"Subject: =?utf-8?q?caf=C3=A9?=\r\n  folded\r\nMessage-ID: <a@swindon.example>\r\n\r\n"
    b"From the start\r\n.dot\r\n\xff\xfe raw \r\nend\r\n"
)


@pytest.fixture
def office_settings(tmp_path: Path) -> Settings:
    """Settings of a post office on free ports."""
    chosen = all_settings.load(
        data=tmp_path / "var", domain="lists.example.org", secret_key="x", post_office=True,
        smtp_host="127.0.0.1", smtp_port=free_port(), smtp_security="none",
        imap_host="127.0.0.1", imap_port=free_port(), imap_security="none",
        imap_username="folkmoot", imap_password=PASSWORD,
    )  # fmt: skip
    return all_settings.use(chosen)


def send(settings: Settings, recipients: list[str], letter: bytes = LETTER) -> None:
    """Hand a letter in over SMTP."""
    with smtplib.SMTP("127.0.0.1", settings.smtp_port, timeout=10) as client:
        client.sendmail("jo@swindon.example", recipients, letter)


def read_all(settings: Settings) -> list[tuple[bytes, bytes]]:
    """UID and bytes of every message in the mailbox."""
    with imaplib.IMAP4("127.0.0.1", settings.imap_port, timeout=10) as client:
        client.login("folkmoot", PASSWORD)
        client.select("INBOX")
        _, found = client.uid("SEARCH", "ALL")
        letters = []
        for uid in (found[0] or b"").split():
            _, answer = client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")
            assert isinstance(answer[0], tuple)
            letters.append((uid, answer[0][1]))
        return letters


def test_mail_to_the_network_comes_out_of_its_mailbox_unchanged(office_settings: Settings) -> None:
    """Mail to the domain is in the mailbox, byte for byte below the delivery headers."""
    with post_office(office_settings):
        send(office_settings, ["ai-network@Lists.Example.org"])
        [(_, raw)] = read_all(office_settings)
    head = b"Delivered-To: ai-network@Lists.Example.org\r\nReturn-Path: <jo@swindon.example>\r\n"
    assert raw == head + LETTER


def test_mail_to_others_is_caught_one_file_a_copy(office_settings: Settings) -> None:
    """Mail to anyone else lies in the folder, each copy naming its recipient, and stays here."""
    with post_office(office_settings):
        send(office_settings, ["a@council.example", "b@council.example"])
        assert read_all(office_settings) == []
    files = sorted(caught_folder(office_settings).glob("*"))
    heads = [file.read_bytes().split(b"\r\n")[0] for file in files]
    assert heads == [
        b"X-Post-Office-Rcpt: a@council.example", b"X-Post-Office-Rcpt: b@council.example",
    ]  # fmt: skip
    assert all(file.suffix == ".eml" for file in files)
    assert b"Return-Path: <jo@swindon.example>" in files[0].read_bytes()


def test_a_restart_shows_the_same_mail_under_the_same_uids(office_settings: Settings) -> None:
    """After stop and start the messages, their UIDs and UIDVALIDITY are those from before."""
    with post_office(office_settings):
        for number in range(3):
            send(office_settings, ["x@lists.example.org"], LETTER + b"%d\r\n" % number)
        before = read_all(office_settings)
        validity = uid_validity(office_settings)
    with post_office(office_settings):
        assert read_all(office_settings) == before
        assert uid_validity(office_settings) == validity
        send(office_settings, ["x@lists.example.org"])
        assert int(read_all(office_settings)[-1][0]) == int(before[-1][0]) + 1


def uid_validity(settings: Settings) -> bytes:
    """UIDVALIDITY of the mailbox."""
    with imaplib.IMAP4("127.0.0.1", settings.imap_port, timeout=10) as client:
        client.login("folkmoot", PASSWORD)
        client.select("INBOX")
        _, (value,) = client.response("UIDVALIDITY")
        assert isinstance(value, bytes)
        return value


def test_the_mailbox_wants_the_password(office_settings: Settings) -> None:
    """A wrong password, and a user that there is not, are turned away."""
    with (
        post_office(office_settings),
        imaplib.IMAP4("127.0.0.1", office_settings.imap_port, timeout=10) as client,
    ):
        with pytest.raises(imaplib.IMAP4.error):
            client.login("folkmoot", "guessed")
        with pytest.raises(imaplib.IMAP4.error):
            client.login("nobody", PASSWORD)


def test_new_mail_is_announced_to_one_who_idles(office_settings: Settings) -> None:
    """RFC 2177: while a client idles, new mail is announced at once."""
    with (
        post_office(office_settings),
        socket.create_connection(("127.0.0.1", office_settings.imap_port), timeout=10) as client,
    ):
        talk = client.makefile("rwb")
        talk.readline()
        for line in (f'1 LOGIN folkmoot "{PASSWORD}"', "2 SELECT INBOX", "3 IDLE"):
            talk.write(line.encode() + b"\r\n")
            talk.flush()
            while not talk.readline().startswith((line[:1].encode(), b"+")):
                pass
        send(office_settings, ["x@lists.example.org"])
        assert b"EXISTS" in talk.readline()


def test_mail_that_the_parser_cannot_read_is_shown_all_the_same(office_settings: Settings) -> None:
    """A message with senseless headers is neither refused nor changed."""
    odd = b"Content-Type: \xff;;;=\r\nMessage-ID: <>\r\nDate: no\r\n:\r\n\r\nbody\r\n"
    with post_office(office_settings):
        send(office_settings, ["x@lists.example.org"], odd)
        send(office_settings, ["x@lists.example.org"], b"\r\n")
        letters = read_all(office_settings)
    assert letters[0][1].endswith(odd)
    assert len(letters) == 2


def test_expunged_mail_is_gone_after_a_restart(office_settings: Settings) -> None:
    """What a client deletes does not come back."""
    with post_office(office_settings):
        send(office_settings, ["x@lists.example.org"])
        with imaplib.IMAP4("127.0.0.1", office_settings.imap_port, timeout=10) as client:
            client.login("folkmoot", PASSWORD)
            client.select("INBOX")
            client.store("1", "+FLAGS", "\\Deleted")
            client.expunge()
    with post_office(office_settings):
        assert read_all(office_settings) == []


def test_a_taken_port_is_said_in_a_sentence(office_settings: Settings) -> None:
    """Two post offices on one port: the second says which ports and what to do."""
    with (
        post_office(office_settings),
        pytest.raises(PostOfficeClosed, match="FOLKMOOT_SMTP_PORT"),
        post_office(office_settings),
    ):
        pass

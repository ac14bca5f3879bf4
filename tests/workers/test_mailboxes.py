"""Several mailboxes: each is read by itself, and one that is away keeps no other waiting."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from core import database, settings
from core.settings import MailboxSettings, Settings
from folkmoot import doctor
from mailer.models import Incoming
from tests.servers.dovecot import SECRET, Dovecot, dovecot
from tests.servers.process import free_port
from workers import running


def three_mailboxes(server: Dovecot) -> Settings:
    """One of imap_*, one more on the same server, and one whose server is away."""
    return settings.use(
        settings.current().model_copy(
            update={
                "imap_host": "127.0.0.1", "imap_port": server.port, "imap_security": "none",
                "imap_username": "network", "imap_password": SecretStr(SECRET),
                "imap_poll_seconds": 0.5,
                "mailboxes": [
                    MailboxSettings(username="gone", port=free_port()),
                    MailboxSettings(username="newsletters"),
                ],
            }
        )
    )  # fmt: skip


def until(ask: Callable[[], object]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + 20
    while not ask():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def arrived() -> set[str]:
    """The folders from which something was kept."""
    with database.reading() as session:
        return set(session.scalars(session.query(Incoming.mailbox).statement))


def test_each_mailbox_is_read(db: str) -> None:
    """What is left out of a [[mailboxes]] table is as imap_* say; what is away is tried alone."""
    with dovecot() as server:
        setting = three_mailboxes(server)
        with running.everything(setting, frozenset({"listener"})):
            server.deliver(b"Subject: to the first\r\n\r\nx\r\n")
            replace(server, user="newsletters").deliver(b"Subject: to the second\r\n\r\ny\r\n")
            until(lambda: len(arrived()) == 2)
    assert arrived() == {"network@127.0.0.1/INBOX", "newsletters@127.0.0.1/INBOX"}


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_the_doctor_looks_at_each(db: str) -> None:
    """A line for each mailbox, and only the one that is away is to be mended."""
    with dovecot() as server:
        three_mailboxes(server)
        found = [one for one in doctor.examine() if "mailbox" in one.words]
    assert [one.state for one in found] == [doctor.OK, doctor.BAD, doctor.OK]


def test_tables_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """[[mailboxes]] tables are read; imap_* without a user only complete them; faults are told."""
    monkeypatch.chdir(tmp_path)
    Path("folkmoot.toml").write_text(
        'imap_host = "imap.example.org"\n[[mailboxes]]\nusername = "a"\n'
        '[[mailboxes]]\nusername = "b"\nhost = "mail.other.example"\nfolder = "Lists"\n'
    )
    found = [
        (box.imap_account(), box.imap_folders(), box.imap_port)
        for box in settings.load().each_mailbox()
    ]
    assert found == [
        ("a@imap.example.org", ["INBOX"], 993), ("b@mail.other.example", ["Lists"], 993),
    ]  # fmt: skip
    with pytest.raises(settings.SettingsError, match="host"):
        settings.load(imap_host="", mailboxes=[{"username": "a"}])
    with pytest.raises(settings.SettingsError, match="done folder"):
        settings.load(mailboxes=[{"username": "a", "done_folder": "INBOX"}])
    with pytest.raises(ValidationError):
        MailboxSettings.model_validate({"user": "misspelt"})

"""The doctor: each finding says how it is, and what to do."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from core import settings
from folkmoot import dkim_keys
from folkmoot.post_office import post_office
from tests.folkmoot.conftest import Run
from tests.servers.process import free_port


@pytest.fixture
def servers() -> None:
    """Settings with the post office on free ports; nothing runs yet."""
    settings.use(
        settings.current().model_copy(
            update={
                "post_office": True, "smtp_host": "127.0.0.1", "smtp_port": free_port(),
                "smtp_security": "none", "imap_host": "127.0.0.1", "imap_port": free_port(),
                "imap_security": "none", "imap_username": "folkmoot",
                "imap_password": SecretStr("made for a test"),
            }
        )
    )  # fmt: skip


@pytest.mark.usefixtures("servers")
def test_a_healthy_network_has_nothing_to_do(alone: Run) -> None:
    """With its servers up, a list and a coordinator, nothing is left to do."""
    alone("lists", "create", "ai-network", "AI Network")
    alone("coordinator", "carol@host.example", "--name", "Carol")
    with post_office(settings.current()):
        result = alone("doctor")
    assert result.exit_code == 0, result.output
    assert "to do" not in result.stdout
    assert "lets us in" in result.stdout


@pytest.mark.usefixtures("servers")
def test_what_is_away_is_named(alone: Run) -> None:
    """No servers, no list, no coordinator: each a line with what to do, exit code 1."""
    alone("migrate")
    result = alone("doctor")
    assert result.exit_code == 1
    todo = [line for line in result.stdout.splitlines() if line.startswith("to do")]
    for words in ("SMTP", "IMAP", "lists create", "folkmoot coordinator"):
        assert any(words in line for line in todo), words
    assert "Traceback" not in result.output


def test_a_wrong_password_is_told(servers: None, alone: Run) -> None:
    """The mailbox that does not let us in is told from one that is away."""
    right = settings.current()
    with post_office(right):
        settings.use(right.model_copy(update={"imap_password": SecretStr("kingfisher")}))
        result = alone("doctor")
    assert "mailbox (IMAP) does not work" in result.stdout
    assert "kingfisher" not in result.output
    assert "b'" not in result.stdout


def test_the_dns_record_is_printed_and_stays(alone: Run) -> None:
    """The record names selector and domain; asking twice gives the same key."""
    first = alone("doctor", "dkim")
    assert first.exit_code == 0, first.output
    assert first.stdout.startswith("folkmoot._domainkey.lists.example.org. IN TXT")
    assert "v=DKIM1" in first.stdout
    assert alone("doctor", "dkim").stdout == first.stdout
    key = dkim_keys.first_key_file(settings.current())
    assert key.stat().st_mode & 0o077 == 0


def test_faults_in_settings_are_findings(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that cannot be read: the doctor says so, and asks nothing further."""
    monkeypatch.setattr(settings, "_current", None)
    (tmp_path / "folkmoot.toml").write_text("web_port = 'eight'\n")
    result = run("doctor")
    assert result.exit_code == 1
    assert "FOLKMOOT_WEB_PORT" in result.stdout


def test_redis_that_is_away_is_named(alone: Run) -> None:
    """Redis set but away is something to do."""
    address = f"redis://127.0.0.1:{free_port()}/0"
    settings.use(settings.current().model_copy(update={"redis_url": address}))
    assert "Redis does not work" in alone("doctor").stdout


def test_o32_lists_on_the_domain_of_the_staff_are_told(alone: Run) -> None:
    """A domain shared with people's own mail is a warning; a subdomain of its own is not."""
    domain = settings.current().domain
    assert "subdomain of their own" not in alone("doctor").stdout
    settings.use(settings.current().model_copy(update={"contact": f"carol@{domain}"}))
    assert "subdomain of their own" in alone("doctor").stdout

"""What a command stands on: settings for trying out never touch a real mail server."""

from pathlib import Path

import pytest

from core import settings
from folkmoot import opening


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with nothing read yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "_current", None)
    return tmp_path


@pytest.mark.usefixtures("stranger")
def test_the_demo_needs_no_settings() -> None:
    """Ports, loopback, data in ./var: what `make run` promises."""
    found = opening.network(demo=True)
    assert (found.web_port, found.smtp_port, found.imap_port) == (8025, 8026, 8143)
    assert found.post_office
    assert found.data == Path("var")
    assert found.imap_password.get_secret_value() == Path("var/imap.password").read_text()
    assert Path("var/imap.password").stat().st_mode & 0o077 == 0


def test_the_demo_never_uses_a_real_mail_server(stranger: Path) -> None:
    """Whatever server folkmoot.toml names, the demo stays on loopback; ports may be chosen."""
    (stranger / "folkmoot.toml").write_text(
        'smtp_host = "smtp.host.example"\nsmtp_username = "x"\nsmtp_security = "tls"\n'
        'imap_host = "imap.host.example"\nsmtp_port = 9999\nnetwork_name = "Ours"\n'
    )
    found = opening.network(demo=True)
    assert (found.smtp_host, found.smtp_security, found.smtp_username, found.imap_host) == (
        "127.0.0.1", "none", "", "127.0.0.1",
    )  # fmt: skip
    assert (found.smtp_port, found.network_name) == (9999, "Ours")


def test_real_settings_stay_as_they_are(stranger: Path) -> None:
    """Without demo and post office nothing is filled in."""
    (stranger / "folkmoot.toml").write_text('smtp_host = "smtp.host.example"\n')
    found = opening.network()
    assert (found.smtp_host, found.smtp_port, found.post_office) == (
        "smtp.host.example", 587, False,
    )  # fmt: skip
    assert not (stranger / "var").exists()

"""`folkmoot up`: everything in one process, in a stranger's folder, with settings only."""

import os
import signal
import smtplib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.servers.process import free_port

ROOT = Path(__file__).parents[2]


class House:
    """A network that runs as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.web, self.smtp, self.imap = free_port(), free_port(), free_port()
        self.environment = {
            "PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "HOME": str(folder),
            "FOLKMOOT_WEB_PORT": str(self.web), "FOLKMOOT_SMTP_PORT": str(self.smtp),
            "FOLKMOOT_IMAP_PORT": str(self.imap),
            "FOLKMOOT_BASE_URL": f"http://127.0.0.1:{self.web}",
        }  # fmt: skip

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside it."""
        return subprocess.run(
            [sys.executable, "-m", "folkmoot", *words], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @contextmanager
    def running(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Run it until the block ends; it has to end well within ten seconds."""
        log = (self.folder / "log").open("a")
        process = subprocess.Popen(
            [sys.executable, "-m", "folkmoot", *words], cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        try:
            self.wait_until(lambda: self.page("/health/live") is not None, process)
            yield process
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)
        finally:
            process.kill()
            process.communicate()
            log.close()

    def page(self, path: str) -> str | None:
        """The text of a page; None if there is no answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return None

    def wait_until(self, what: "object", process: subprocess.Popen[str] | None = None) -> None:
        """Wait until something is so, at most half a minute."""
        assert callable(what)
        end = time.monotonic() + 30
        while not what():
            assert process is None or process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.1)

    def caught(self) -> list[bytes]:
        """The mail to others that the post office caught."""
        files = sorted((self.folder / "var" / "post-office").glob("*.eml"))
        return [file.read_bytes() for file in files]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A network in an empty folder."""
    return House(tmp_path)


def test_it_comes_up_stops_at_once_and_goes_on(house: House) -> None:
    """Up with the demo, a page, SIGTERM ends it with code 0 in seconds; the next start goes on."""
    with house.running("up", "--demo") as process:
        assert house.page("/") is not None
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - begin < 8
    before = house.ask("--demo", "export", "threads", "--list", "ai-network").stdout
    with house.running("up", "--demo") as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    assert house.ask("--demo", "export", "threads", "--list", "ai-network").stdout == before
    assert "Socitm update" in before


def test_a_reply_by_mail_is_in_the_archive(house: House) -> None:
    """A member's mail to the list goes in by SMTP, and stands in the archive soon after."""
    message = EmailMessage()
    message["From"] = "Amara Osei <amara.osei@kingston.example>"
    message["To"] = "ai-network@lists.localhost"
    message["Subject"] = "A question from the post office"
    message["Message-ID"] = "<from-the-post-office@kingston.example>"
    message.set_content("Does this arrive?\n")
    with house.running("up", "--demo"):
        with smtplib.SMTP("127.0.0.1", house.smtp, timeout=10) as client:
            client.send_message(message)

        def filed() -> bool:
            out = house.ask("--demo", "export", "threads", "--list", "ai-network").stdout
            return "from-the-post-office@kingston.example" in out

        house.wait_until(filed)


def test_joining_by_mail_brings_a_confirmation(house: House) -> None:
    """Who writes to +join is asked to confirm: the mail lies in the post office."""
    message = EmailMessage()
    message["From"] = "New Person <new.person@ashmere.example>"
    message["To"] = "ai-network+join@lists.localhost"
    message["Subject"] = "join"
    message["Message-ID"] = "<join@ashmere.example>"
    message.set_content("Please.\n")
    with house.running("up", "--demo"):
        with smtplib.SMTP("127.0.0.1", house.smtp, timeout=10) as client:
            client.send_message(message)
        rcpt = b"X-Post-Office-Rcpt: new.person@ashmere.example"
        house.wait_until(lambda: any(mail.startswith(rcpt) for mail in house.caught()))


def test_a_taken_port_is_said_in_a_sentence(house: House) -> None:
    """A second one on the same ports ends with exit code 1 and a sentence, no traceback."""
    with house.running("up", "--demo"):
        second = house.ask("up", "--demo")
    assert second.returncode == 1
    assert "FOLKMOOT_SMTP_PORT" in second.stderr
    assert "Traceback" not in second.stderr

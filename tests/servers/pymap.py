"""A private pymap (the IMAP server in pure Python) for tests: one user, mail in memory."""

import imaplib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import free_port, running

USER = "network"
SECRET = "made-for-tests"


@dataclass(frozen=True)
class Pymap:
    """Where the server listens, and its user."""

    port: int
    user: str = USER
    secret: str = SECRET

    def deliver(self, raw: bytes) -> None:
        """Put a message into the mailbox as it is."""
        with self.client() as client:
            client.append("INBOX", "", "", raw)

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """A client that is signed in, with INBOX selected."""
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=10) as client:
            client.login(self.user, self.secret)
            client.select("INBOX")
            yield client


@contextmanager
def pymap(folder: Path, port: int | None = None) -> Iterator[Pymap]:
    """Run pymap until the block ends; its output goes to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [str(Path(sys.executable).parent / "pymap"), "--host", "127.0.0.1",
               "--port", str(port), "--no-tls", "dict", "--demo-user", USER,
               "--demo-password", SECRET]  # fmt: skip
    with running(command, port, folder / "pymap.log"):
        yield Pymap(port)

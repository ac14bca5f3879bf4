"""The built-in post office: mail servers on loopback, to try the network out with nothing else.

It takes mail over SMTP. What is written to the network's domain goes into its mailbox, which the
listener reads over IMAP; what is written to anyone else never leaves this machine: each copy lies
as one file below `post-office/` in the data folder, where the web pages show it.
"""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from core import clock
from core.settings import Settings
from folkmoot.mailbox import KeptMailbox, serving_imap, write_whole

LARGEST = 50 * 1024 * 1024
#: The header that says for whom a kept copy was; the envelope is nowhere else in it.
RECIPIENT_HEADER = "X-Post-Office-Rcpt"
_START_SECONDS = 10


class PostOfficeClosed(RuntimeError):
    """The post office could not open; the text says why and what to do."""


def caught_folder(settings: Settings) -> Path:
    """Where mail to others lies, one file a copy, in the order in which it came."""
    return settings.data / "post-office"


def mailbox_folder(settings: Settings) -> Path:
    """Where the network's own mailbox lies."""
    return settings.data / "mailbox"


class Counter:
    """Takes a message in and puts each copy where it belongs (a handler of aiosmtpd)."""

    def __init__(self, settings: Settings, mailbox: KeptMailbox) -> None:
        self._domain = settings.domain.lower()
        self._mailbox = mailbox
        self._folder = caught_folder(settings)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._numbers = itertools.count(1)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep a message; the answer after the final dot is given when it is kept."""
        content = envelope.content
        if not isinstance(content, bytes):
            return "554 5.6.0 the message came in no form that we know"
        ours = [to for to in envelope.rcpt_tos if self._is_ours(to)]
        try:
            if ours:
                await self._mailbox.deliver(_trace(envelope, "Delivered-To", ours) + content)
            for recipient in envelope.rcpt_tos:
                if recipient not in ours:
                    head = _trace(envelope, RECIPIENT_HEADER, [recipient])
                    write_whole(self._next_path(), head + content, self._folder)
        except OSError:
            return "452 4.3.1 no room for this message, try again later"
        return "250 2.0.0 kept"

    def _is_ours(self, address: str) -> bool:
        return address.rpartition("@")[2].lower() == self._domain

    def _next_path(self) -> Path:
        return self._folder / f"{clock.now():%Y%m%dT%H%M%S%f}-{next(self._numbers):06d}.eml"


def _trace(envelope: Envelope, header: str, recipients: list[str]) -> bytes:
    # RFC 5321 §4.4: the server that delivers puts the envelope's sender on top.
    lines = [f"{header}: {recipient}" for recipient in recipients]
    lines.append(f"Return-Path: <{envelope.mail_from or ''}>")
    return "".join(f"{line}\r\n" for line in lines).encode()


class PostOffice:
    """The two servers in a thread of their own; `start` and `stop` wait until it is so."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ready = threading.Event()
        self._trouble: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="post-office", daemon=True)

    def start(self) -> None:
        """Open; raises PostOfficeClosed when a port is taken or the folder cannot be written."""
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise PostOfficeClosed("The post office did not open in time: try again.")
        if isinstance(self._trouble, OSError):
            raise PostOfficeClosed(
                f"The post office cannot open on ports {self._settings.smtp_port} (SMTP) and "
                f"{self._settings.imap_port} (IMAP): {self._trouble.strerror}. Stop what uses "
                "them, or set FOLKMOOT_SMTP_PORT and FOLKMOOT_IMAP_PORT."
            )
        if self._trouble is not None:
            raise self._trouble

    def stop(self) -> None:
        """Close; mail that was taken is kept."""
        if self._loop is not None and self._closing is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as trouble:  # noqa: BLE001 - handed to the thread that waits in `start`
            self._trouble = trouble
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        mailbox = KeptMailbox(mailbox_folder(self._settings))
        counter = Counter(self._settings, mailbox)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serving_imap(self._settings, mailbox))
            server = await self._loop.create_server(
                lambda: SMTP(
                    counter, loop=self._loop, enable_SMTPUTF8=True, data_size_limit=LARGEST,
                    hostname="post-office.localhost", ident="Folkmoot's post office",
                ),
                "127.0.0.1", self._settings.smtp_port,
            )  # fmt: skip
            stack.callback(server.close)
            self._ready.set()
            await self._closing.wait()


@contextmanager
def post_office(settings: Settings) -> Iterator[PostOffice]:
    """Run the post office of the settings until the block ends."""
    office = PostOffice(settings)
    office.start()
    try:
        yield office
    finally:
        office.stop()

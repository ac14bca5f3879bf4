"""LMTP (RFC 2033): a mail server of one's own hands each message over, and is told it is kept.

Nothing is read of a message here. It is in the database before the reply, one row a recipient of
ours, with the address that it was written to on top (RFC 9228); the server keeps what we could not.
"""

import asyncio
import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from core import addresses, database
from core.settings import Settings
from mailer import inbox, trial, vouching
from message.witness import Finding

log = logging.getLogger(__name__)

MAILBOX = "lmtp"
LARGEST = 50 * 1024 * 1024
START_SECONDS = 10.0
_KEPT = "250 2.0.0 kept"
_LATER = "451 4.3.0 it cannot be kept now; try again later"


class CannotListen(RuntimeError):
    """Nobody can hand mail over; the text says why and what to do."""


class Counter:
    """Takes messages in (a handler of aiosmtpd)."""

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether there is such a domain here; who it is for is found out when it is sorted."""
        if addresses.recognise(address) is None:
            return "550 5.1.2 no mail for that domain is taken here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """RFC 2033 §4.2: a reply for each recipient, in order, once it is kept."""
        content = envelope.content
        if not isinstance(content, bytes):
            return "\r\n".join("554 5.6.0 no message came" for _ in envelope.rcpt_tos)
        unread = (await asyncio.to_thread(trial.read, {0: content})).unread.get(0)
        finding = None if unread else await asyncio.to_thread(vouching.look_at, content)
        sender = envelope.mail_from or ""
        replies = [
            await asyncio.to_thread(kept, recipient, sender, content, finding, unread)
            for recipient in envelope.rcpt_tos
        ]
        return "\r\n".join(replies)

    async def handle_exception(self, error: Exception) -> str:
        """Trouble of ours is for now, and its text is for nobody."""
        log.warning("lmtp_trouble", extra={"why": type(error).__name__})
        return _LATER


class _Talk(LMTP):
    """LMTP as aiosmtpd speaks it, with as many replies after the message as there are recipients.

    RFC 2033 §4.2; what ends the message for all (too large, say) is said for each.
    """

    _taking = False

    async def smtp_DATA(self, arg: str) -> None:
        """The message, after which each recipient has a reply of its own."""
        self._taking = True
        try:
            await super().smtp_DATA(arg)
        finally:
            self._taking = False

    async def push(self, status: str | bytes) -> None:
        """A reply to the server."""
        said = status.decode("ascii", "replace") if isinstance(status, bytes) else status
        times = len(self.envelope.rcpt_tos) if self._taking and self.envelope else 1
        once = said.startswith("354") or "\r\n" in said
        await super().push(said if once else "\r\n".join([said] * max(times, 1)))


def kept(
    recipient: str, sender: str, content: bytes, finding: Finding | None = None,
    unread: str | None = None,
) -> str:  # fmt: skip
    """Keep a message for one recipient in a transaction of its own; gives the reply.

    `finding` is what was found out about its author, `unread` why nobody should read it. The same
    message for the same recipient again is kept once.
    """
    trace = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n"
    raw = trace.encode("utf-8", "surrogateescape") + content
    # The server numbers nothing: the same bytes have the same number.
    number = int.from_bytes(hashlib.sha256(raw).digest()[:8], "big") >> 1
    try:
        with database.transaction() as session:
            inbox.keep(session, MAILBOX, 0, number, raw, finding, unread)
    except Exception as trouble:  # noqa: BLE001 - whatever it was: the mail server keeps the message
        log.warning("lmtp_not_kept", extra={"why": type(trouble).__name__})
        return _LATER
    return _KEPT


@contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """Take mail over LMTP until the block ends; gives the port. Raises CannotListen."""
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    troubles: list[OSError] = []

    async def begin() -> asyncio.Server | None:
        try:
            server = await loop.create_server(_talk, settings.lmtp_host, settings.lmtp_port)
        except OSError as trouble:
            troubles.append(trouble)
            return None
        ports.append(server.sockets[0].getsockname()[1])
        return server

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(begin())
        ready.set()
        if server is not None:
            loop.run_forever()
            server.close()
            loop.run_until_complete(server.wait_closed())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run, name="lmtp", daemon=True)
    thread.start()
    if not ready.wait(START_SECONDS) or troubles:
        why = troubles[0].strerror if troubles else "it took too long"
        where = f"{settings.lmtp_host}:{settings.lmtp_port}"
        raise CannotListen(f"Nobody can listen on {where} ({why}): set FOLKMOOT_LMTP_PORT.")
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_SECONDS)


def _talk() -> LMTP:
    return _Talk(
        Counter(), data_size_limit=LARGEST, enable_SMTPUTF8=True, decode_data=False,
        hostname="folkmoot", ident="LMTP", timeout=300,
    )  # fmt: skip

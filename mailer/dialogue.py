"""One open SMTP connection: commands out, in one piece where the server allows it, replies back."""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import aiosmtplib

from message.wire import on_wire

#: A reply longer than this is no reply.
_LONGEST_REPLY, _MOST_LINES = 64 * 1024, 1000
_REPLY_LINE = re.compile(r"[2-5]\d\d(?:[ -]|$)")
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b\s*")
_FINAL_DOT = b".\r\n"


class ConnectionLost(Exception):
    """The connection ended, or the server said nothing for too long, or talked nonsense."""


class Reply(NamedTuple):
    """What the server answered: the code, the enhanced status (RFC 3463) if any, the words."""

    code: int
    words: str
    enhanced: str | None

    @property
    def status(self) -> str:
        """Code and enhanced status, as the ledger keeps them."""
        return f"{self.code} {self.enhanced}" if self.enhanced else str(self.code)


class _Protocol(asyncio.Protocol):
    """Collects replies, and wakes who waits for one; after the end there is only ConnectionLost."""

    def __init__(self) -> None:
        self._replies: deque[Reply] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._lost: str | None = None
        self._buffer = b""
        self._lines: list[str] = []
        self._patience = self._deadline = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def closed(self) -> bool:
        """Whether no more replies will come."""
        return self._lost is not None

    async def reply(self, seconds: float) -> Reply:
        """The next reply; raises ConnectionLost when there is none in time, or at all."""
        while not self._replies:
            if self._lost is not None:
                raise ConnectionLost(self._lost)
            await self._news(seconds)
        return self._replies.popleft()

    async def _news(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        # Most waits are short: a timer is not set and taken back for each, but moved when it rings.
        self._patience, self._deadline = seconds, loop.time() + seconds
        if self._alarm is None or self._alarm.when() > self._deadline:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = loop.call_at(self._deadline, self._ring, loop)
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = None
        if self._waiting is None:
            return
        if loop.time() < self._deadline:
            self._alarm = loop.call_at(self._deadline, self._ring, loop)
        else:
            self.end(f"the server said nothing for {self._patience:.0f} seconds")

    def end(self, why: str) -> None:
        """No reply comes any more; the first reason stays."""
        self._lost = self._lost or why
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._line(line.decode("utf-8", "replace").rstrip())
        if len(self._buffer) > _LONGEST_REPLY or len(self._lines) > _MOST_LINES:
            self.end("the server's answer has no end")
        self._wake()

    def _line(self, line: str) -> None:
        if not _REPLY_LINE.match(line):
            self.end("the server's answer is none")
            return
        self._lines.append(line[4:])
        if line[3:4] != "-":
            words = " ".join(self._lines)[:1000]
            self._lines = []
            enhanced = _ENHANCED.match(words)
            self._replies.append(
                Reply(int(line[:3]), words, enhanced.group(1) if enhanced else None)
            )

    def eof_received(self) -> None:
        self.end("the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self.end("the connection was lost")


class Dialogue:
    """A connection on which EHLO, TLS and login are done."""

    def __init__(self, transport: asyncio.Transport, extensions: Iterable[str]) -> None:
        self._transport = transport
        self._extensions = frozenset(extensions)
        self._protocol = _Protocol()
        transport.set_protocol(self._protocol)

    @classmethod
    def take_over(cls, client: aiosmtplib.SMTP) -> "Dialogue":
        """Go on with the connection of a client; raises SMTPServerDisconnected if it has none."""
        protocol = client.protocol
        transport = protocol.transport if protocol is not None else None
        if transport is None or transport.is_closing():
            raise aiosmtplib.SMTPServerDisconnected("the connection ended")
        return cls(cast(asyncio.Transport, transport), map(str.lower, client.esmtp_extensions))

    def offers(self, extension: str) -> bool:
        """Whether the server offers an SMTP extension, named by its EHLO keyword in lower case."""
        return extension in self._extensions

    @property
    def usable(self) -> bool:
        """Whether another transaction can be tried."""
        return not (self._protocol.closed or self._transport.is_closing())

    async def ask(self, commands: Sequence[str], seconds: float) -> list[Reply]:
        """Send commands and give their replies; raises ConnectionLost.

        With PIPELINING (RFC 2920) all go out at once; otherwise one by one, and none after the
        first that is not taken.
        """
        replies: list[Reply] = []
        pipelining = self.offers("pipelining")
        if pipelining:
            self._write("".join(f"{command}\r\n" for command in commands).encode())
        for command in commands:
            if not pipelining:
                self._write(f"{command}\r\n".encode())
            try:
                replies.append(await self._protocol.reply(seconds))
            except ConnectionLost:
                if replies and replies[-1].code >= 400:
                    break  # it said why, and left
                raise
            if replies[-1].code >= 400 and not pipelining:
                break
        return replies

    async def send_message(self, message: bytes, seconds: float) -> Reply:
        """Send a message after DATA was taken, and give the answer to it; raises ConnectionLost."""
        self._write(on_wire(message), _FINAL_DOT)
        return await self._protocol.reply(seconds)

    async def quit(self) -> None:
        """Take leave, without waiting long for the answer."""
        with contextlib.suppress(ConnectionLost):
            await self.ask(["QUIT"], 1.0)
        self.drop()

    def drop(self) -> None:
        """Close the connection at once."""
        self._protocol.end("we closed the connection")
        self._transport.abort()

    def _write(self, *pieces: bytes) -> None:
        if not self.usable:
            raise ConnectionLost("the connection was lost")
        self._transport.write(b"".join(pieces))

"""One open SMTP connection: commands out, in one piece where the server allows it, replies back."""

import asyncio
import contextlib
import re
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import aiosmtplib

T = TypeVar("T")
#: A reply longer than this is no reply.
_LONGEST_REPLY = 64 * 1024
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b\s*")
_BARE = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"(?m)^\.")


class ConnectionLost(Exception):
    """The connection ended, or the server said nothing for too long, or talked nonsense."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered: the code, the enhanced status (RFC 3463) if any, the words."""

    code: int
    words: str
    enhanced: str | None

    @property
    def status(self) -> str:
        """Code and enhanced status, as the ledger keeps them."""
        return f"{self.code} {self.enhanced}" if self.enhanced else str(self.code)


class _Protocol(asyncio.Protocol):
    """Collects replies; what comes after the end is a ConnectionLost."""

    def __init__(self) -> None:
        self.replies: asyncio.Queue[Reply | ConnectionLost] = asyncio.Queue()
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.closed = asyncio.Event()
        self._buffer = b""
        self._lines: list[str] = []

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._line(line.decode("utf-8", "replace").rstrip())
        if len(self._buffer) > _LONGEST_REPLY or len(self._lines) > 1000:
            self._end("the server's answer has no end")

    def _line(self, line: str) -> None:
        if not re.match(r"[2-5]\d\d(?:[ -]|$)", line):
            self._end("the server's answer is none")
            return
        self._lines.append(line[4:])
        if line[3:4] != "-":
            words = " ".join(self._lines)[:1000]
            self._lines = []
            enhanced = _ENHANCED.match(words)
            self.replies.put_nowait(
                Reply(int(line[:3]), words, enhanced.group(1) if enhanced else None)
            )

    def _end(self, why: str) -> None:
        self.closed.set()
        self.may_write.set()
        self.replies.put_nowait(ConnectionLost(why))

    def eof_received(self) -> None:
        self._end("the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("the connection was lost")

    def pause_writing(self) -> None:
        self.may_write.clear()

    def resume_writing(self) -> None:
        self.may_write.set()


class Dialogue:
    """A connection on which EHLO, TLS and login are done."""

    def __init__(self, transport: asyncio.Transport, *, pipelining: bool) -> None:
        self._transport, self._pipelining = transport, pipelining
        self._protocol = _Protocol()
        transport.set_protocol(self._protocol)

    @classmethod
    def take_over(cls, client: aiosmtplib.SMTP) -> "Dialogue":
        """Go on with the connection of a client; raises SMTPServerDisconnected if it has none."""
        protocol = client.protocol
        transport = protocol.transport if protocol is not None else None
        if transport is None or transport.is_closing():
            raise aiosmtplib.SMTPServerDisconnected("the connection ended")
        return cls(
            cast(asyncio.Transport, transport), pipelining=client.supports_extension("pipelining")
        )

    @property
    def usable(self) -> bool:
        """Whether another transaction can be tried."""
        return not (self._protocol.closed.is_set() or self._transport.is_closing())

    async def ask(self, commands: Sequence[str], seconds: float) -> list[Reply]:
        """Send commands and give their replies; raises ConnectionLost.

        With PIPELINING (RFC 2920) all go out at once; otherwise one by one, and none after the
        first that is not taken.
        """
        replies: list[Reply] = []
        if self._pipelining:
            self._write("".join(f"{command}\r\n" for command in commands).encode("ascii"))
        for command in commands:
            if not self._pipelining:
                self._write(f"{command}\r\n".encode("ascii"))
            try:
                replies.append(await self._reply(seconds))
            except ConnectionLost:
                if replies and replies[-1].code >= 400:
                    break  # it said why, and left
                raise
            if replies[-1].code >= 400 and not self._pipelining:
                break
        return replies

    async def send_message(self, data: bytes, seconds: float) -> Reply:
        """Send a message after DATA was taken, and give the answer to it; raises ConnectionLost.

        Line ends are CRLF and dots are stuffed (RFC 5321 §2.3.8, §4.5.2); a finished message of
        ours is not changed otherwise.
        """
        if _has_bare(data):
            data = _BARE.sub(b"\r\n", data)
        if data and not data.endswith(b"\r\n"):
            data += b"\r\n"
        self._write(_DOT.sub(b"..", data) + b".\r\n")
        await self._within(self._protocol.may_write.wait(), seconds)
        return await self._reply(seconds)

    async def quit(self) -> None:
        """Take leave, without waiting long for the answer."""
        with contextlib.suppress(ConnectionLost):
            await self.ask(["QUIT"], 1.0)
        self.drop()

    def drop(self) -> None:
        """Close the connection at once."""
        self._protocol.closed.set()
        self._transport.abort()

    def _write(self, data: bytes) -> None:
        if not self.usable:
            raise ConnectionLost("the connection was lost")
        self._transport.write(data)

    async def _reply(self, seconds: float) -> Reply:
        reply = await self._within(self._protocol.replies.get(), seconds)
        if isinstance(reply, ConnectionLost):
            self._protocol.replies.put_nowait(reply)  # whoever asks next hears the same
            raise ConnectionLost(str(reply))
        return reply

    async def _within(self, waited: Coroutine[Any, Any, T], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await waited
        except TimeoutError:
            raise ConnectionLost(f"the server said nothing for {seconds:.0f} seconds") from None


def _has_bare(data: bytes) -> bool:
    return data.count(b"\r\n") != data.count(b"\n") or data.count(b"\r\n") != data.count(b"\r")

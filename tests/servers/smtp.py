"""An SMTP server for tests: takes mail, keeps what came over the wire, and fails on request."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    """One copy as it came: the envelope and the bytes, dots unstuffed."""

    sender: str
    recipient: str
    data: bytes


@dataclass
class Faults:
    """What goes wrong. Each list of strings is used up by one message a string, then all is well.

    `recipients`: the answer to RCPT for an address. `senders`: the answer to any MAIL. `greeting`:
    the answer to a new connection. `data`, `dot`: the answers to DATA and to the final dot.
    `drop_in_data`: close when the message has begun; `drop_after_dot`: take the message, close
    without an answer; `drop_at_dot`: close without taking it; `drop_at_mail`: close instead of
    answering MAIL (how many times). `greylist`: an address is put off when first seen.
    `most_recipients`: so many are taken, then it is too much for now. `slow_dots`: seconds until
    the answer, a message each. `answer`: what is said of a message that was taken, by its number.
    """

    recipients: dict[str, str] = field(default_factory=dict)
    senders: list[str] = field(default_factory=list)
    greeting: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    dot: list[str] = field(default_factory=list)
    drop_in_data: int = 0
    drop_after_dot: int = 0
    drop_at_dot: int = 0
    drop_at_mail: int = 0
    greylist: bool = False
    most_recipients: int | None = None
    slow_dots: list[float] = field(default_factory=list)
    answer: Callable[[int], str] = lambda _number: "250 2.0.0 taken"


Route = Callable[[str, str, bytes], bool]


class SmtpSink:
    """A running server. `received()` lists what came; `faults` may be changed at any time."""

    def __init__(self, delay: float, route: Route | None, pipelining: bool) -> None:
        self.port = 0
        self.delay, self.pipelining = delay, pipelining
        self.faults = Faults()
        self.promised = 0
        self.login: tuple[str, str] | None = None
        self.tls: ssl.SSLContext | None = None
        self.connections = 0
        self.attempts: list[str] = []
        #: After so many copies nobody gets an answer to MAIL, until this is raised or None.
        self.hold_after: int | None = None
        self._route = route
        self._received: list[Received] = []
        self._lock = threading.Lock()

    def received(self) -> list[Received]:
        """What was taken for other servers, one entry a copy, in order."""
        with self._lock:
            return list(self._received)

    async def take(self, sender: str, recipients: list[str], data: bytes) -> None:
        """Keep a message; what the route takes goes its own way."""
        for recipient in recipients:
            if self._route is not None:
                taken = await asyncio.to_thread(self._route, sender, recipient, data)
                if taken:
                    continue
            with self._lock:
                self._received.append(Received(sender, recipient, data))


class _Quit(Exception):
    """The conversation is over."""


class _Talk:
    """One conversation."""

    def __init__(
        self, sink: SmtpSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._sink, self._reader, self._writer = sink, reader, writer
        self._sender, self._recipients = "", list[str]()
        self._signed_in = False

    async def run(self) -> None:
        self._sink.connections += 1
        greetings = self._sink.faults.greeting
        if greetings:
            self._say(greetings.pop(0))
            raise _Quit
        self._say("220 sink ESMTP")
        while line := await self._reader.readline():
            await self._command(line.decode("utf-8", "replace").rstrip("\r\n"))
            await self._writer.drain()

    def _say(self, reply: str) -> None:
        self._writer.write(reply.encode() + b"\r\n")

    async def _command(self, line: str) -> None:
        verb = line.split(" ")[0].split(":")[0].upper()
        argument = line[len(verb) :].strip()
        act = getattr(self, f"_{verb.lower()}", None)
        if act is None:
            self._say("500 5.5.1 what?")
        else:
            await act(argument)

    async def _ehlo(self, _name: str) -> None:
        lines = ["sink", "SIZE 52428800", "8BITMIME", "ENHANCEDSTATUSCODES"]
        lines += ["PIPELINING"] * self._sink.pipelining
        secure = self._writer.get_extra_info("ssl_object") is not None
        lines += ["STARTTLS"] * (self._sink.tls is not None and not secure)
        lines += ["AUTH PLAIN"] * (self._sink.login is not None)
        for line in lines[:-1]:
            self._say(f"250-{line}")
        self._say(f"250 {lines[-1]}")

    async def _starttls(self, _argument: str) -> None:
        self._say("220 go ahead")
        await self._writer.drain()
        assert self._sink.tls is not None
        await self._writer.start_tls(self._sink.tls)

    async def _auth(self, argument: str) -> None:
        import base64

        _, user, secret = base64.b64decode(argument.partition(" ")[2]).decode().split("\0")
        self._signed_in = (user, secret) == self._sink.login
        self._say("235 2.7.0 welcome" if self._signed_in else "535 5.7.8 wrong password")

    async def _mail(self, argument: str) -> None:
        faults = self._sink.faults
        while self._sink.hold_after is not None and (
            len(self._sink.received()) >= self._sink.hold_after
        ):
            await asyncio.sleep(0.01)
        if faults.drop_at_mail:
            faults.drop_at_mail -= 1
            raise _Quit
        if self._sink.login is not None and not self._signed_in:
            self._say("530 5.7.0 sign in first")
            return
        if faults.senders:
            self._say(faults.senders.pop(0))
            return
        self._sender, self._recipients = _path(argument), []
        self._say("250 2.1.0 ok")

    async def _rcpt(self, argument: str) -> None:
        recipient, faults = _path(argument), self._sink.faults
        new = recipient not in self._sink.attempts
        self._sink.attempts.append(recipient)
        fault = faults.recipients.get(recipient)
        if faults.greylist and new:
            fault = "450 4.7.1 greylisted, try again later"
        elif faults.most_recipients is not None and (self._sink.promised >= faults.most_recipients):
            fault = "452 4.5.3 too many recipients for now"
        if not self._sender:
            self._say("503 5.5.1 MAIL first")
        elif fault is not None:
            self._say(fault)
        else:
            self._recipients.append(recipient)
            self._sink.promised += 1  # two connections may be about to send the hundredth
            self._say("250 2.1.5 ok")

    async def _data(self, _argument: str) -> None:
        faults = self._sink.faults
        if not self._recipients:
            self._say("554 5.5.1 no valid recipients")
            return
        if faults.data:
            self._say(faults.data.pop(0))
            return
        self._say("354 go on")
        await self._writer.drain()
        lines: list[bytes] = []
        while (line := await self._reader.readline()) != b".\r\n":
            if not line:
                raise _Quit
            if faults.drop_in_data:
                faults.drop_in_data -= 1
                raise _Quit
            lines.append(line[1:] if line.startswith(b"..") else line)
        await self._dot(b"".join(lines))

    async def _dot(self, data: bytes) -> None:
        faults = self._sink.faults
        if self._sink.delay:
            await asyncio.sleep(self._sink.delay)
        if faults.slow_dots:
            await asyncio.sleep(faults.slow_dots.pop(0))
        if faults.drop_at_dot:
            faults.drop_at_dot -= 1
            raise _Quit
        fault = faults.dot.pop(0) if faults.dot else None
        if fault is None:
            await self._sink.take(self._sender, self._recipients, data)
        if faults.drop_after_dot:
            faults.drop_after_dot -= 1
            raise _Quit
        self._sender, self._recipients = "", []
        self._say(fault or faults.answer(len(self._sink.received())))

    async def _rset(self, _argument: str) -> None:
        self._sender, self._recipients = "", []
        self._say("250 2.0.0 ok")

    async def _noop(self, _argument: str) -> None:
        self._say("250 2.0.0 ok")

    _helo = _noop

    async def _quit(self, _argument: str) -> None:
        self._say("221 2.0.0 bye")
        raise _Quit


def _path(argument: str) -> str:
    return argument.partition("<")[2].partition(">")[0]


async def _talk(sink: SmtpSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(_Quit, ConnectionError, ssl.SSLError, asyncio.CancelledError):
        try:
            await _Talk(sink, reader, writer).run()
        finally:
            writer.close()


@contextmanager
def smtp_server(
    *,
    delay: float = 0.0,
    route: Route | None = None,
    pipelining: bool = True,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
) -> Iterator[SmtpSink]:
    """Run the server in a thread of its own until the block ends.

    `delay` is how long it thinks over each message, before it takes it. `route(sender, recipient,
    data)` is asked first for each copy: what it takes (True) is not in `received()`.
    """
    sink = SmtpSink(delay, route, pipelining)
    sink.tls = starttls
    ready = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        server = await asyncio.start_server(
            lambda r, w: _talk(sink, r, w), "127.0.0.1", port, ssl=tls, limit=2**20
        )
        sink.port = server.sockets[0].getsockname()[1]
        ready.set()
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve_forever()

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(serve())

    thread = threading.Thread(target=run, name="smtp-sink", daemon=True)
    thread.start()
    assert ready.wait(10), "the SMTP server did not start"
    try:
        yield sink
    finally:
        loop = loops[0]

        def stop() -> None:
            for task in asyncio.all_tasks(loop):
                task.cancel()

        loop.call_soon_threadsafe(stop)
        thread.join(timeout=10)

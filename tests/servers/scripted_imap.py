"""A scripted IMAP server for tests: folders in memory, and faults that are switched on by name."""

import asyncio
import base64
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

USER, SECRET, TOKEN = "network", "made-for-tests", "token-made-for-tests"
_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|(\([^)]*\))|(\S+)')


@dataclass
class Held:
    """A message on the server."""

    raw: bytes
    flags: set[str] = field(default_factory=set)


@dataclass
class Box:
    """A folder on the server."""

    marks: str = ""
    validity: int = 1
    next_uid: int = 1
    held: dict[int, Held] = field(default_factory=dict)


class ScriptedImap:
    """Speaks IMAP as far as a listener needs it, and goes wrong as it is told to.

    `faults` holds names: bye on idle, silent after idle, done ignored, silent in fetch, silent in
    search, cut in literal. Each strikes as often as its number says. `poison` maps UIDs to what a
    fetch of them does: no, missing, cut. `mute` is a server that never says EXISTS by itself;
    `before_idle` and `in_store` are called at that moment, and after the latter it says EXISTS.
    """

    def __init__(self, capabilities: str = "IDLE UIDPLUS MOVE") -> None:
        self.capabilities = f"IMAP4rev1 AUTH=XOAUTH2 {capabilities}"
        self.boxes = {"INBOX": Box()}
        self.faults: dict[str, int] = {}
        self.poison: dict[int, str] = {}
        self.mute = False
        self.before_idle: Callable[[], None] | None = None
        self.in_store: Callable[[], None] | None = None
        self.commands: list[str] = []
        self.struck = self.logins = self.idles = 0
        self._lock = threading.RLock()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None

    # --- for the test ---

    def deliver(self, raw: bytes, folder: str = "INBOX") -> int:
        """Put a message into a folder; returns its UID."""
        with self._lock:
            box = self.boxes[folder]
            uid, box.next_uid = box.next_uid, box.next_uid + 1
            box.held[uid] = Held(raw)
            return uid

    def number_anew(self, folder: str = "INBOX") -> None:
        """Another UIDVALIDITY, and other UIDs; all connections end."""
        with self._lock:
            box = self.boxes[folder]
            held = [Held(one.raw) for one in box.held.values()]
            box.validity += 1
            box.held = dict(enumerate(held, 7))
            box.next_uid = 7 + len(held)

    def unseen(self, folder: str = "INBOX") -> int:
        """How many messages are not marked as seen."""
        with self._lock:
            held = self.boxes[folder].held.values()
            return sum(r"\Seen" not in one.flags for one in held)

    def said(self, start: str) -> list[str]:
        """The commands that begin so."""
        return [line for line in list(self.commands) if line.startswith(start)]

    def start(self) -> None:
        """Listen on the port."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(5)

    def stop(self) -> None:
        """Go away: every connection ends, and the port is closed."""
        assert self._loop is not None
        assert self._over is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)
        assert not self._thread.is_alive()

    # --- the server ---

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        talks: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            try:
                await _Conversation(self, reader, writer).hold()
            except (OSError, EOFError, asyncio.CancelledError):
                pass  # the client went away, or we do
            finally:
                talks.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(talk, "127.0.0.1", self.port)
        ready.set()
        await self._over.wait()
        server.close()
        for task in list(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    def strikes(self, fault: str) -> bool:
        """Whether the fault happens now; it is used up by that."""
        left = self.faults.get(fault, 0)
        if left:
            self.faults[fault] = left - 1
            self.struck += 1
        return left > 0

    @property
    def lock(self) -> threading.RLock:
        """Held while folders are looked at or changed."""
        return self._lock


class _Conversation:
    """One connection."""

    def __init__(
        self, server: ScriptedImap, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._box: Box | None = None
        self._told = 0

    def _say(self, line: str | bytes) -> None:
        self._writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    async def _line(self) -> str:
        line = await self._reader.readuntil(b"\r\n")
        return line.decode().rstrip("\r\n")

    async def hold(self) -> None:
        self._say("* OK ready")
        while True:
            tag, _, command = (await self._line()).partition(" ")
            self._server.commands.append(command)
            words = [m[1] if m[1] is not None else m[0] for m in _ITEM.finditer(command)]
            verb = words[0].upper()
            if verb == "UID":
                verb, words = f"UID_{words[1].upper()}", words[1:]
            act = getattr(self, f"_{verb.lower()}")
            end = await act(words[1:])
            self._say(f"{tag} {end or 'OK done'}")
            await self._writer.drain()
            if verb == "LOGOUT":
                return

    async def _silence(self) -> None:
        await self._writer.drain()
        await asyncio.sleep(60)

    async def _capability(self, _words: list[str]) -> None:
        self._say(f"* CAPABILITY {self._server.capabilities}")

    async def _login(self, words: list[str]) -> str | None:
        self._server.logins += 1
        return None if words == [USER, SECRET] else "NO [AUTHENTICATIONFAILED] no"

    async def _authenticate(self, words: list[str]) -> str | None:
        self._server.logins += 1
        wanted = f"user={USER}\x01auth=Bearer {TOKEN}\x01\x01".encode()
        if words[0] == "XOAUTH2" and base64.b64decode(words[1]) == wanted:
            return None
        self._say("+ " + base64.b64encode(b'{"status":"401"}').decode())
        assert await self._line() == ""
        return "NO [AUTHENTICATIONFAILED] no"

    async def _logout(self, _words: list[str]) -> None:
        self._say("* BYE")

    async def _create(self, words: list[str]) -> None:
        self._server.boxes[words[0]] = Box()

    async def _list(self, words: list[str]) -> None:
        for name, box in self._server.boxes.items():
            if words[0] != "(SPECIAL-USE)" or box.marks:
                self._say(f'* LIST (\\HasNoChildren {box.marks}) "/" "{name}"')

    async def _select(self, words: list[str]) -> str | None:
        self._box = self._server.boxes.get(words[0])
        if self._box is None:
            return "NO there is none"
        self._tell_number(always=True)
        self._say(f"* OK [UIDVALIDITY {self._box.validity}] numbered")
        return "OK [READ-WRITE] open"

    def _tell_number(self, *, always: bool = False) -> None:
        box = self._open()
        if always or (len(box.held) > self._told and not self._server.mute):
            self._told = len(box.held)
            self._say(f"* {self._told} EXISTS")

    def _open(self) -> Box:
        assert self._box is not None, "no folder is open"
        return self._box

    def _uids(self, words: str) -> list[int]:
        """The UIDs that a set names; n:* names the last one always."""
        held = sorted(self._open().held)
        found: set[int] = set()
        for part in words.split(","):
            low, _, high = part.partition(":")
            ends = sorted(
                (held[-1] if held else 0) if end == "*" else int(end) for end in (low, high or low)
            )
            found |= {uid for uid in held if ends[0] <= uid <= ends[1]}
        return sorted(found)

    async def _uid_search(self, words: list[str]) -> None:
        if self._server.strikes("silent in search"):
            await self._silence()
        with self._server.lock:
            held = self._open().held
            found = self._uids(words[1])
            if "UNSEEN" in words:
                found = [uid for uid in found if r"\Seen" not in held[uid].flags]
        self._say(f"* SEARCH {' '.join(map(str, found))}".rstrip())

    async def _uid_fetch(self, words: list[str]) -> str | None:
        box, end = self._open(), None
        numbers = {uid: n for n, uid in enumerate(sorted(box.held), 1)}
        uids = self._uids(words[0])
        if "SIZE" in words[1]:
            for uid in uids:
                self._say(
                    f"* {numbers[uid]} FETCH (UID {uid} RFC822.SIZE {len(box.held[uid].raw)})"
                )
            return None
        part = re.search(r"<(\d+)\.(\d+)>", words[1])
        for uid in uids:
            poison = self._server.poison.get(uid)
            if poison in ("no", "missing"):
                end = "NO it cannot be read" if poison == "no" else end
                continue
            if self._server.strikes("silent in fetch"):
                await self._silence()
            raw = box.held[uid].raw
            if part:
                raw = raw[int(part[1]) : int(part[1]) + int(part[2])]
            name = f"BODY[]<{part[1]}>" if part else "BODY[]"
            head = f"* {numbers[uid]} FETCH (UID {uid} {name} {{{len(raw)}}}\r\n".encode()
            if poison == "cut" or self._server.strikes("cut in literal"):
                self._writer.write(head + raw[: len(raw) // 2])
                await self._writer.drain()
                await asyncio.sleep(0.05)
                raise EOFError
            self._say(head + raw + b")")
        return end

    async def _uid_store(self, words: list[str]) -> None:
        for uid in self._uids(words[0]):
            self._open().held[uid].flags |= set(words[2].strip("()").split())
        if self._server.in_store is not None:
            self._server.in_store()
            self._tell_number(always=True)

    async def _uid_copy(self, words: list[str]) -> str | None:
        if words[1] not in self._server.boxes:
            return "NO [TRYCREATE] there is none"
        for uid in self._uids(words[0]):
            self._server.deliver(self._open().held[uid].raw, words[1])
        return None

    async def _uid_expunge(self, words: list[str]) -> None:
        with self._server.lock:
            held = self._open().held
            for uid in self._uids(words[0]):
                if r"\Deleted" in held[uid].flags:
                    self._say(f"* {sorted(held).index(uid) + 1} EXPUNGE")
                    del held[uid]
        self._told = len(held)

    async def _uid_move(self, words: list[str]) -> str | None:
        refused = await self._uid_copy(words)
        if refused is None:
            await self._uid_store([words[0], "+FLAGS", r"(\Deleted)"])
            await self._uid_expunge(words)
        return refused

    async def _idle(self, _words: list[str]) -> None:
        server = self._server
        if server.before_idle is not None:
            server.before_idle()
        if server.strikes("bye on idle"):
            self._say("* BYE going down")
            await self._writer.drain()
            raise EOFError
        self._say("+ idling")
        server.idles += 1
        if server.strikes("silent after idle"):
            await self._silence()
        done = asyncio.ensure_future(self._line())
        while not done.done():
            self._tell_number()
            await asyncio.wait({done}, timeout=0.02)
        done.result()
        if server.strikes("done ignored"):
            await self._silence()


@contextmanager
def scripted_imap(capabilities: str = "IDLE UIDPLUS MOVE") -> Iterator[ScriptedImap]:
    """Run the server until the block ends."""
    server = ScriptedImap(capabilities)
    server.start()
    try:
        yield server
    finally:
        server.stop()

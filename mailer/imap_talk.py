"""One conversation with an IMAP server: commands and answers, each waited for with an end.

aioimaplib waits for ever when a server goes away in the middle of IDLE, and does not answer the
challenge of a refused token; what it hears outside IDLE it drops. All that is made good here.
"""

import asyncio
import base64
import contextlib
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aioimaplib

from core.settings import Settings
from mailer.login import LoginTrouble, Tokens

T = TypeVar("T")
Check = Callable[[], Awaitable[None]]

COMMAND_SECONDS = 60.0
#: A server that takes longer to greet is tried again; so its return is noticed soon.
GREETING_SECONDS = 30.0
#: IDLE is renewed after so long at most: 29 minutes in RFC 2177, fewer behind address translation.
IDLE_SECONDS = 540.0
#: Larger messages are fetched in pieces of this size.
PIECE = 2**20
#: So many are fetched by one command: for each piece that it hears the library looks again through
#: all that the command has brought so far.
BODIES = 25
_SLICE = 0.5
_SIZES = re.compile(rb"UID (\d+)[^()]*RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+)[^()]*UID (\d+)")
_UID = re.compile(rb"\bUID (\d+)")
_LISTED = re.compile(rb'\(([^)]*)\) (?:"(?:[^"\\]|\\.)"|NIL) (?:"((?:[^"\\]|\\.)*)"|([^\s"]+))\s*')
#: How the Junk folder is called where servers do not mark it (Exchange Online among them).
_JUNK_NAMES = {"junk", "junk email", "junk e-mail", "spam", "inbox.junk", "inbox.spam"}


class ImapTrouble(Exception):
    """The server did not do what was asked, or not in time."""


class Refused(ImapTrouble):
    """The server says NO or BAD to a command; the connection may go on."""


class LoginRefused(ImapTrouble):
    """The server does not know the user, or not this password."""


class Leaving(Exception):
    """We were told to stop, or the mailbox is somebody else's now."""


class Talk:
    """A connection that is signed in; every method raises ImapTrouble, or Leaving by `check`."""

    def __init__(self, client: Any, lost: "asyncio.Future[None]", check: Check) -> None:
        self._client, self._lost, self._check = client, lost, check
        self._exists = self._known = 0
        _listen_in(client.protocol, self._heard)

    def _heard(self, line: bytes) -> None:
        if match := re.match(rb"\* (\d+) EXISTS", line, re.IGNORECASE):
            self._exists = int(match[1])

    async def within(self, what: Awaitable[T], seconds: float | None = None) -> T:
        """Wait for an answer, but not beyond its time, the connection's end or our own."""
        task = asyncio.ensure_future(what)
        either: set[asyncio.Future[Any]] = {task, self._lost}
        end = time.monotonic() + (seconds or COMMAND_SECONDS)
        try:
            while not task.done():
                await asyncio.wait(either, timeout=_SLICE, return_when="FIRST_COMPLETED")
                if task.done():
                    break
                if self._lost.done():
                    raise ImapTrouble("the connection was lost")
                if time.monotonic() > end:
                    raise ImapTrouble("the server did not answer in time")
                await self._check()
            return task.result()
        finally:
            task.cancel()

    def can(self, capability: str) -> bool:
        """Whether the server says that it has this; it is asked, never assumed."""
        return any(one.upper() == capability for one in self._client.protocol.capabilities)

    # --- signing in ---

    async def sign_in(self, settings: Settings) -> None:
        """By password or token; asks again what the server can do, which often is more then."""
        if settings.imap_oauth:
            await self._by_token(settings.imap_username, Tokens.of(settings))
        else:
            secret = settings.imap_password.get_secret_value()
            _accepted(await self.within(self._client.login(quoted(settings.imap_username), secret)))
        await self.within(self._client.protocol.capability())

    async def _by_token(self, user: str, tokens: Tokens) -> None:
        """SASL XOAUTH2; a refused token is fetched anew, once."""
        try:
            token = await asyncio.to_thread(tokens.current)
            answer = await self.within(self._client.xoauth2(user, token))
            if answer.result == "NO" and not _unavailable(answer):
                token = await asyncio.to_thread(tokens.renewed)
                answer = await self.within(self._client.xoauth2(user, token))
        except LoginTrouble:
            raise ImapTrouble("there is no token to sign in with") from None
        _accepted(answer)

    # --- looking ---

    async def select(self, folder: str) -> int:
        """Open a folder; returns its UIDVALIDITY."""
        answer = await self.within(self._client.select(quoted(encoded(folder))))
        validity = re.search(rb"UIDVALIDITY (\d+)", b" ".join(map(bytes, answer.lines)))
        if answer.result != "OK" or validity is None:
            raise Refused("the folder cannot be opened")
        return int(validity[1])

    async def junk_folder(self) -> str | None:
        """The folder marked as Junk (RFC 6154 §2), or that is called so where none is marked."""
        marked = self.can("SPECIAL-USE") and self.can("LIST-EXTENDED")
        arguments = ["(SPECIAL-USE)"] if marked else []
        command = self._client.protocol.simple_command("LIST", *arguments, '""', '"*"')
        lines = _ok(await self.within(command))
        folders = [match.groups() for match in map(_LISTED.fullmatch, lines) if match]
        names = [
            (marks.lower().split(), re.sub(rb"\\(.)", rb"\1", quoted_ or bare or b"").decode())
            for marks, quoted_, bare in folders
        ]
        by_mark = [name for marks, name in names if b"\\junk" in marks]
        return next(iter(by_mark or [one for _, one in names if one.lower() in _JUNK_NAMES]), None)

    async def search(self, *criteria: str) -> list[int]:
        """UIDs, in order."""
        self._known = self._exists
        lines = _ok(await self.within(self._client.uid_search(*criteria, charset=None)))
        numbers = (line for line in lines if re.fullmatch(rb"[\d ]+", line))
        return sorted(int(uid) for line in numbers for uid in line.split())

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Sizes by UID; what was removed meanwhile is not among them."""
        fetch = self._client.uid("FETCH", _set(uids), "(UID RFC822.SIZE)")
        answer = _ok(await self.within(fetch))
        pairs = (match.groups() for match in map(_SIZES.search, answer) if match)
        found = {int(a or d): int(b or c) for a, b, c, d in pairs}
        return {uid: found[uid] for uid in uids if uid in found}

    async def bodies(self, sizes: dict[int, int], part: str = "") -> dict[int, bytes]:
        """Messages by UID, given with their sizes; those that the server does not give are absent.

        `part` is like `<0.1024>`. PEEK: nothing is marked by being read.
        """
        found: dict[int, bytes] = {}
        uids = list(sizes)
        for start in range(0, len(uids), BODIES):
            some = uids[start : start + BODIES]
            seconds = COMMAND_SECONDS + sum(sizes[uid] for uid in some) / 2**16  # 64 kB a second
            fetch = self._client.protocol.fetch(
                _set(some), f"(UID BODY.PEEK[]{part})", by_uid=True, timeout=None
            )
            answer = await self.within(fetch, seconds)
            found |= _bodies(answer.lines)  # whatever the server says in the end, a body is a body
        return {uid: found[uid] for uid in sizes if uid in found}

    async def large_body(self, uid: int, size: int, most: int) -> bytes | None:
        """A message piece by piece, up to `most` bytes; None if the server does not give it all."""
        whole = bytearray()
        while len(whole) < most:
            count = min(PIECE, most - len(whole))
            found = await self.bodies({uid: count}, f"<{len(whole)}.{count}>")
            if uid not in found and len(whole) < size:
                return None
            whole += found.get(uid, b"")
            if len(found.get(uid, b"")) < count:
                break
        return bytes(whole)

    # --- afterwards ---

    async def mark(self, uids: Collection[int], flag: str = r"\Seen") -> bool:
        """Flag messages; says whether the server did."""
        mark = self._client.protocol.store(_set(uids), "+FLAGS.SILENT", f"({flag})", by_uid=True)
        return bool((await self.within(mark)).result == "OK")

    async def move(self, uids: Collection[int], folder: str) -> bool:
        """Move messages, and nothing else, as well as the server can; says whether it did.

        Without RFC 6851 they are copied and then expunged by UID, which needs RFC 4315 §2.1:
        a plain EXPUNGE would take along what others have marked as deleted.
        """
        if self.can("MOVE"):
            return await self._into(folder, self._client.protocol.move, uids)
        if not self.can("UIDPLUS"):
            return False
        if not await self._into(folder, self._client.protocol.copy, uids):
            return False
        await self.mark(uids, r"\Seen \Deleted")
        expunge = self._client.protocol.expunge(_set(uids), by_uid=True)
        return bool((await self.within(expunge)).result == "OK")

    async def _into(
        self, folder: str, act: Callable[..., Awaitable[Any]], uids: Collection[int]
    ) -> bool:
        name = quoted(encoded(folder))
        answer = await self.within(act(_set(uids), name, by_uid=True))
        # RFC 9051 §6.4.7: TRYCREATE says that the folder may be made.
        if answer.result == "NO" and any(b"[TRYCREATE]" in line for line in answer.lines):
            await self.within(self._client.create(name))
            answer = await self.within(act(_set(uids), name, by_uid=True))
        return bool(answer.result == "OK")

    # --- waiting ---

    def news(self) -> bool:
        """Whether the server told of more messages since the last search began."""
        return self._exists > self._known

    async def idle(self, end: float) -> None:
        """Return when the server hints at news, and at `end` (of the monotonic clock)."""
        client = self._client
        idle = await self.within(client.idle_start(timeout=2 * IDLE_SECONDS))
        try:
            while not self._lost.done() and time.monotonic() < end:
                await self._check()
                if await _pushed(client):
                    break
        finally:
            if not self._lost.done():
                client.idle_done()
        await self.within(idle, min(GREETING_SECONDS, COMMAND_SECONDS))

    async def ask(self, end: float, pause: float) -> None:
        """Ask for news (NOOP, RFC 9051 §6.1.2) at each pause, until there are some or till `end`.

        Dovecot hints half a second late; a server nearby can be asked more often.
        """
        while time.monotonic() < end and not self.news():
            await asyncio.sleep(pause)
            await self._check()
            await self.within(self._client.noop())


@asynccontextmanager
async def talking(settings: Settings, check: Check) -> AsyncIterator[Talk]:
    """A connection to the server of the settings, signed in, closed at the end of the block."""
    lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_loss(_trouble: Exception | None) -> None:
        if not lost.done():
            lost.set_result(None)

    client = aioimaplib.IMAP4(
        settings.imap_host, settings.imap_port, timeout=COMMAND_SECONDS, conn_lost_cb=on_loss,
        ssl_context=_tls() if settings.imap_security == "tls" else None,
    )  # fmt: skip
    try:
        talk = Talk(client, lost, check)
        await talk.within(client.wait_hello_from_server(), min(GREETING_SECONDS, COMMAND_SECONDS))
        await talk.sign_in(settings)
        yield talk
    finally:
        await _part(client, lost)


async def _part(client: Any, lost: "asyncio.Future[None]") -> None:
    """Take leave if there is somebody to take leave of, and close."""
    client._client_task.cancel()
    await asyncio.gather(client._client_task, return_exceptions=True)
    transport = client.protocol.transport
    if transport is not None and not lost.done():
        if client.get_state() in ("AUTH", "SELECTED") and not client.has_pending_idle():
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.logout(), 1)
        transport.abort()
        await asyncio.wait({lost}, timeout=1)
    for task in [*client.tasks, *client.protocol.tasks]:
        task.cancel()


class _Received(bytes):
    """What a server sent: the library writes all of it, mail included, into its log."""

    def __str__(self) -> str:
        """How much it is, and nothing of it."""
        return f"{len(self)} octets"


def _listen_in(protocol: Any, heard: Callable[[bytes], None]) -> None:
    """Hear what the library drops, answer what it leaves unanswered, keep mail out of its log."""
    untagged, continuation = protocol._untagged_response, protocol._continuation
    received = protocol.data_received

    def receive(data: bytes) -> None:
        received(_Received(data))

    def hear(line: bytes) -> Any:
        heard(line)
        return untagged(line)

    def answer(line: bytes) -> None:
        pending = protocol.pending_sync_command
        if pending is not None and pending.name == "AUTHENTICATE":
            # The server tells its reasons in a challenge, and refuses after an empty answer.
            protocol.send("")
        else:
            continuation(line)

    protocol._untagged_response, protocol._continuation = hear, answer
    protocol.data_received = receive


async def _pushed(client: Any) -> bool:
    """Whether the server hints at new mail (or at its own end) within a moment."""
    try:
        lines = await client.wait_server_push(timeout=_SLICE)
    except TimeoutError:
        return False
    return any(b"EXISTS" in line or b"RECENT" in line or b"BYE" in line for line in lines)


def _accepted(answer: Any) -> None:
    if answer.result == "OK":
        return
    if _unavailable(answer):
        raise ImapTrouble("the server cannot check logins now")
    raise LoginRefused("the login was refused")


def _unavailable(answer: Any) -> bool:
    # RFC 5530 §3: UNAVAILABLE is the server's own trouble and passes.
    return any(b"[UNAVAILABLE]" in line for line in answer.lines)


def _ok(answer: Any) -> list[bytes]:
    if answer.result != "OK":
        raise Refused("the server refused a command")
    return [bytes(line) for line in answer.lines]


def _bodies(lines: Sequence[bytes | bytearray]) -> dict[int, bytes]:
    """The messages in an answer to FETCH, by UID, which stands before the literal or behind it."""
    found: dict[int, bytes] = {}
    for before, line, after in zip(lines, lines[1:], [*lines[2:], b""], strict=False):
        if isinstance(line, bytearray) and not isinstance(before, bytearray):
            behind = b"" if isinstance(after, bytearray) or b"FETCH (" in after else after
            named = _UID.search(before) or _UID.search(behind)
            if named is not None:
                found[int(named[1])] = bytes(line)
    return found


def _set(uids: Collection[int]) -> str:
    return ",".join(map(str, uids))


def quoted(text: str) -> str:
    """A quoted string (RFC 9051 §4.3); aioimaplib refuses CR, LF and NUL itself."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def encoded(folder: str) -> str:
    """A folder's name in modified UTF-7 (RFC 3501 §5.1.3), if it needs that; else as it is."""
    if folder.isascii():
        return folder

    def shifted(match: re.Match[str]) -> str:
        code = base64.b64encode(match[0].encode("utf-16-be")).decode()
        return "&" + code.rstrip("=").replace("/", ",") + "-"

    return re.sub(r"[^\x20-\x7e]+", shifted, folder.replace("&", "&-"))


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

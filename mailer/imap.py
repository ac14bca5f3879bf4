"""The listener on the mailbox: fetches what is new, has it kept, then marks it as seen.

IDLE is a hint only; the mailbox is looked into again and again. Every wait has an end, because
aioimaplib waits for ever when a server goes away in the middle of IDLE. Whatever fails, the
connection is dropped and tried again, ever more slowly; what was not kept is fetched again.
"""

import asyncio
import contextlib
import logging
import re
import secrets
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aioimaplib

from core import database
from core.settings import Settings
from mailer import inbox

log = logging.getLogger(__name__)
T = TypeVar("T")

COMMAND_SECONDS = 60.0
#: IDLE is renewed after so long at most: 29 minutes in RFC 2177, fewer behind address translation.
IDLE_SECONDS = 540.0
ASK_SECONDS = 20.0  # how often `still_ours` is asked
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 300.0
#: After a refused login: whoever hammers on is locked out (standing orders of all providers).
LOGIN_WAIT_SECONDS = 60.0
#: Of a message larger than this only the beginning is fetched, so that it is seen by someone.
LARGEST, BEGINNING = 50 * 2**20, 2**20
_AT_ONCE = 50
#: So many bytes are fetched by one command and kept in one transaction.
BATCH = 2**20
_SLICE = 0.5
_SIZES = re.compile(rb"UID (\d+)[^()]*RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+)[^()]*UID (\d+)")

_UID = re.compile(rb"\bUID (\d+)")


class ImapTrouble(Exception):
    """The server did not do what was asked, or not in time."""


class LoginRefused(ImapTrouble):
    """The server does not know the user, or not this password."""


class _Leaving(Exception):
    """We were told to stop, or the mailbox is somebody else's now."""


class Listener:
    """Reads one mailbox for as long as it is ours."""

    def __init__(
        self,
        settings: Settings,
        mailbox: str,
        keep: Callable[[int, Sequence[tuple[int, bytes]]], None],
        still_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        """`keep(uidvalidity, [(uid, raw), ...])` has stored the messages when it returns."""
        self._settings, self._mailbox = settings, mailbox
        self._keep, self._still_ours = keep, still_ours
        self._stop = threading.Event()
        self._asked = 0.0

    def run(self, stop: threading.Event) -> None:
        """Listen until `stop` is set or `still_ours` says no; returns within seconds of either."""
        database.forbid_transaction()
        self._stop = stop
        self._asked = time.monotonic()
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            began = time.monotonic()
            try:
                async with self._connected() as (client, lost):
                    await self._read(client, lost)
            except _Leaving:
                return
            except LoginRefused:
                wait = max(wait, LOGIN_WAIT_SECONDS)
                log.error("imap_login_refused", extra={"next_try_seconds": round(wait)})
            except Exception as trouble:  # noqa: BLE001 - whatever it was, another try follows
                log.warning("imap_trouble", extra={"why": type(trouble).__name__})
            if time.monotonic() - began > LONGEST_WAIT_SECONDS:
                wait = FIRST_WAIT_SECONDS  # it went well for a while
            try:
                await self._rest(wait * (1 + secrets.randbelow(250) / 1000))
            except _Leaving:
                return
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)

    # --- waiting, with an end ---

    async def _check(self) -> None:
        if self._stop.is_set():
            raise _Leaving
        if time.monotonic() - self._asked > ASK_SECONDS:
            self._asked = time.monotonic()
            if not await asyncio.to_thread(self._still_ours):
                raise _Leaving

    async def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            await self._check()
            await asyncio.sleep(min(_SLICE, left))

    async def _within(
        self, what: Awaitable[T], lost: "asyncio.Future[None]", seconds: float | None = None
    ) -> T:
        """Wait for an answer, but not beyond its time, the connection's end or our own."""
        task = asyncio.ensure_future(what)
        either: set[asyncio.Future[Any]] = {task, lost}
        end = time.monotonic() + (seconds or COMMAND_SECONDS)
        try:
            while not task.done():
                await asyncio.wait(either, timeout=_SLICE, return_when="FIRST_COMPLETED")
                if task.done():
                    break
                if lost.done():
                    raise ImapTrouble("the connection was lost")
                if time.monotonic() > end:
                    raise ImapTrouble("the server did not answer in time")
                await self._check()
            return task.result()
        finally:
            task.cancel()

    # --- the conversation ---

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[Any, "asyncio.Future[None]"]]:
        setting = self._settings
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_loss(_trouble: Exception | None) -> None:
            if not lost.done():
                lost.set_result(None)

        client = aioimaplib.IMAP4(
            setting.imap_host, setting.imap_port, timeout=COMMAND_SECONDS, conn_lost_cb=on_loss,
            ssl_context=_tls() if setting.imap_security == "tls" else None,
        )  # fmt: skip
        try:
            await self._within(client.wait_hello_from_server(), lost)
            await self._sign_in(client, lost)
            yield client, lost
        finally:
            await self._part(client, lost)

    async def _sign_in(self, client: Any, lost: "asyncio.Future[None]") -> None:
        user, secret = self._settings.imap_username, self._settings.imap_password
        answer = await self._within(client.login(_quoted(user), secret.get_secret_value()), lost)
        if answer.result != "OK":
            # RFC 5530 §3: UNAVAILABLE is the server's own trouble and passes.
            if any(b"[UNAVAILABLE]" in line for line in answer.lines):
                raise ImapTrouble("the server cannot check logins now")
            raise LoginRefused("the login was refused")

    async def _part(self, client: Any, lost: "asyncio.Future[None]") -> None:
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

    async def _read(self, client: Any, lost: "asyncio.Future[None]") -> None:
        answer = await self._within(client.select(_quoted(self._settings.imap_folder)), lost)
        validity = re.search(rb"UIDVALIDITY (\d+)", b" ".join(map(bytes, answer.lines)))
        if answer.result != "OK" or validity is None:
            raise ImapTrouble("the folder cannot be opened")
        while True:
            await self._take_in(client, lost, int(validity[1]))
            await self._wait_for_news(client, lost)

    async def _take_in(self, client: Any, lost: "asyncio.Future[None]", validity: int) -> None:
        last = await asyncio.to_thread(self._position, validity)
        search = client.uid_search("UID", f"{last + 1}:*", charset=None)
        answer = self._ok(await self._within(search, lost))
        # RFC 9051 §6.4.9: n:* names the last message even if its UID is below n.
        found = sorted(
            uid
            for line in answer
            if re.fullmatch(rb"[\d ]+", line)
            for uid in map(int, line.split())
            if uid > last
        )
        for start in range(0, len(found), _AT_ONCE):
            sizes = await self._sizes(client, lost, found[start : start + _AT_ONCE])
            for uids in _together(sorted(sizes.items())):
                await self._take(client, lost, validity, {uid: sizes[uid] for uid in uids})

    async def _sizes(
        self, client: Any, lost: "asyncio.Future[None]", uids: list[int]
    ) -> dict[int, int]:
        """Sizes by UID; what was removed meanwhile is not among them."""
        fetch = client.uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)")
        answer = self._ok(await self._within(fetch, lost))
        pairs = (match.groups() for match in map(_SIZES.search, answer) if match)
        found = {int(a or d): int(b or c) for a, b, c, d in pairs}
        return {uid: found[uid] for uid in uids if uid in found}

    async def _take(
        self, client: Any, lost: "asyncio.Future[None]", validity: int, sizes: dict[int, int]
    ) -> None:
        """Fetch messages, have them kept, and mark them as seen."""
        part = "BODY.PEEK[]"
        largest = max(sizes.values())
        if largest > LARGEST:
            log.error("incoming_too_large", extra={"uid": max(sizes), "size": largest})
            part += f"<0.{BEGINNING}>"
        seconds = COMMAND_SECONDS + min(sum(sizes.values()), LARGEST) / 2**16  # 64 kB a second
        uids = ",".join(map(str, sizes))
        fetch = client.protocol.fetch(uids, f"(UID {part})", by_uid=True, timeout=None)
        answer = await self._within(fetch, lost, seconds)
        found = _bodies(answer.lines) if answer.result == "OK" else {}
        messages = [(uid, found[uid]) for uid in sizes if uid in found]
        for uid in sizes.keys() - found.keys():
            # Removed between the two questions, or broken on the server: the others go on.
            log.error("incoming_not_fetched", extra={"uid": uid})
        if not messages:
            return
        await asyncio.to_thread(self._keep, validity, messages)
        # Only now: a message that is marked has been kept, whatever happens to us.
        kept = ",".join(str(uid) for uid, _ in messages)
        mark = client.protocol.store(kept, "+FLAGS.SILENT", r"(\Seen)", by_uid=True)
        marked = await self._within(mark, lost)
        if marked.result != "OK":
            log.warning("imap_not_marked", extra={"uids": len(messages)})

    def _position(self, validity: int) -> int:
        with database.transaction() as session:
            return inbox.position(session, self._mailbox, validity).last_uid

    def _ok(self, answer: Any) -> list[bytes]:
        if answer.result != "OK":
            raise ImapTrouble("the server refused a command")
        return [bytes(line) for line in answer.lines]

    async def _wait_for_news(self, client: Any, lost: "asyncio.Future[None]") -> None:
        """Return when the server hints at news, and after the poll interval at the latest."""
        end = time.monotonic() + min(self._settings.imap_poll_seconds, IDLE_SECONDS)
        if not client.has_capability("IDLE"):
            await self._rest(end - time.monotonic())
            return
        idle = await self._within(client.idle_start(timeout=2 * IDLE_SECONDS), lost)
        try:
            while not lost.done() and time.monotonic() < end:
                await self._check()
                if await _pushed(client):
                    break
        finally:
            if not lost.done():
                client.idle_done()
        await self._within(idle, lost)


def _together(sizes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Messages, given with their sizes, in groups that are fetched by one command."""
    group: list[int] = []
    room = BATCH
    for uid, size in sizes:
        if group and size > room:
            yield group
            group, room = [], BATCH
        group.append(uid)
        room -= size
    if group:
        yield group


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


async def _pushed(client: Any) -> bool:
    """Whether the server hints at new mail (or at its own end) within a moment."""
    try:
        lines = await client.wait_server_push(timeout=_SLICE)
    except TimeoutError:
        return False
    return any(b"EXISTS" in line or b"RECENT" in line or b"BYE" in line for line in lines)


def _quoted(text: str) -> str:
    # RFC 9051 §4.3: a quoted string; aioimaplib refuses CR, LF and NUL itself.
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

"""The listener on the mailbox: fetches what is new, has it kept, then marks or moves it.

IDLE is a hint only; the folders are looked into again and again. Whatever fails, the connection is
dropped and tried again, ever more slowly; what was not kept is fetched again. A message that cannot
be fetched or kept is left for later, so that those behind it are not kept waiting.
"""

import asyncio
import datetime as dt
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError

from core import clock, database
from core.settings import Settings
from mailer import imap_talk, inbox
from mailer.imap_talk import Leaving, LoginRefused, Refused, Talk

log = logging.getLogger(__name__)

ASK_SECONDS = 20.0  # how often `still_ours` is asked
#: With the greeting's time, the longest wait makes that mail is seen within 2 minutes of a
#: server's return.
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 45.0
#: After a refused login: whoever hammers on is locked out (standing orders of all providers).
LOGIN_WAIT_SECONDS, LONGEST_LOGIN_WAIT_SECONDS = 60.0, 300.0
#: A connection that held so long was a good one: the next wait is short again.
GOOD_SECONDS = 300.0
#: When a message that failed is tried again; then ever again after the last of these.
AGAIN_SECONDS = (1.0, 60.0, 300.0, 1800.0, 21600.0)
#: Of a message larger than this only the beginning is fetched, so that it is seen by someone.
LARGEST, BEGINNING = 50 * 2**20, 2**20
#: So many messages, and so many bytes, are fetched by one command and kept in one transaction.
AT_ONCE, BATCH = 200, 2**20
#: Of what lies in Junk only so much is read: not the spam of years, when we come new.
JUNK_DAYS = 30
_SLICE = 0.5
#: How often a server is asked for its Junk folder, if asking ends the connection.
_JUNK_TRIES = 3


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that is read; what lies in Junk was put there by the server."""

    name: str
    junk: bool = False


#: `keep(folder, uidvalidity, [(uid, raw), ...])` has stored the messages when it returns.
Keep = Callable[[Folder, int, Sequence[tuple[int, bytes]]], None]


@dataclass(slots=True)
class _Failure:
    """A message that could not be fetched or kept: how often, and when it is tried again."""

    tries: int
    due: float


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder as it is open now."""

    folder: Folder
    validity: int


class Listener:
    """Reads the folders of one mailbox for as long as it is ours."""

    def __init__(
        self,
        settings: Settings,
        account: str,
        keep: Keep,
        still_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        """`account` with a folder's name behind it is what the inbox knows the folder by."""
        self._settings, self._account = settings, account
        self._keep, self._still_ours = keep, still_ours
        self._folders = [Folder(name) for name in settings.imap_folders()]
        if settings.imap_junk_folder.lower() not in ("", "none"):
            self._folders.append(Folder(settings.imap_junk_folder, junk=True))
        self._junk_tries = 0 if settings.imap_junk_folder else _JUNK_TRIES
        self._failures: dict[tuple[_Place, int], _Failure] = {}
        #: Messages in whose midst a connection ended: each of them is fetched alone.
        self._suspects: set[tuple[_Place, int]] = set()
        self._looked_back: set[_Place] = set()
        self._stop = threading.Event()
        self._asked = 0.0

    def run(self, stop: threading.Event) -> None:
        """Listen until `stop` is set or `still_ours` says no; returns within seconds of either."""
        database.forbid_transaction()
        self._stop = stop
        self._asked = time.monotonic()
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        wait, login_wait = FIRST_WAIT_SECONDS, LOGIN_WAIT_SECONDS
        while True:
            began = time.monotonic()
            try:
                refused = await self._once()
                if time.monotonic() - began > GOOD_SECONDS:
                    wait = FIRST_WAIT_SECONDS
                pause = login_wait if refused else wait
                await self._rest(pause * (1 + secrets.randbelow(250) / 1000))
            except Leaving:
                return
            if refused:
                login_wait = min(login_wait * 2, LONGEST_LOGIN_WAIT_SECONDS)
            else:
                wait, login_wait = min(wait * 2, LONGEST_WAIT_SECONDS), LOGIN_WAIT_SECONDS

    async def _once(self) -> bool:
        """One connection, until it fails; says whether it was the login that was refused."""
        try:
            async with imap_talk.talking(self._settings, self._check) as talk:
                self._looked_back.clear()
                await self._read(talk)
        except LoginRefused:
            log.error("imap_login_refused")
            return True
        except Leaving:
            raise
        except Exception as trouble:  # noqa: BLE001 - whatever it was, another try follows
            log.warning("imap_trouble", extra={"why": type(trouble).__name__})
        return False

    # --- waiting, with an end ---

    async def _check(self) -> None:
        if self._stop.is_set():
            raise Leaving
        if time.monotonic() - self._asked > ASK_SECONDS:
            self._asked = time.monotonic()
            if not await asyncio.to_thread(self._still_ours):
                raise Leaving

    async def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            await self._check()
            await asyncio.sleep(min(_SLICE, left))

    # --- the folders ---

    async def _read(self, talk: Talk) -> None:
        """Look into all folders once in every interval of polling; between, wait at the first."""
        place = await self._first(talk)
        await self._take_in(talk, place)
        others = await self._others(talk)
        while True:
            end = time.monotonic() + self._settings.imap_poll_seconds
            for folder in others:
                await self._glance(talk, folder)
            if others:
                place = await self._first(talk)
                await self._take_in(talk, place)
            while (now := time.monotonic()) < end:
                if not talk.news():
                    await self._wait(talk, min(end, now + imap_talk.IDLE_SECONDS, self._due(place)))
                await self._take_in(talk, place)

    async def _first(self, talk: Talk) -> _Place:
        return _Place(self._folders[0], await talk.select(self._folders[0].name))

    async def _others(self, talk: Talk) -> list[Folder]:
        """All folders but the first, with the Junk folder if there is one to be found."""
        if self._junk_tries:
            self._junk_tries -= 1
            name = await talk.junk_folder()
            self._junk_tries = 0
            if name is not None and name not in {folder.name for folder in self._folders}:
                self._folders.append(Folder(name, junk=True))
        return self._folders[1:]

    async def _glance(self, talk: Talk, folder: Folder) -> None:
        try:
            validity = await talk.select(folder.name)
        except Refused:
            log.warning("imap_folder_closed", extra={"junk": folder.junk})
            return
        await self._take_in(talk, _Place(folder, validity))

    async def _wait(self, talk: Talk, end: float) -> None:
        if self._settings.imap_ask_seconds:
            await talk.ask(end, self._settings.imap_ask_seconds)
        elif talk.can("IDLE"):
            await talk.idle(end)
        else:
            await self._rest(end - time.monotonic())

    async def _take_in(self, talk: Talk, place: _Place) -> None:
        last = await asyncio.to_thread(self._position, place)
        # RFC 9051 §6.4.9: n:* names the last message even if its UID is below n.
        since = ["SINCE", _days_ago(JUNK_DAYS)] if place.folder.junk else []
        found = {uid for uid in await talk.search("UID", f"{last + 1}:*", *since) if uid > last}
        found |= {uid for where, uid in self._failures if where == place}
        if last and place not in self._looked_back:
            self._looked_back.add(place)
            found |= await self._left_behind(talk, place, last, since)
        now = time.monotonic()
        uids = sorted(uid for uid in found if self._due_of(place, uid) <= now)
        kept = False
        for start in range(0, len(uids), AT_ONCE):
            some = uids[start : start + AT_ONCE]
            sizes = await self._sizes(talk, place, some)
            for group in self._together(place, sizes):
                kept |= await self._take(talk, place, {uid: sizes[uid] for uid in group})
        if not kept:  # else it was noted with what was kept
            await asyncio.to_thread(self._note_seen, place)

    async def _left_behind(
        self, talk: Talk, place: _Place, last: int, since: Sequence[str]
    ) -> set[int]:
        """What lies below our position unseen and was not kept; what was kept is marked now."""
        unseen = await talk.search("UID", f"1:{last}", "UNSEEN", *since)
        kept = await asyncio.to_thread(self._kept, place, unseen)
        for start in range(0, len(kept), AT_ONCE):
            await self._done(talk, place, kept[start : start + AT_ONCE])
        return set(unseen) - set(kept)

    async def _sizes(self, talk: Talk, place: _Place, uids: Sequence[int]) -> dict[int, int]:
        try:
            sizes = await talk.sizes(uids)
        except Refused:
            if len(uids) == 1:
                self._failed(place, uids[0], "not_fetched")
                return {}
            each = [await self._sizes(talk, place, [uid]) for uid in uids]
            return {uid: size for one in each for uid, size in one.items()}
        for uid in set(uids) - sizes.keys():
            self._failures.pop((place, uid), None)  # it was removed
        return sizes

    def _together(self, place: _Place, sizes: dict[int, int]) -> Iterator[list[int]]:
        """Messages in groups that are fetched by one command."""
        group: list[int] = []
        room = BATCH
        for uid, size in sizes.items():
            alone = (place, uid) in self._suspects or (place, uid) in self._failures
            if alone or (group and size > room):
                if group:
                    yield group
                group, room = [], BATCH
            group.append(uid)
            room = 0 if alone else room - size
        if group:
            yield group

    # --- the messages ---

    async def _take(self, talk: Talk, place: _Place, sizes: dict[int, int]) -> bool:
        """Fetch messages, have them kept, and mark or move them; one that fails waits.

        Says whether any was kept.
        """
        marked = {(place, uid) for uid in sizes}
        try:
            found = await self._fetched(talk, sizes)
        except Leaving:
            raise
        except Exception:
            self._suspects |= marked
            if len(sizes) == 1:
                self._failed(place, next(iter(sizes)), "not_fetched")
            raise
        kept = await self._have_kept(place, [(uid, found[uid]) for uid in sizes if uid in found])
        self._suspects -= marked
        if kept:
            # Only now: a message that is marked has been kept, whatever happens to us.
            await self._done(talk, place, kept)
        for uid in sorted(sizes.keys() - found.keys()):
            if len(sizes) > 1:
                await self._take(talk, place, {uid: sizes[uid]})
            else:
                self._failed(place, uid, "not_fetched")
        return bool(kept)

    async def _fetched(self, talk: Talk, sizes: dict[int, int]) -> dict[int, bytes]:
        if len(sizes) > 1 or max(sizes.values()) <= BATCH:
            return await talk.bodies(sizes)
        ((uid, size),) = sizes.items()
        if size > LARGEST:
            log.error("incoming_too_large", extra={"uid": uid, "size": size})
        raw = await talk.large_body(uid, size, BEGINNING if size > LARGEST else LARGEST)
        return {} if raw is None else {uid: raw}

    async def _have_kept(self, place: _Place, messages: list[tuple[int, bytes]]) -> list[int]:
        """Keep messages together, or else each by itself; returns the UIDs of those kept."""
        if not messages:
            return []
        try:
            await asyncio.to_thread(self._keep, place.folder, place.validity, messages)
        except Exception as trouble:
            if len(messages) > 1 and not isinstance(trouble, _HOUSE):
                return [u for one in messages for u in await self._have_kept(place, [one])]
            if len(messages) > 1:
                self._suspects |= {(place, uid) for uid, _ in messages}
                raise
            self._failed(place, messages[0][0], type(trouble).__name__)
            if isinstance(trouble, _HOUSE):
                raise
            return []
        for uid, _ in messages:
            self._failures.pop((place, uid), None)
        return [uid for uid, _ in messages]

    async def _done(self, talk: Talk, place: _Place, uids: Collection[int]) -> None:
        goal = self._settings.imap_done_folder
        if goal and not place.folder.junk:
            if await talk.move(uids, goal):
                return
            log.warning("imap_not_moved", extra={"messages": len(uids)})
        if not await talk.mark(uids):
            log.warning("imap_not_marked", extra={"messages": len(uids)})

    # --- messages that failed ---

    def _failed(self, place: _Place, uid: int, why: str) -> None:
        before = self._failures.get((place, uid))
        tries = before.tries + 1 if before else 1
        wait = AGAIN_SECONDS[min(tries, len(AGAIN_SECONDS)) - 1]
        self._failures[place, uid] = _Failure(tries, time.monotonic() + wait)
        log.error("incoming_failed", extra={"uid": uid, "why": why, "tries": tries})

    def _due_of(self, place: _Place, uid: int) -> float:
        failure = self._failures.get((place, uid))
        return failure.due if failure else 0.0

    def _due(self, place: _Place) -> float:
        dues = (one.due for (where, _), one in self._failures.items() if where == place)
        return min(dues, default=float("inf"))

    # --- what the inbox knows ---

    def _mailbox(self, folder: Folder) -> str:
        return f"{self._account}/{folder.name}"

    def _position(self, place: _Place) -> int:
        with database.reading() as session:
            return inbox.last_uid(session, self._mailbox(place.folder), place.validity)

    def _note_seen(self, place: _Place) -> None:
        with database.transaction() as session:
            inbox.note_position(session, self._mailbox(place.folder), place.validity)

    def _kept(self, place: _Place, uids: Sequence[int]) -> list[int]:
        with database.reading() as session:
            return inbox.kept(session, self._mailbox(place.folder), place.validity, uids)


def _days_ago(days: int) -> str:
    # RFC 9051 §6.4.4: months have English names, whatever is spoken here.
    day = clock.now() - dt.timedelta(days=days)
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{day.day}-{months[day.month - 1]}-{day.year}"


#: Trouble of the house (its database, its disk), not of the message that met it.
_HOUSE = (OSError, OperationalError, InterfaceError)

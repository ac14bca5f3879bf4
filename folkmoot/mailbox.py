"""The network's mailbox in the built-in post office: a Maildir, served over IMAP by pymap.

Every message is one file below `new/`, named after its IMAP UID and holding exactly the bytes
that came; UIDVALIDITY stands beside it. So a restart shows the same messages under the same UIDs.
Flags last as long as the server runs: nobody here depends on them.
"""

import asyncio
import contextlib
import datetime as dt
import os
from argparse import Namespace
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend import dict as in_memory
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet, Message
from pymap.imap import IMAPServer
from pymap.mailbox import MailboxSnapshot
from pymap.mime import MessageBody, MessageContent, MessageHeader
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import ObjectId
from pymap.user import Passwords, UserMetadata

from core import clock
from core.settings import Settings

_ENDING = ".folkmoot"


class KeptMailbox(MailboxData):
    """An INBOX whose messages lie in a Maildir, each in a file named after its UID."""

    def __init__(self, folder: Path) -> None:
        super().__init__(None, None)  # type: ignore[arg-type] # its caches are for APPEND only
        self._folder = folder
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._uid_validity = _kept_uid_validity(folder / "uidvalidity")
        self._max_uid = 0
        self._waiting = sorted((folder / "new").glob(f"*{_ENDING}"))
        for path in self._waiting:
            self._show(int(path.stem), path.read_bytes(), path.stat().st_mtime)

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        """Keep a message that a mail client puts here."""
        async with self.messages_lock.write_lock():
            return self._keep(bytes(append_msg.literal))

    async def deliver(self, raw: bytes) -> int:
        """Keep a message that arrived; on disk when this returns its UID. May raise OSError."""
        async with self.messages_lock.write_lock():
            return self._keep(raw).uid

    async def delete(self, uids: Iterable[int]) -> None:
        """Remove messages that a mail client expunged, from the disk too."""
        gone = list(uids)
        await super().delete(gone)
        for uid in gone:
            self._path(uid).unlink(missing_ok=True)

    def _keep(self, raw: bytes) -> Message:
        uid = self._max_uid + 1
        write_whole(self._path(uid), raw, self._folder / "tmp", certain=True)
        message = self._show(uid, raw, clock.now().timestamp())
        self._updated.set()  # what wakes up those who IDLE
        return message

    def _show(self, uid: int, raw: bytes, at: float) -> Message:
        message = Message(
            uid, dt.datetime.fromtimestamp(at, dt.UTC), (), recent=True, content=_content(raw),
            email_id=ObjectId.random_email_id(), thread_id=ObjectId.random_thread_id(),
        )  # fmt: skip
        self._max_uid = max(self._max_uid, uid)
        self._messages[uid] = message
        self._mod_sequences.update([uid])
        return message

    def _path(self, uid: int) -> Path:
        return self._folder / "new" / f"{uid:010d}{_ENDING}"


def _kept_uid_validity(path: Path) -> int:
    if not path.exists():
        path.write_text(str(MailboxSnapshot.new_uid_validity()))
    return int(path.read_text())


def _content(raw: bytes) -> MessageContent:
    """The message as pymap takes it; one that it cannot parse is shown as all body, unchanged."""
    try:
        return MessageContent.parse(raw)
    except Exception:  # noqa: BLE001 - real mail makes the parser below raise nearly anything
        view, lines = memoryview(raw), MessageContent._find_lines(raw)
        header = MessageHeader._parse(raw, view, [])
        return MessageContent(raw, header, MessageBody._parse(raw, view, lines, None))


def write_whole(path: Path, content: bytes, draft_folder: Path, *, certain: bool = False) -> None:
    """Write a file so that nobody ever sees half of it; `certain` waits until it is on the disk."""
    draft = draft_folder / f"{path.name}.part"
    with draft.open("wb") as file:
        file.write(content)
        if certain:
            file.flush()
            os.fsync(file.fileno())
    draft.rename(path)


class _Config(in_memory.Config):
    """Settings of the server; its own greeting asks the DNS for a name at each connection."""

    @property
    def greeting(self) -> bytes:
        """What the server says first."""
        return b"Folkmoot's post office is ready"


@asynccontextmanager
async def serving_imap(settings: Settings, mailbox: KeptMailbox) -> AsyncIterator[None]:
    """Serve the mailbox to the user of the settings, on loopback, until the block ends."""
    user = settings.imap_username
    args = Namespace(passlib_cfg=None, proxy_protocol="detect", debug=False)
    config = _Config(
        args, host="127.0.0.1", port=settings.imap_port, tls_enabled=False,
        proxy_protocol=ProxyProtocolVersion.get(None),
        demo_data=False, demo_user=user, demo_password="",
    )  # fmt: skip
    config.apply_context()
    login = in_memory.Login(config)
    secret = await Passwords(config).hash_password(settings.imap_password.get_secret_value())
    login.users_dict[user] = UserMetadata(config, user, password=secret)
    boxes = MailboxSet()
    boxes._inbox = mailbox
    config.set_cache[user] = (boxes, FilterSet())
    callback: Any = ProxyProtocolReader(config.proxy_protocol).get_callback(
        IMAPServer(login, config)
    )
    server = await asyncio.start_server(callback, config.host, config.port)
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1)

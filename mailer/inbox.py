"""The inbox: every message that came, kept byte for byte before anything is made of it.

A message is known by mailbox, UIDVALIDITY and UID; when a server starts its numbering anew
(RFC 9051 §2.3.1.1), by the hash of its bytes.
"""

import contextlib
import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import clock, outbox
from core.events import MailArrived
from mailer.models import Incoming, MailboxPosition
from message.parse import Message, parse

#: For zlib: mail is small, and half of the time buys a tenth of the room.
FAST = 1


def keep(session: Session, mailbox: str, uidvalidity: int, uid: int, raw: bytes) -> int | None:
    """Keep one message; see `keep_many`. Returns its id, or None if it is known already."""
    return next(iter(keep_many(session, mailbox, uidvalidity, [(uid, raw)])), None)


def keep_many(
    session: Session, mailbox: str, uidvalidity: int, messages: Sequence[tuple[int, bytes]]
) -> list[int]:
    """Keep messages, given by UID, and record MailArrived for each, in the caller's transaction.

    Moves the position on. Returns the ids of those that were not known already.
    """
    here = position(session, mailbox, uidvalidity)
    here.last_uid = max(here.last_uid, *(uid for uid, _ in messages), 0)
    digests = {uid: hashlib.sha256(raw).hexdigest() for uid, raw in messages}
    known = _known(session, mailbox, uidvalidity, digests)
    now = clock.now()
    rows = [
        {
            "mailbox": mailbox, "uidvalidity": uidvalidity, "uid": uid, "sha256": digests[uid],
            "raw": zlib.compress(raw, FAST), "size": len(raw), "arrived_at": now, "state": "kept",
        }
        for uid, raw in messages
        if uid not in known
    ]  # fmt: skip
    session.flush()
    if not rows:
        return []
    made = insert(Incoming).returning(Incoming.id, sort_by_parameter_order=True)
    ids = list(session.scalars(made, rows))
    outbox.record_many(session, [(MailArrived(one), f"arrived:{one}") for one in ids])
    return ids


def _known(
    session: Session, mailbox: str, uidvalidity: int, digests: Mapping[int, str]
) -> set[int]:
    """The UIDs of what we have; under another numbering a message is known by its bytes."""
    here = select(Incoming.uid, Incoming.sha256).where(Incoming.mailbox == mailbox)
    same = here.where(Incoming.uidvalidity == uidvalidity, Incoming.uid.in_(digests))
    moved = here.where(Incoming.uidvalidity != uidvalidity, Incoming.sha256.in_(digests.values()))
    uids = {row.uid for row in session.execute(same)}
    content = {row.sha256 for row in session.execute(moved)}
    return uids | {uid for uid, digest in digests.items() if digest in content}


def raw_of(incoming: Incoming) -> bytes:
    """The message exactly as it came."""
    return zlib.decompress(incoming.raw)


def message_of(incoming: Incoming) -> Message:
    """The message, read; what one room has just read the next need not read again."""
    return _read(incoming.sha256, incoming.raw)


_LATELY: OrderedDict[str, Message] = OrderedDict()
_MOST, _LARGEST = 128, 1 << 16


def _read(sha256: str, raw: bytes) -> Message:
    known = _LATELY.get(sha256)
    if known is not None:
        return known
    message = parse(zlib.decompress(raw))
    if len(raw) <= _LARGEST:
        _LATELY[sha256] = message
        while len(_LATELY) > _MOST:
            with contextlib.suppress(KeyError):  # another thread made room as well
                _LATELY.popitem(last=False)
    return message


def position(session: Session, mailbox: str, uidvalidity: int) -> MailboxPosition:
    """Up to where a mailbox has been read, noting that it answered just now.

    Under another UIDVALIDITY than before all UIDs are forgotten and reading begins anew.
    """
    row = session.get(MailboxPosition, mailbox, with_for_update=True)
    now = clock.now()
    if row is None:
        row = MailboxPosition(mailbox=mailbox, uidvalidity=uidvalidity, last_uid=0, seen_at=now)
        session.add(row)
        session.flush()
    if row.uidvalidity != uidvalidity:
        row.uidvalidity, row.last_uid = uidvalidity, 0
    row.seen_at = now
    return row

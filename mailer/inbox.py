"""The inbox: every message that came, kept byte for byte before anything is made of it.

A message is known by mailbox, UIDVALIDITY and UID; when a server starts its numbering anew
(RFC 9051 §2.3.1.1), by the hash of its bytes.
"""

import hashlib
import zlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, outbox
from core.events import MailArrived
from mailer.models import Incoming, MailboxPosition


def keep(session: Session, mailbox: str, uidvalidity: int, uid: int, raw: bytes) -> int | None:
    """Keep a message and record MailArrived, in the caller's transaction; moves the position on.

    Returns the id of the row, or None for a message that is known already.
    """
    here = position(session, mailbox, uidvalidity)
    here.last_uid = max(uid, here.last_uid)
    digest = hashlib.sha256(raw).hexdigest()
    if _known(session, mailbox, uidvalidity, uid, digest):
        session.flush()
        return None
    incoming = Incoming(
        mailbox=mailbox, uidvalidity=uidvalidity, uid=uid, raw=zlib.compress(raw), sha256=digest,
        size=len(raw), arrived_at=clock.now(), state="kept",
    )  # fmt: skip
    session.add(incoming)
    session.flush()
    outbox.record(session, MailArrived(incoming.id), key=f"arrived:{incoming.id}")
    return incoming.id


def _known(session: Session, mailbox: str, uidvalidity: int, uid: int, digest: str) -> bool:
    here = select(Incoming.id).where(Incoming.mailbox == mailbox)
    same = here.where(Incoming.uidvalidity == uidvalidity, Incoming.uid == uid)
    moved = here.where(Incoming.uidvalidity != uidvalidity, Incoming.sha256 == digest)
    return session.scalar(same.limit(1)) is not None or session.scalar(moved.limit(1)) is not None


def raw_of(incoming: Incoming) -> bytes:
    """The message exactly as it came."""
    return zlib.decompress(incoming.raw)


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

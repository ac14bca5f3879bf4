"""The inbox: every message that came, kept byte for byte before anything is made of it.

A message is known by mailbox, UIDVALIDITY and UID; when a server starts its numbering anew
(RFC 9051 §2.3.1.1), by the hash of its bytes.
"""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, cast

from sqlalchemy import (
    BigInteger,
    Executable,
    String,
    Table,
    bindparam,
    case,
    insert,
    select,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import Session

from core import clock, database, outbox
from core.among import among
from core.events import Event, MailArrived, MailNotUnderstood
from mailer import at_hand
from mailer.models import Incoming, MailboxPosition
from message.parse import Message, parse
from message.witness import Finding

#: For zlib: mail is small, and half of the time buys a tenth of the room.
FAST = 1
#: Why a message is stuck that lay in the Junk folder.
CAME_BY_JUNK = "it came by the Junk folder"
_UNKNOWN = Finding(None, None)
_incoming = cast(Table, Incoming.__table__)
_NOTHING: Mapping[int, Finding] = MappingProxyType({})
_ALL_READABLE: Mapping[int, str] = MappingProxyType({})
_NOT_READ_YET: Mapping[int, Message] = MappingProxyType({})


def keep(
    session: Session, mailbox: str, uidvalidity: int, uid: int, raw: bytes,
    finding: Finding | None = None, unread: str | None = None,
) -> int | None:  # fmt: skip
    """Keep one message; see `keep_many`. Returns its id, or None if it is known already."""
    findings, refused = {uid: finding} if finding else {}, {uid: unread} if unread else {}
    kept = keep_many(session, mailbox, uidvalidity, [(uid, raw)], findings=findings, unread=refused)
    return next(iter(kept), None)


def keep_many(
    session: Session,
    mailbox: str,
    uidvalidity: int,
    messages: Sequence[tuple[int, bytes]],
    account: str | None = None,
    *,
    junk: bool = False,
    findings: Mapping[int, Finding] = _NOTHING,
    unread: Mapping[int, str] = _ALL_READABLE,
    read: Mapping[int, Message] = _NOT_READ_YET,
) -> list[int]:
    """Keep messages, given by UID, and record MailArrived for each, in the caller's transaction.

    Moves the position on. What is known from another folder of the same account is not kept again.
    `junk`: the server took them for spam, so a person looks at them, and nothing else is done;
    moved to another folder later, they arrive. `findings`: what was found out about their authors,
    by UID (`mailer/vouching.py`); `unread`: why nobody should read some of them, `read`: what has
    been read of others (`mailer/trial.py`). Returns the ids of those that arrived now.
    """
    database.plan_for(session, len(messages))
    note_position(session, mailbox, uidvalidity, max((uid for uid, _ in messages), default=0))
    digests = {uid: hashlib.sha256(raw).hexdigest() for uid, raw in messages}
    session.flush()
    readable = {uid: digest for uid, digest in digests.items() if uid not in unread}
    back = [] if junk or not account else _from_junk(session, mailbox, account, readable, findings)
    known = _known(session, mailbox, uidvalidity, digests, account)
    whys = (dict.fromkeys(digests, CAME_BY_JUNK) if junk else {}) | dict(unread)
    rows = [
        _row(mailbox, uidvalidity, uid, raw, digests[uid], whys.get(uid), findings)
        for uid, raw in messages
        if uid not in known
    ]
    new = write(session, rows)
    stuck = {one for one, row in zip(new, rows, strict=True) if row["state"] == "stuck"}
    told: list[tuple[Event, str]] = [
        (MailNotUnderstood(one), f"not-read:{one}") if one in stuck
        else (MailArrived(one), f"arrived:{one}")
        for one in (*back, *new)
    ]  # fmt: skip
    outbox.record_many(session, told)
    for uid, message in read.items():
        if uid not in known:
            at_hand.put(digests[uid], message, waits=uid not in whys)
    return back + new


def write(session: Session, rows: Sequence[dict[str, object]]) -> list[int]:
    """Write down messages that came, as rows without their ids; returns these, in order."""
    ids = database.next_ids(session, _incoming, len(rows))
    if rows:
        numbered = [row | {"id": number} for number, row in zip(ids, rows, strict=True)]
        session.connection().execute(insert(_incoming), numbered)
    return ids


def _row(
    mailbox: str, uidvalidity: int, uid: int, raw: bytes, digest: str, stuck: str | None,
    findings: Mapping[int, Finding],
) -> dict[str, object]:  # fmt: skip
    found = findings.get(uid, _UNKNOWN)
    return {
        "mailbox": mailbox, "uidvalidity": uidvalidity, "uid": uid, "sha256": digest,
        "raw": zlib.compress(raw, FAST), "size": len(raw), "arrived_at": clock.now(),
        "state": "stuck" if stuck else "kept", "why": stuck,
        "vouched": found.vouched, "doubt": found.doubt,
    }  # fmt: skip


def _from_junk(
    session: Session,
    mailbox: str,
    account: str,
    digests: Mapping[int, str],
    findings: Mapping[int, Finding],
) -> list[int]:
    """Messages that lay in Junk, and that somebody moved here: they wait for nobody any more."""
    found = {digests[uid]: finding for uid, finding in findings.items()}
    lay = select(Incoming).where(
        Incoming.mailbox.startswith(f"{account}/", autoescape=True), Incoming.mailbox != mailbox,
        among(Incoming.sha256, "digests"),
        Incoming.state == "stuck", Incoming.why == CAME_BY_JUNK,
    )  # fmt: skip
    lay = lay.order_by(Incoming.id).with_for_update()
    rows = session.scalars(lay, {"digests": digests.values()}).all()
    for row in rows:
        row.state, row.why = "kept", None
        one = found.get(row.sha256, _UNKNOWN)
        row.vouched, row.doubt = one.vouched, one.doubt
    return [row.id for row in rows]


def _known(
    session: Session,
    mailbox: str,
    uidvalidity: int,
    digests: Mapping[int, str],
    account: str | None,
) -> set[int]:
    """The UIDs of what we have; elsewhere or under another numbering it is known by its bytes."""
    told = select(Incoming.uid, Incoming.sha256)
    here = Incoming.mailbox == mailbox
    same = told.where(here, Incoming.uidvalidity == uidvalidity, among(Incoming.uid, "uids"))
    elsewhere = here & (Incoming.uidvalidity != uidvalidity)
    if account:
        folders = Incoming.mailbox.startswith(f"{account}/", autoescape=True)
        elsewhere = elsewhere | (folders & (Incoming.mailbox != mailbox))
    moved = told.where(among(Incoming.sha256, "digests"), elsewhere)
    uids = {row.uid for row in session.execute(same, {"uids": digests})}
    content = {row.sha256 for row in session.execute(moved, {"digests": digests.values()})}
    return uids | {uid for uid, digest in digests.items() if digest in content}


def kept(session: Session, mailbox: str, uidvalidity: int, uids: Sequence[int]) -> list[int]:
    """Those of the UIDs that are kept, in order."""
    here = select(Incoming.uid).where(
        Incoming.mailbox == mailbox, Incoming.uidvalidity == uidvalidity,
        among(Incoming.uid, "uids"),
    )  # fmt: skip
    return sorted(session.scalars(here, {"uids": uids}))


def raw_of(incoming: Incoming) -> bytes:
    """The message exactly as it came."""
    return zlib.decompress(incoming.raw)


class Kept(Protocol):
    """A message that is kept: a row of `incoming`, or as much of one as finding it takes."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def sha256(self) -> str:
        """The digest of its bytes."""


def message_of(incoming: Incoming) -> Message:
    """The message, read; what one room has just read the next need not read again."""
    found = at_hand.take({incoming.id: incoming.sha256})
    return found.get(incoming.id) or _read(incoming.sha256, incoming.raw)


def messages_of(session: Session, kept: Sequence[Kept]) -> dict[int, Message]:
    """The same for many, by their numbers; the bytes of those that are not at hand are fetched."""
    digests = {one.id: one.sha256 for one in kept}
    found = at_hand.take(digests)
    away = digests.keys() - found.keys()
    if away:
        for row in session.connection().execute(_BYTES, {"numbers": away}):
            found[row.id] = _read(digests[row.id], row.raw)
    return found


_BYTES = select(_incoming.c.id, _incoming.c.raw).where(among(_incoming.c.id, "numbers"))


def _read(sha256: str, raw: bytes) -> Message:
    message = parse(zlib.decompress(raw))
    at_hand.put(sha256, message)
    return message


_position = cast(Table, MailboxPosition.__table__)
_known_to = _position.c
_LAST_UID = select(_known_to.last_uid).where(
    _known_to.mailbox == bindparam("of_mailbox", type_=String()),
    _known_to.uidvalidity == bindparam("numbering", type_=BigInteger()),
)


def _noting(made: Any) -> Executable:
    told = made.excluded
    farther = (_known_to.uidvalidity == told.uidvalidity) & (_known_to.last_uid > told.last_uid)
    return cast(
        Executable,
        made.on_conflict_do_update(
            index_elements=["mailbox"],
            set_={
                "uidvalidity": told.uidvalidity, "seen_at": told.seen_at,
                "last_uid": case((farther, _known_to.last_uid), else_=told.last_uid),
            },
        ),
    )  # fmt: skip


_NOTE_POSITION = {
    "postgresql": _noting(insert_on_postgresql(_position)),
    "sqlite": _noting(insert_on_sqlite(_position)),
}


def last_uid(session: Session, mailbox: str, uidvalidity: int) -> int:
    """Up to where a mailbox has been read under this UIDVALIDITY."""
    asked = {"of_mailbox": mailbox, "numbering": uidvalidity}
    return session.connection().scalar(_LAST_UID, asked) or 0


def note_position(session: Session, mailbox: str, uidvalidity: int, uid: int = 0) -> None:
    """Note that a mailbox answered just now, and that it has been read up to `uid`.

    Under another UIDVALIDITY than before all UIDs are forgotten and reading begins anew.
    """
    connection = session.connection()
    row = {
        "mailbox": mailbox, "uidvalidity": uidvalidity, "last_uid": uid, "seen_at": clock.now()
    }  # fmt: skip
    connection.execute(_NOTE_POSITION[connection.dialect.name], row)

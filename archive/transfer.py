"""Archives in: mbox and Maildir are imported with nothing lost. (Out: `archive.export`.)

Of every message of a file it is told what became of it: filed, already there, or quarantined
(kept as it came, for a person to look at). A second import adds nothing.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from archive import filing, mailboxes, shelves
from archive.export import IMPORTED, export_mbox, export_threads
from archive.letters import Letter, letter_of
from archive.mailboxes import Kept
from core import clock, database, garbage
from mailer import inbox
from mailer.models import Incoming
from mailer.trial import WORDS, Trial, Tried
from message import address
from message.parse import parse
from subscribers.models import Address, MailingList, Person

BATCH = 200
__all__ = ["Report", "export_mbox", "export_threads", "import_maildir", "import_mbox"]


class NoSuchList(LookupError):
    """There is no list of that name; the text says so."""


@dataclass(slots=True)
class Report:
    """What became of the messages of a file; the numbers add up to `total`."""

    total: int = 0
    filed: int = 0
    duplicates: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)


Progress = Callable[[int], None]


def import_mbox(path: Path | str, list_name: str, progress: Progress | None = None) -> Report:
    """Import an mbox file into the archive of a list.

    `progress` is told how many messages are done. Raises NoSuchList, and OSError for the file.
    """
    return _import(mailboxes.messages_in(Path(path)), list_name, progress)


def import_maildir(path: Path | str, list_name: str, progress: Progress | None = None) -> Report:
    """Import a Maildir into the archive of a list; like `import_mbox`."""
    return _import(mailboxes.messages_in_maildir(Path(path)), list_name, progress)


def _import(messages: Iterator[Kept], list_name: str, progress: Progress | None) -> Report:
    with database.reading() as session:
        list_id = session.scalar(select(MailingList.id).where(MailingList.name == list_name))
    if list_id is None:
        raise NoSuchList(f'There is no list "{list_name}": create it first.')
    report = Report()
    with garbage.spared(), closing(Trial(WORDS)) as trial:
        while batch := list(islice(messages, BATCH)):
            tried = trial.read({place: kept.raw for place, kept in enumerate(batch)})
            read = [_letter(kept, place, tried) for place, kept in enumerate(batch)]
            _import_batch(list_id, list(zip(batch, read, strict=True)), report)
            if progress is not None:
                progress(report.total)
    return report


#: A message of a file, and what goes into the archive of it, or why nothing can.
_Read = tuple[Kept, Letter | str]


def _import_batch(list_id: int, batch: Sequence[_Read], report: Report) -> None:
    """One batch in one transaction; when the database refuses it, one message at a time."""
    part = Report()
    try:
        with database.transaction() as session:
            _file_batch(session, list_id, batch, part)
    except SQLAlchemyError as trouble:
        if len(batch) > 1:
            for one in batch:
                _import_batch(list_id, [one], report)
            return
        part = Report(total=1)
        with database.transaction() as session:
            why = f"the database refused it ({type(trouble).__name__})"
            _quarantine(session, [(batch[0][0], why)], part)
    report.total += part.total
    report.filed += part.filed
    report.duplicates += part.duplicates
    report.quarantined += part.quarantined


def _file_batch(session: Session, list_id: int, batch: Sequence[_Read], report: Report) -> None:
    database.plan_for(session, len(batch))
    report.total += len(batch)
    good = [(kept, letter) for kept, letter in batch if isinstance(letter, Letter)]
    bad = [(kept, why) for kept, why in batch if isinstance(why, str)]
    letters = _signed(session, [letter for _, letter in good])
    outcomes = shelves.sort_out(session, list_id, letters)
    new: list[tuple[Kept, Letter]] = []
    for (kept, _), outcome in zip(good, outcomes, strict=True):
        if isinstance(outcome, Letter):
            new.append((kept, outcome))
        else:
            report.duplicates.append(f"{kept.name} <{outcome.message_id}>")
    incoming = _keep(session, [kept for kept, _ in new], list_id)
    shelves.write(
        session,
        list_id,
        [
            replace(letter, incoming_id=number)
            for (_, letter), number in zip(new, incoming, strict=True)
        ],
    )
    report.filed += len(new)
    _quarantine(session, bad, report)


def _letter(kept: Kept, place: int, tried: Tried) -> Letter | str:
    """What goes into the archive of a message, or why nothing can."""
    if place in tried.unread:
        return tried.unread[place]
    try:
        message = tried.read.get(place) or parse(kept.raw)
        if not message.headers:
            return "it has no header"
        letter = letter_of(message, hashlib.sha256(kept.raw).hexdigest(), None)
    except Exception as trouble:  # noqa: BLE001 - the message is kept and named in the report
        return f"it could not be read ({type(trouble).__name__})"
    if not letter.dated and kept.came is not None:
        letter = replace(letter, sent_at=kept.came, received_at=kept.came)
    return letter


def _signed(session: Session, letters: Sequence[Letter]) -> list[Letter]:
    """Letters of members under their names; others are kept by the name they gave."""
    keys = {address.normal_form(letter.address) for letter in letters if letter.address}
    wanted = (
        select(Address.key, Person)
        .join(Person, Person.id == Address.person_id)
        .where(Address.key.in_(keys))
    )
    members = {row.key: row.Person for row in session.execute(wanted)}
    if not members:
        return list(letters)
    return [
        filing.signed(letter, members[key])
        if (key := address.normal_form(letter.address)) in members
        else letter
        for letter in letters
    ]


def _keep(session: Session, messages: Sequence[Kept], list_id: int | None) -> list[int]:
    """Keep imported messages as they came, beside those that arrived by IMAP."""
    if not messages:
        return []
    last = session.scalar(select(func.max(Incoming.uid)).where(Incoming.mailbox == IMPORTED)) or 0
    now = clock.now()
    rows: list[dict[str, object]] = [
        {
            "mailbox": IMPORTED, "uidvalidity": 0, "uid": uid, "size": len(kept.raw),
            "raw": zlib.compress(kept.raw, inbox.FAST),
            "sha256": hashlib.sha256(kept.raw).hexdigest(),
            "arrived_at": now, "state": "sorted", "verdict": "post", "list_id": list_id,
        }
        for uid, kept in enumerate(messages, last + 1)
    ]  # fmt: skip
    return inbox.write(session, rows)


def _quarantine(session: Session, bad: Sequence[tuple[Kept, str]], report: Report) -> None:
    """Keep what cannot be filed, once, where the coordinator sees it."""
    for kept, why in bad:
        report.quarantined.append(f"{kept.name}: {why}")
        known = select(Incoming.id).where(
            Incoming.mailbox == IMPORTED,
            Incoming.sha256 == hashlib.sha256(kept.raw).hexdigest(),
        )
        if session.scalar(known) is None:
            (number,) = _keep(session, [kept], None)
            incoming = session.get_one(Incoming, number)
            incoming.state, incoming.verdict, incoming.why = "stuck", None, f"import: {why}"

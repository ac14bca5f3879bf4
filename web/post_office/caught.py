"""The mail that the built-in post office caught: the files, and what each letter says."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core import settings
from message import ics
from message.address import Mailbox
from message.itip import CalendarAnswer, read_answer
from message.parse import Message, parse

#: The header that the post office puts on top: for whom the copy was.
RECIPIENT = "X-Post-Office-Rcpt"
_NAME = re.compile(r"[0-9A-Za-z-]{1,80}")


@dataclass(frozen=True, slots=True)
class Letter:
    """A caught letter; `key` names it in addresses of pages."""

    key: str
    recipient: str
    message: Message

    @property
    def answers_to(self) -> Mailbox | None:
        """Where a reply goes: Reply-To, else From (RFC 5322 §3.6.2)."""
        return next(iter(self.message.reply_to), self.message.from_)

    @property
    def invitation(self) -> "Invitation | None":
        """The invitation to a meeting that it holds, if any."""
        return next(_invitations(self.message), None)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a calendar program shows of an invitation, and the fields that an answer repeats."""

    method: str
    facts: CalendarAnswer
    fields: dict[str, ics.Property]

    def text(self, name: str) -> str:
        """A TEXT value, unescaped; "" if it is not there."""
        found = self.fields.get(name)
        return ics.unescaped(found.value) if found else ""

    @property
    def organizer(self) -> str:
        """The address that an answer goes to."""
        found = self.fields.get("ORGANIZER")
        return re.sub(r"(?i)^mailto:", "", found.value).strip() if found else ""


def folder() -> Path:
    """Where the post office keeps what it caught."""
    return settings.current().data / "post-office"


def keys() -> list[str]:
    """All caught letters, the newest first."""
    return sorted((path.stem for path in folder().glob("*.eml")), reverse=True)


def letters(keys_: list[str], recipient: str = "", most: int = 100) -> list[Letter]:
    """The letters of these keys, those for one recipient only if one is given."""
    found: list[Letter] = []
    for key in keys_:
        if len(found) == most:
            break
        if recipient and _recipient_of(folder() / f"{key}.eml").lower() != recipient.lower():
            continue
        one = letter(key)
        if one is not None:
            found.append(one)
    return found


def recipients(keys_: list[str]) -> dict[str, int]:
    """How many letters there are for each recipient, by address."""
    counted: dict[str, int] = {}
    for key in keys_:
        who = _recipient_of(folder() / f"{key}.eml").lower()
        if who:
            counted[who] = counted.get(who, 0) + 1
    return dict(sorted(counted.items()))


@lru_cache(maxsize=10_000)
def _recipient_of(path: Path) -> str:
    """What the first line says; caught files never change."""
    try:
        with path.open("rb") as file:
            name, _, value = file.readline(1000).decode("utf-8", "replace").partition(":")
    except OSError:
        return ""
    return value.strip() if name.lower() == RECIPIENT.lower() else ""


def letter(key: str) -> Letter | None:
    """One letter; None if there is no such file."""
    path = folder() / f"{key}.eml"
    if not _NAME.fullmatch(key) or not path.is_file():
        return None
    return Letter(key, _recipient_of(path), parse(path.read_bytes()))


def _invitations(message: Message) -> Iterator[Invitation]:
    for part in message.calendars:
        facts = read_answer(part.text)
        method = part.method or (facts.method if facts else "")
        if facts is not None and method in {"REQUEST", "CANCEL"}:
            yield Invitation(method, facts, _fields(part.text))


def _fields(text: str) -> dict[str, ics.Property]:
    """The properties of the first event."""
    fields: dict[str, ics.Property] = {}
    inside = False
    for line in ics.properties(text):
        if line.name == "BEGIN" and line.value.upper() == "VEVENT":
            inside = True
        elif line.name == "END" and line.value.upper() == "VEVENT":
            return fields
        elif inside:
            fields.setdefault(line.name, line)
    return fields


def instant(field: ics.Property | None) -> dt.datetime | None:
    """A UTC time of a calendar (RFC 5545 §3.3.5, form 2); None for other forms."""
    if field is None or not re.fullmatch(r"\d{8}T\d{6}Z", field.value):
        return None
    return dt.datetime.strptime(f"{field.value[:-1]}+0000", "%Y%m%dT%H%M%S%z")

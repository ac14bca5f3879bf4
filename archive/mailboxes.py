"""Mailboxes as files: mbox taken apart and written, Maildir read (RFC 4155 and its dialects)."""

import datetime as dt
import email.utils
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SEPARATOR = re.compile(rb"^From ", re.MULTILINE)
_DATED = re.compile(rb"\d\d:\d\d(:\d\d)?.*\b(19|20)\d\d\b")
_BARE = re.compile(rb"From \S*\s*")
_HEADER = re.compile(rb">?[!-9;-~]+[ \t]*:")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_TO_QUOTE = re.compile(rb"^(>*From )", re.MULTILINE)
#: An archive of gigabytes is mapped, and let go again in pieces of so many octets.
_READ_AHEAD = 1 << 24
_MONTHS = {
    month: number
    for number, month in enumerate(
        b"jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1
    )
}
_TIME = re.compile(
    rb"\b(\w{3}) +(\d{1,2}) +(\d\d):(\d\d)(?::(\d\d))?\b"
    rb"(?:[^\n\d]*([+-]\d{4}))?.*?\b((?:19|20)\d\d)\b"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in a mailbox: where it stands, its bytes, and when the mailbox says it came."""

    name: str
    raw: bytes
    came: dt.datetime | None


def messages_in(path: Path) -> Iterator[Kept]:
    """The messages of an mbox file, one by one, unquoted (mboxrd; mboxo alike).

    A line that begins with "From " is a separator if it carries a date and a header field follows,
    or, after an empty line, one of these: prose does not look like that.
    """
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start: int | None = None
        read = 0
        for found in _SEPARATOR.finditer(content):
            if not _separates(content, found.start()):
                continue
            if found.start() - read > _READ_AHEAD:  # what is behind need not be kept in memory
                content.madvise(mmap.MADV_DONTNEED, 0, _READ_AHEAD * (read // _READ_AHEAD))
                read = found.start()
            if start is not None:
                yield _kept(path, content[start : found.start()], start)
            elif content[: found.start()].strip():
                yield _kept(path, content[: found.start()], 0)
            start = found.start()
        rest = content[start or 0 :]
        if rest.strip():
            yield _kept(path, rest, start or 0)


def _separates(content: mmap.mmap, at: int) -> bool:
    before = content[max(0, at - 3) : at]
    after_empty_line = not before.strip(b"\r\n") or before.endswith((b"\n\n", b"\n\r\n"))
    end = content.find(b"\n", at)
    end = len(content) if end < 0 else end
    line = content[at:end]
    before_header = _HEADER.match(content[end + 1 : end + 80]) is not None
    if _DATED.search(line):
        return before_header or (after_empty_line and _TIME.search(line) is not None)
    return after_empty_line and before_header and _BARE.fullmatch(line) is not None


def _kept(path: Path, chunk: bytes, at: int) -> Kept:
    line, raw = b"", chunk
    if chunk.startswith(b"From "):
        line, _, raw = chunk.partition(b"\n")
    raw = raw.removesuffix(b"\r\n") if raw.endswith(b"\r\n\r\n") else raw
    raw = raw.removesuffix(b"\n") if raw.endswith(b"\n\n") else raw
    return Kept(f"{path.name}@{at}", _QUOTED.sub(rb"\1", raw), _came(line))


def _came(line: bytes) -> dt.datetime | None:
    """The time in a separator: "From x@y Fri Feb 22 15:06:23 2008", in UTC unless it says."""
    found = _TIME.search(line)
    month = _MONTHS.get(found.group(1).lower()) if found else None
    if found is None or month is None:
        return None
    day, hour, minute, second = (int(found.group(n) or 0) for n in (2, 3, 4, 5))
    zone = found.group(6)
    shift = dt.timedelta()
    if zone:
        shift = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:])) * (
            -1 if zone.startswith(b"-") else 1
        )
    try:
        local = dt.datetime(int(found.group(7)), month, day, hour, minute, second, tzinfo=dt.UTC)
        return local - shift
    except (ValueError, OverflowError):
        return None


def messages_in_maildir(path: Path) -> Iterator[Kept]:
    """The messages of a Maildir, those seen and those not, in the order of their names."""
    files = sorted(
        file
        for part in ("cur", "new")
        if (path / part).is_dir()
        for file in (path / part).iterdir()
    )
    for file in sorted(files, key=lambda file: file.name):
        if file.is_file():
            yield Kept(file.name, file.read_bytes(), None)


def as_mbox(raw: bytes, sent_at: dt.datetime) -> bytes:
    """A message as mboxrd: every "From " line inside it quoted, so that reading restores it."""
    when = f"{sent_at:%a %b} {sent_at.day:2d} {sent_at:%H:%M:%S %Y}"
    body = _TO_QUOTE.sub(rb">\1", raw.replace(b"\r\n", b"\n"))
    end = b"\n" if body.endswith(b"\n") else b"\n\n"
    return b"From MAILER-DAEMON " + when.encode() + b"\n" + body + end


def mail_date(instant: dt.datetime) -> str:
    """An instant as a Date field says it (RFC 5322 §3.3)."""
    return email.utils.format_datetime(instant)

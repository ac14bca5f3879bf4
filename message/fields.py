"""Header fields as found: cut from bytes, unfolded, decoded (RFC 5322 §2.2, RFC 2231)."""

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from message.charset import decode

#: More than this is an attack, not a header (RFC 5322 sets no bound).
LARGEST_HEADER = 1 << 20
MOST_FIELDS = 2_000

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_ID = re.compile(r"<([^<>\s]+(?:\s+[^<>\s@]*@[^<>\s]+)?)>")
_BARE_ID = re.compile(r"[^\s<>()\",;]+@[^\s<>()\",;]+")
Fields = tuple[tuple[str, str], ...]


def split_header(raw: bytes) -> tuple[list[tuple[str, bytes]], int, list[str]]:
    """The fields at the head of some bytes, as names and unfolded raw values.

    Also tells where the body begins and what was wrong.
    """
    fields: list[tuple[str, bytes]] = []
    defects: list[str] = []
    at, end = 0, min(len(raw), LARGEST_HEADER)
    while at < end:
        line_end = raw.find(b"\n", at)
        line_end = len(raw) if line_end < 0 else line_end
        line = raw[at:line_end].rstrip(b"\r")
        following = min(line_end + 1, len(raw))
        if not line:
            return fields, following, defects
        if line[:1] in b" \t" and fields:
            name, value = fields[-1]
            fields[-1] = (name, value + b" " + line.strip())
        elif match := _FIELD.match(line):
            fields.append((match.group(1).decode("ascii"), line[match.end() :].strip()))
        elif not fields and line.startswith((b"From ", b">From ")):
            pass  # the envelope line of an mbox
        else:
            defects.append("a line in the header is no field: the body begins there")
            return fields, at, defects
        if len(fields) > MOST_FIELDS:
            defects.append("too many header fields")
            return fields[:MOST_FIELDS], following, defects
        at = following
    if at < len(raw):
        defects.append("the header is too large")
    return fields, at, defects


def message_ids(value: str) -> tuple[str, ...]:
    """The message ids in a field, without < >, as found in order; free words are passed over."""
    found = [re.sub(r"\s+", "", one) for one in _ID.findall(value)]
    if not found:
        found = _BARE_ID.findall(value)
    return tuple(dict.fromkeys(one for one in found if one))


def date(value: str) -> dt.datetime | None:
    """The instant of a Date field, in UTC; None when nobody can tell."""
    try:
        when = parsedate_to_datetime(value)
        if when.tzinfo is None:
            when = when.replace(tzinfo=dt.UTC)
        return when.astimezone(dt.UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """A field such as Content-Type taken apart: its value in lower case, and its parameters."""
    head, _, rest = value.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, text in _pairs(rest):
        base, star, tail = name.partition("*")
        if not star:
            plain.setdefault(base, text)
            continue
        number, _, mark = tail.partition("*")
        coded = mark == "" and (tail.endswith("*") or tail == "")
        index = int(number) if number.isdigit() and len(number) < 6 else 0
        pieces.setdefault(base, {}).setdefault(index, (coded, text))
    for base, parts in pieces.items():
        plain[base] = _joined(parts)  # RFC 6266 §4.3 by analogy: the extended form wins
    first = head.strip().lower().split()
    return (first[0] if first else ""), plain


def _pairs(rest: str) -> list[tuple[str, str]]:
    pairs = []
    pattern = re.compile(r'\s*;?\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)')
    for match in pattern.finditer(rest):
        name, text = match.group(1).lower(), match.group(2).strip()
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:].removesuffix('"'))
        pairs.append((name, text))
        if len(pairs) >= 500:
            break
    return pairs


def _joined(parts: dict[int, tuple[bool, str]]) -> str:
    """RFC 2231 §3, §4: continuations put together, percent-encoding undone in the charset."""
    label: str | None = None
    data = b""
    for index in sorted(parts):
        coded, text = parts[index]
        if coded:
            if index == 0 and text.count("'") >= 2:
                label, _, text = text.split("'", 2)
            data += unquote_to_bytes(text)
        else:
            data += text.encode("utf-8", "replace")
    return decode(data, label or "utf-8")

"""Header fields as found: cut from bytes, unfolded, decoded (RFC 5322 §2.2, RFC 2231)."""

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from message.charset import decode

#: More than this is an attack, not a header (RFC 5322 sets no bound).
LARGEST_HEADER = 1 << 20
MOST_FIELDS = 2_000
#: No field holds more ids or parameters than a reader can use.
MOST_IDS = 5_000
MOST_PARAMETERS = 500

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
# RFC 5322 §2.2.3: a whole field, with the lines that are folded below it.
_WHOLE = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n")
_NAME_OF_8_BIT = re.compile(rb"([!-9;-~\x80-\xff]{1,60}):")
_ID = re.compile(r"<([^<>\s]+(?:\s+[^<>\s@]*@[^<>\s]+)?)>")
_NO_ID = re.compile(r"[\s<>()\",;]+")
_NAME = re.compile(r'[^\s=;"]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"?', re.DOTALL)
_KNOWN = re.compile(
    rb"(?:received|from|to|cc|subject|date|message-id|mime-version|content-[a-z-]+|reply-to|"
    rb"references|in-reply-to|return-path|list-[a-z-]+|x-[a-z0-9-]+)[ \t]*:",
    re.IGNORECASE,
)
Fields = tuple[tuple[str, str], ...]


def split_header(raw: bytes) -> tuple[list[tuple[str, bytes]], int, list[str]]:
    """The fields at the head of some bytes, as names and unfolded raw values.

    Also tells where the body begins and what was wrong.
    """
    fields: list[tuple[str, list[bytes]]] = []
    defects: list[str] = []
    at, end = 0, min(len(raw), LARGEST_HEADER)
    while (at := _past_whole_fields(raw, at, end, fields)) < end:
        line_end = raw.find(b"\n", at)
        line_end = len(raw) if line_end < 0 else line_end
        line = raw[at : min(line_end, end)].rstrip(b"\r")
        following = min(line_end + 1, len(raw))
        if not line:
            return _joined_lines(fields), following, defects
        if line[:1] in b" \t" and fields:
            fields[-1][1].append(line.strip())
        elif match := _FIELD.match(line):
            fields.append((match.group(1).decode("ascii"), [line[match.end() :].strip()]))
        elif fields and (match := _NAME_OF_8_BIT.match(line)):
            name = match.group(1).decode("ascii", "replace")
            fields.append((name, [line[match.end() :].strip()]))
            defects.append("a field's name is not ASCII")
        elif not fields and line.startswith((b"From ", b">From ")):
            pass  # the envelope line of an mbox
        elif fields and _KNOWN.match(raw, following):
            # A line folded without a blank at its beginning: the header goes on behind it.
            fields[-1][1].append(line.strip())
            defects.append("a line in the header is no field: added to the field before it")
        else:
            defects.append("a line in the header is no field: the body begins there")
            return _joined_lines(fields), at, defects
        if len(fields) > MOST_FIELDS:
            defects.append("too many header fields")
            return _joined_lines(fields[:MOST_FIELDS]), following, defects
        at = following
    if at < len(raw) or at > end:
        defects.append("the header is too large")
    return _joined_lines(fields), at, defects


def _past_whole_fields(raw: bytes, at: int, end: int, fields: list[tuple[str, list[bytes]]]) -> int:
    """Read on while fields are as they should be; tells where the first that is not begins."""
    while len(fields) < MOST_FIELDS and (whole := _WHOLE.match(raw, at, end)):
        fields.append((whole[1].decode("ascii"), [one.strip() for one in whole[2].split(b"\n")]))
        at = whole.end()
    return at


def _joined_lines(fields: list[tuple[str, list[bytes]]]) -> list[tuple[str, bytes]]:
    return [(name, b" ".join(lines).strip()) for name, lines in fields]


def message_ids(value: str) -> tuple[str, ...]:
    """The message ids in a field, without < >, as found in order; free words are passed over."""
    found = ["".join(one.split()) for one in _ID.findall(value)]
    if not found:
        words = _NO_ID.split(value)
        found = [word for word in words if "@" in word.strip("@")]
    return tuple(dict.fromkeys(found[-MOST_IDS:]))


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
    first, _, more = head.strip().partition(" ")
    if more:
        rest = f"{more};{rest}"  # a semicolon forgotten behind the type
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
    return first.lower().strip("\"',"), plain


def _pairs(rest: str) -> list[tuple[str, str]]:
    """Names and values, read from left to right; what is neither is passed over."""
    pairs: list[tuple[str, str]] = []
    at, end = 0, len(rest)
    while at < end and len(pairs) < MOST_PARAMETERS:
        word = _NAME.match(rest, at)
        if word is None:
            at += 1
            continue
        at = _past_blanks(rest, word.end())
        if not rest.startswith("=", at):
            continue
        at = _past_blanks(rest, at + 1)
        if quoted := _QUOTED.match(rest, at):
            at, text = quoted.end(), re.sub(r"\\(.)", r"\1", quoted.group(1))
        else:
            stop = rest.find(";", at)
            stop = end if stop < 0 else stop
            at, text = stop, rest[at:stop].strip()
        pairs.append((word.group().lower(), text))
    return pairs


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


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

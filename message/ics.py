"""iCalendar text (RFC 5545 §3): content lines folded, unfolded, escaped and taken apart."""

import re
from dataclasses import dataclass

_ESCAPES = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}
#: RFC 5545 §3.1: no control but a tab stands in a content line.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z0-9-]+")
_PARAMETER = re.compile(r';\s*([A-Za-z0-9-]+)\s*=([^";:]*(?:"[^"]*"[^";:]*)*)')


@dataclass(frozen=True, slots=True)
class Property:
    """One content line: its name and parameters in upper case, its value as it stands."""

    name: str
    params: dict[str, str]
    value: str


def escaped(text: str) -> str:
    """Text as a TEXT value (RFC 5545 §3.3.11)."""
    plain = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(_ESCAPES.get(sign, sign) for sign in plain)


def unescaped(value: str) -> str:
    """The text of a TEXT value."""
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value)


def parameter(text: str) -> str:
    """Text as a parameter value: quoted, without what a parameter cannot hold (RFC 5545 §3.2)."""
    return f'"{in_quotes(text)}"'


def in_quotes(text: str) -> str:
    """Text as it stands between the quotes of a parameter value."""
    return re.sub(r'[\x00-\x1f\x7f"]', "'", text)


def bare(text: str) -> str:
    """Text as it stands in a value that is not TEXT, such as an address: one line, no controls."""
    return re.sub(r"[\x00-\x1f\x7f]", "", text)


def folded(text: str) -> bytes:
    """Content lines with CRLF, none over 75 octets, no character cut in two (RFC 5545 §3.1)."""
    out: list[bytes] = []
    for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
        raw = line.encode("utf-8", "replace")
        room = 75
        while len(raw) > room:
            cut = room
            while raw[cut] & 0xC0 == 0x80:  # inside a UTF-8 character
                cut -= 1
            out.append(raw[:cut])
            raw, room = b" " + raw[cut:], 75
        out.append(raw)
    return b"\r\n".join(out) + b"\r\n"


def properties(text: str) -> list[Property]:
    """All content lines, unfolded; lines that are none are passed over. Never raises."""
    unfolded = re.sub(r"\n[ \t]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = (_property(line.strip("\ufeff \t")) for line in unfolded.split("\n"))
    return [line for line in lines if line is not None]


def _property(line: str) -> Property | None:
    name = _NAME.match(line)
    if name is None:
        return None
    params: dict[str, str] = {}
    at = name.end()
    while found := _PARAMETER.match(line, at):
        params.setdefault(found[1].upper(), found[2].strip().strip('"'))
        at = found.end()
    if not line.startswith(":", at):
        at = line.find(":", at)  # a parameter that cannot be read: the value stands behind it
        if at < 0 or not line.startswith(";", name.end()):
            return None
    return Property(name.group().upper(), params, line[at + 1 :].strip())

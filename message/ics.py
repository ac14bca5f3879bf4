"""iCalendar text (RFC 5545 §3): content lines folded, unfolded, escaped and taken apart."""

import re
from dataclasses import dataclass

_ESCAPES = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}
_LINE = re.compile(r"([A-Za-z0-9-]+)((?:;[^:\"]*(?:\"[^\"]*\"[^:\";]*)*)*):(.*)", re.DOTALL)
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^;":]*)(?:,(?:"[^"]*"|[^;":]*))*)')


@dataclass(frozen=True, slots=True)
class Property:
    """One content line: its name and parameters in upper case, its value as it stands."""

    name: str
    params: dict[str, str]
    value: str


def escaped(text: str) -> str:
    """Text as a TEXT value (RFC 5545 §3.3.11)."""
    return "".join(_ESCAPES.get(sign, sign) for sign in text.replace("\r\n", "\n"))


def unescaped(value: str) -> str:
    """The text of a TEXT value."""
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value)


def parameter(text: str) -> str:
    """Text as a parameter value: quoted, without what a parameter cannot hold (RFC 5545 §3.2)."""
    return '"' + re.sub(r'[\x00-\x1f\x7f"]', "'", text) + '"'


def folded(text: str) -> bytes:
    """Content lines with CRLF, none over 75 octets, no character cut in two (RFC 5545 §3.1)."""
    out: list[bytes] = []
    for line in text.splitlines():
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
    unfolded = re.sub(r"\r?\n[ \t]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    found = []
    for line in unfolded.split("\n"):
        match = _LINE.fullmatch(line.strip("\ufeff \t"))
        if match:
            name, params, value = match.groups()
            pairs = {key.upper(): value.strip('"') for key, value in _PARAMETER.findall(params)}
            found.append(Property(name.upper(), pairs, value.strip()))
    return found

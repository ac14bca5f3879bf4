"""Mailboxes and addresses (RFC 5322 §3.4): read what others wrote, write what everybody reads."""

import re
from functools import lru_cache
from typing import NamedTuple

from message import encoded_words

#: RFC 5321 §4.5.3.1: a path has at most 256 octets, a local part at most 64.
LONGEST_ADDRESS = 254
LONGEST_LOCAL_PART = 64
#: What others wrote is read up to here; longer is no address, and no name.
LONGEST_READ = 320
LONGEST_NAME = 200
#: So many addresses are kept with their forms: each message asks for those of its author often.
_AT_HAND = 2_000
#: RFC 5322 §3.2.3: a local part that needs no quoting.
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LOCAL = re.compile(r"[^\s@<>(),;:\\\"\[\]]+")
#: RFC 1123 §2.1 and RFC 5890: labels of letters, digits and hyphens; the last is no number.
_DOMAIN = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)"
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_PIPERMAIL = re.compile(r"^([^\s@<>\"]+) at ([^\s@<>\"]+\.[^\s@<>\"]+) *(?:\((.*)\))?$")
_ATOM = r"[^\s\"<>(),:;@\\]+"
#: Nearly all fields hold one address, in brackets behind plain words or alone.
_PLAIN = re.compile(rf"(?:({_ATOM}(?: {_ATOM})*) )?<({_ATOM}@{_ATOM})>|({_ATOM}@{_ATOM})")
_WORDS = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+')
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+")


class BadAddress(ValueError):
    """What was given cannot be an e-mail address; the text tells the person what to do."""


class Mailbox(NamedTuple):
    """A display name (may be empty) and an address (addr-spec)."""

    name: str
    address: str

    @property
    def local_part(self) -> str:
        """What stands before the @."""
        return self.address.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """What stands behind the @, in normal form."""
        return domain_of(self.address)


@lru_cache(_AT_HAND)
def domain_of(address: str) -> str:
    """The domain of an address, lower-case, with A-labels (RFC 5890)."""
    domain = address.rpartition("@")[2].strip().rstrip(".").lower()
    if domain.isascii() or len(domain) > LONGEST_ADDRESS:
        return domain
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


@lru_cache(_AT_HAND)
def normal_form(address: str) -> str:
    """The form in which two addresses are compared: lower-case, domain with A-labels."""
    local, sign, _ = address.strip().rpartition("@")
    return f"{local.lower()}{sign}{domain_of(address)}" if sign else address.strip().lower()


def check(text: str) -> str:
    """The address that a person typed, without blanks around it.

    Raises BadAddress with a sentence for that person.
    """
    address = text.strip()
    if not address:
        raise BadAddress("Enter an email address")
    local, sign, _ = address.rpartition("@")
    if len(address.encode()) > LONGEST_ADDRESS or len(local.encode()) > LONGEST_LOCAL_PART:
        raise BadAddress("Enter an email address with 254 characters or fewer")
    ascii_domain = domain_of(address)
    good = (
        sign
        and _LOCAL.fullmatch(local)
        and not _CONTROL.search(address)
        and _DOMAIN.fullmatch(ascii_domain)
        and not (local.startswith(".") or local.endswith(".") or ".." in local)
    )
    if not good:
        raise BadAddress("Enter an email address in the correct format, like name@example.com")
    return address


def parse_mailboxes(value: str) -> list[Mailbox]:
    """All mailboxes of an address field as found in real mail; group names are dropped.

    Never raises. The value is decoded text; "x at y.org (Name)" of list archives is read too.
    """
    if plain := _PLAIN.fullmatch(value):
        box = _read(plain[1] or "", plain[2] or plain[3])
        return [box] if box else []
    disguised = _PIPERMAIL.match(value.strip())
    if disguised:
        local, domain, name = disguised.groups()
        return [Mailbox((name or "").strip(), f"{local}@{domain}")]
    boxes = (_mailbox(item) for item in _items(value))
    return [box for box in boxes if box is not None]


def _items(value: str) -> list[list[tuple[str, str]]]:
    """The field cut at its commas: each item a list of (kind, text) tokens."""
    items: list[list[tuple[str, str]]] = [[]]
    for kind, text in _tokens(value):
        if kind == "sign" and text in ",;":
            items.append([])
        elif kind == "sign" and text == ":":
            items[-1] = []  # RFC 5322 §3.4: what stands before is the name of a group
        else:
            items[-1].append((kind, text))
    return [item for item in items if item]


def _tokens(value: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at, end = 0, len(value)
    while at < end:
        sign = value[at]
        if sign == '"':
            text, at = _quoted(value, at + 1, '"')
            tokens.append(("quoted", text))
        elif sign == "(":
            text, at = _comment(value, at + 1)
            tokens.append(("comment", text))
        elif sign == "<":
            close = value.find(">", at)
            close = end if close < 0 else close
            tokens.append(("angle", value[at + 1 : close]))
            at = close + 1
        elif sign in ",;:":
            tokens.append(("sign", sign))
            at += 1
        else:
            start = at
            while at < end and value[at] not in '"(<,;:':
                at += 1
            tokens.append(("text", value[start:at]))
    return tokens


def _quoted(value: str, at: int, close: str) -> tuple[str, int]:
    out: list[str] = []
    while at < len(value) and value[at] != close:
        if value[at] == "\\" and at + 1 < len(value):
            at += 1
        out.append(value[at])
        at += 1
    return "".join(out), at + 1


def _comment(value: str, at: int) -> tuple[str, int]:
    depth, start = 1, at
    while at < len(value):
        if value[at] == "\\":
            at += 1
        elif value[at] == "(":
            depth += 1
        elif value[at] == ")":
            depth -= 1
            if depth == 0:
                return value[start:at], at + 1
        at += 1
    return value[start:], at


def _mailbox(item: list[tuple[str, str]]) -> Mailbox | None:
    angles = [text for kind, text in item if kind == "angle"]
    comments = " ".join(text.strip() for kind, text in item if kind == "comment")
    if angles:
        words = [text for kind, text in item if kind in {"quoted", "text"}]
        name = " ".join("".join(words).split()) or comments
        address = re.sub(r"\s+", "", angles[-1].rpartition(":")[2])  # RFC 5322 §4.4: a route
        return _read(name, address)
    joined = "".join(
        _in_quotes(text) if kind == "quoted" and text else text
        for kind, text in item
        if kind in {"quoted", "text"}
    )
    spec = next((word for word in _WORDS.findall(joined) if "@" in word), "")
    return _read(comments, spec)


def _read(name: str, address: str) -> Mailbox | None:
    spec = _clean(address)
    local, _, domain = spec.rpartition("@")
    if not local or not domain or len(spec) > LONGEST_READ:
        return None
    return Mailbox(_clean(name), spec)


def _clean(text: str) -> str:
    return _CONTROL.sub("", text).strip()


def format_mailbox(mailbox: Mailbox, *, international: bool = False) -> str:
    """A mailbox as a header value: quoted, or as encoded-words, never a second address.

    A name that no header can hold is cut. Raises BadAddress for an address that cannot stand in a
    header: one with controls, blanks or brackets, or, unless it may be `international`
    (RFC 6532 §3.2), with a local part that is not ASCII.
    """
    spec = _written(mailbox.address, international)
    name = " ".join(_CONTROL.sub(" ", mailbox.name).split())[:LONGEST_NAME].strip()
    if not name:
        return spec
    if not name.isascii() or "=?" in name:
        return f"{' '.join(encoded_words.encode(name))} <{spec}>"
    if _ATOMS.fullmatch(name):
        return f"{name} <{spec}>"
    return f"{_in_quotes(name)} <{spec}>"


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _written(address: str, international: bool) -> str:
    """An address as it goes out: a domain in A-labels, a local part quoted where it must be."""
    local, sign, _ = address.rpartition("@")
    domain = domain_of(address)
    fit = sign and local and domain and not re.search(r"[\x00-\x20\x7f<>,;]", address)
    if not fit or not (international or local.isascii()) or not re.fullmatch(r"[!-~]+", domain):
        raise BadAddress("This address cannot be written into a message")
    if _DOT_ATOM.fullmatch(local) or not local.isascii():
        return f"{local}@{domain}"
    bare = local[1:-1] if len(local) > 1 and local[0] == local[-1] == '"' else local
    plain = re.sub(r"\\(.)", r"\1", bare)
    return f"{_in_quotes(plain)}@{domain}"

"""The network's own mail addresses: of lists, of commands, and with tokens.

`ai-network@example.org`, `ai-network+leave@example.org`, `ai-network+<token>@example.org`.
Mail that belongs to no list comes from the office: `office@example.org`.
"""

from dataclasses import dataclass

from core import settings, tokens
from core.tokens import UNDATED, Purpose

OFFICE = "office"
#: What may follow the separator in place of a token.
COMMANDS = frozenset({"join", "leave", "help", "owner", "updates"})


@dataclass(frozen=True, slots=True)
class Ours:
    """An address of the network, taken apart: exactly one of command and token, or neither."""

    name: str
    command: str | None = None
    token: str | None = None


def of(name: str | None = None, suffix: str = "") -> str:
    """The address of a list (or the office), with a command or token behind the separator."""
    setting = settings.current()
    tail = f"{setting.separator}{suffix}" if suffix else ""
    return f"{name or OFFICE}{tail}@{setting.domain}"


def of_author(name: str, person_id: int, list_id: int) -> str:
    """The address by which somebody who writes on a list is answered in private.

    It is the same for all that they write there, and does not tell theirs.
    """
    return of(name, tokens.make(Purpose.AUTHOR, person_id, list_id, made=UNDATED))


def recognise(address: str) -> Ours | None:
    """Take an address of ours apart, whatever its case; None if it is at another domain."""
    setting = settings.current()
    local, _, domain = address.strip().lower().rpartition("@")
    if not local or domain != setting.domain.lower():
        return None
    name, sign, suffix = local.partition(setting.separator)
    if not sign:
        return Ours(local)
    if suffix in COMMANDS:
        return Ours(name, command=suffix)
    return Ours(name, token=suffix)

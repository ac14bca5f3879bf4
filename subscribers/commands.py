"""What a mail to a command address asks for, told by the address first and the words second."""

import enum
import re
from dataclasses import dataclass

from message.address import Mailbox


class Ask(enum.StrEnum):
    """What somebody wants by mail."""

    JOIN = "join"
    CONFIRM = "confirm"
    DECLINE = "decline"  # "that was not me" in answer to a confirmation
    LEAVE = "leave"
    HELP = "help"
    OWNER = "owner"  # for the coordinators to read
    UPDATES = "updates"  # an update of a partner, for the coordinators to read
    NOTHING = "nothing"  # no sender: there is nobody to act for or to answer


@dataclass(frozen=True, slots=True)
class Wish:
    """What a mail asks for, and how its writer is called."""

    ask: Ask
    name: str = ""
    organisation: str = ""


_JOIN = re.compile(r"(join|subscribe|sign me up)\b", re.IGNORECASE)
_LEAVE = re.compile(r"(leave|unsubscribe|remove me|sign ?off)\b", re.IGNORECASE)
_NO = re.compile(
    r"(no|nope|not me|stop|cancel|decline|leave|unsubscribe|remove|wrong|who are you|"
    r"(this|that|it) (was|is) ?n[o']t|(i|we) (did|have|do) ?n[o']t|(i|we) (never|didnt|didn’t))\b",
    re.IGNORECASE,
)
_ORGANISATION = re.compile(r"^\s*(?:organi[sz]ation|council)\s*:\s*(\S.*)$", re.IGNORECASE | re.M)


def read(command: str, from_: Mailbox | None, subject: str, text: str) -> Wish:
    """What a mail to the address of `command` asks for; `text` is its body.

    The address decides, with two exceptions: a reply to a confirmation that says no confirms
    nothing, and the help address also understands "join" and "leave" on the first line.
    """
    if from_ is None or not from_.address:
        return Wish(Ask.NOTHING)
    first = _first_line(text) or re.sub(r"(?i)^\s*(re|aw|fwd?)\s*:\s*", "", subject).strip()
    if command == "confirm":
        # Only what the writer added counts: the subject of an answer is ours.
        return Wish(Ask.DECLINE if _NO.match(_first_line(text)) else Ask.CONFIRM, from_.name)
    if command == "help" and _JOIN.match(first):
        command = "join"
    elif command == "help" and _LEAVE.match(first):
        command = "leave"
    if command == "join":
        named = _ORGANISATION.search(text)
        return Wish(Ask.JOIN, from_.name, named.group(1).strip()[:200] if named else "")
    return Wish(Ask(command) if command in set(Ask) else Ask.HELP, from_.name)


def _first_line(text: str) -> str:
    """The first line that the writer wrote: quoted lines and the line above them are others'."""
    for line in text.splitlines():
        words = line.strip().lstrip("*").strip()
        if words.startswith(">") or re.match(r"(?i)(on .{6,}|-{2,}.*|from: .*)$", words):
            return ""
        if words and not re.match(
            r"(?i)(dear|hello|hi|good (morning|afternoon))\b[^.?]{0,40}$", words
        ):
            return words
    return ""

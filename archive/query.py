"""A search as it is typed: words and phrases, and what else a post must be.

`from:jane`, `list:ai-network`, `after:2026-03-01`, `before:2026-04`, `has:attachment`, "a phrase".
No query is wrong: what is no operator is a word, and of a value that says nothing the page tells.
"""

import datetime as dt
import re
from dataclasses import dataclass

MOST_WORDS = 24
_TERM = re.compile(r'(?:([a-z]+):)?(?:"([^"]*)"|([^\s"]+))', re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_YEARS = range(1900, 2200)
OPERATORS = frozenset({"from", "list", "after", "before", "has"})


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; `words` are words and phrases, `troubles` sentences for who typed it.

    `after` and `before` are days: posts from the first on, and up to the day before the other.
    """

    words: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    after: dt.date | None = None
    before: dt.date | None = None
    attachment: bool = False
    troubles: tuple[str, ...] = ()

    def asks(self) -> bool:
        """Whether anything is looked for at all."""
        return bool(
            self.words or self.authors or self.lists or self.after or self.before or self.attachment
        )


def read(typed: str) -> Query:
    """What a search says, as far as it says something."""
    words: list[str] = []
    values: dict[str, list[str]] = {name: [] for name in OPERATORS}
    for operator, phrase, word in _TERM.findall(typed.replace("\0", " ")):
        name = operator.lower()
        if name in OPERATORS:
            values[name].append(phrase or word)
        elif phrase:
            words += [" ".join(_WORD.findall(f"{operator} {phrase}"))]
        else:
            words += _WORD.findall(f"{operator} {word}")
    troubles: list[str] = []
    days = {name: _days(name, values[name], troubles) for name in ("after", "before")}
    return Query(
        tuple(one for one in words if one)[:MOST_WORDS],
        tuple(one for value in values["from"] for one in _WORD.findall(value))[:MOST_WORDS],
        tuple(value.lower() for value in values["list"]),
        max(days["after"], default=None),
        min(days["before"], default=None),
        _has_attachment(values["has"], troubles),
        tuple(troubles),
    )


def _days(name: str, values: list[str], troubles: list[str]) -> list[dt.date]:
    days = []
    for value in values:
        found = _DAY.fullmatch(value)
        try:
            if found is None or int(found[1]) not in _YEARS:
                raise ValueError
            days.append(dt.date(int(found[1]), int(found[2] or 1), int(found[3] or 1)))
        except ValueError:
            troubles.append(f"“{name}:” wants a date like 2026-03-01; it was left out.")
    return days


def _has_attachment(values: list[str], troubles: list[str]) -> bool:
    wanted = [value.lower() in {"attachment", "attachments", "file"} for value in values]
    if not all(wanted):
        troubles.append("“has:” knows “has:attachment” only; it was left out.")
    return any(wanted)

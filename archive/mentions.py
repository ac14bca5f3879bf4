"""Which item somebody speaks of in their own words: by its number, its title, or what it is about.

"Re item 4", "the transcription item", "Copilot licences: we pay ...". Words of a title count only
where they are said of an item, or two of them in their order; what fits two items tells neither.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from archive.targets import Item

FIRST_LINES = 3
VISIBLE = re.compile(r"\[#(\d{1,9})\]")
_WORD = re.compile(r"\w+")
_LEAD = (
    r"(?:(?:in )?(?:reply|response|answer|answering)(?: to)?|my (?:answer|reply) to|re|regarding|"
    r"concerning|about|on|as (?:for|to)|with regard to|for|to|zu|zum|zur|betreff|bezüglich|"
    r"ynghylch|am)"
)
#: What one calls an item, and nothing else about it.
_NOUNS = (
    "item|thread|discussion|question|topic|point|post|session|meeting|event|update|summary|piece|"
    "section|query|story|news|article|thema|punkt|frage|beitrag|eitem|pwynt"
)
_ITEM = r"(?:item|point|thema|punkt|eitem|pwynt)\s*#?\s*(\d{1,3})\b"
_NUMBER = r"(?:topic|nummer|nr\.?|number|#)\s*#?\s*(\d{1,3})\b"
_SIGN = r"(?=\s*(?:[:)]|[-–—]\s))"
#: "Number 10 has said no" and "we are #4" speak of no item: these want a sign behind, or "re".
_AT_START = re.compile(
    rf"\W*?(?:{_LEAD}\W+(?:the |your )?(?:{_ITEM}|{_NUMBER})|"
    rf"(?:the |your )?{_ITEM}|{_NUMBER}{_SIGN})",
    re.IGNORECASE,
)
_WITHIN = re.compile(rf"(?:^|\W){_ITEM}(?:{_SIGN}|\s*$)", re.IGNORECASE)
_LISTED = re.compile(r"(\d{1,3})\s*(?:[:)]|[-–—]\s|\.\s)")
_CALLED = re.compile(
    rf"\b(?:the|your|that|this|his|her|their)\s+((?:[\w’'-]+\s+){{1,5}}?)(?:{_NOUNS})\b",
    re.IGNORECASE,
)
_LED = re.compile(rf"\W*{_LEAD}\b\W+(.{{3,80}}?)(?:[:;,.!?–—]|\s-\s|$)", re.IGNORECASE)
_HEADED = re.compile(r"\W*([^:;,.!?–—]{3,80}?)(?::\s|:$|\s[-–—]\s)")
_EMPTY = frozenset(
    [
        "a", "an", "the", "of", "for", "in", "on", "and", "or", "to", "from", "with", "by", "at",
        "re", "our", "your", "my", "we", "you", "is", "are", "it", "this", "that", "der", "die",
        "das", "den", "und", "von", "im", "zu", "zum", "zur", "about", "what", "how", "s",
        *_NOUNS.split("|"),
    ]
)  # fmt: skip
#: What stands before a colon without naming anything.
_SIGNALS = frozenset(
    [
        "note", "notes", "nb", "ps", "fyi", "edit", "answer", "reply", "comment", "reminder",
        "correction", "thanks", "idea", "warning",
    ]
)  # fmt: skip
_ALIKE = 5  # so many letters at the beginning make "transcribing" and "transcription" alike


def mentioned(items: Sequence[Item], own: str, common: Collection[str] = ()) -> int | None:
    """The one item that the first lines of somebody's words name; None if none or several.

    `common`: words that tell no item, being those of the whole mailing.
    """
    lines = [line for line in own.splitlines() if line.strip()]
    first, rest = lines[:FIRST_LINES], lines[FIRST_LINES:]
    also = {
        number for line in rest for way in (_by_number, _by_title) for number in way(items, line)
    }
    told = [_Told(item.number, words_of(item.title), frozenset(common)) for item in items]
    for found in (
        {number for line in first for number in _by_number(items, line)},
        {number for line in first for number in _by_title(items, line)},
        {number for line in first for number in _by_phrase(told, line)},
        {number for line in first for number in _by_two_words(told, line)},
    ):
        if found:
            return found.pop() if len(found | also) == 1 else None
    return None


def numbered(items: Sequence[Item], own: str) -> int | None:
    """The item whose number stands at the very beginning."""
    found = re.match(rf"\W*{VISIBLE.pattern}", own) or _AT_START.match(own)
    return _known(items, next(filter(None, found.groups()))) if found else None


def opened_by(items: Sequence[Item], line: str) -> int | None:
    """The item that a line announces at its beginning, as a heading of what follows."""
    number = numbered(items, line)
    if number is not None:
        return number
    told = [_Told(item.number, words_of(item.title)) for item in items]
    headed = _LED.match(line) or _HEADED.match(line)
    found = _about(told, headed.group(1)) if headed else set()
    found |= {one.number for one in told if one.title == words_of(line)}
    return found.pop() if len(found) == 1 else None


def listed(items: Sequence[Item], line: str) -> int | None:
    """The item whose bare number a line begins with: "3 - we pay 20"."""
    found = _LISTED.match(line)
    return _known(items, found.group(1)) if found else None


def words_of(text: str) -> list[str]:
    """The words by which titles are compared."""
    return [word.casefold() for word in _WORD.findall(text)]


@dataclass(frozen=True, slots=True)
class _Told:
    """An item as far as the words of its title tell it from others."""

    number: int
    title: list[str]
    common: frozenset[str] = frozenset()

    def telling(self) -> list[str]:
        return [word for word in self.title if word not in _EMPTY and word not in self.common]


def _known(items: Sequence[Item], number: str) -> int | None:
    return next((item.number for item in items if item.number == int(number)), None)


def _by_number(items: Sequence[Item], line: str) -> set[int]:
    said = [_AT_START.match(line), *_WITHIN.finditer(line), *VISIBLE.finditer(line)]
    numbers = {next(filter(None, found.groups())) for found in said if found}
    known = {_known(items, number) for number in numbers}
    return {number for number in known if number is not None}


def _by_title(items: Sequence[Item], line: str) -> set[int]:
    said = f" {' '.join(words_of(line))} "
    return {
        item.number
        for item in items
        if len(words_of(item.title)) > 1 and f" {' '.join(words_of(item.title))} " in said
    }


def _by_phrase(told: Sequence[_Told], line: str) -> set[int]:
    phrases = [found.group(1) for found in _CALLED.finditer(line)]
    phrases += [found.group(1) for found in (_LED.match(line), _HEADED.match(line)) if found]
    return {number for phrase in phrases for number in _about(told, phrase)}


def _about(told: Sequence[_Told], phrase: str) -> set[int]:
    """The item whose title has all the words of a phrase, if it is only one."""
    common = told[0].common if told else frozenset()
    said = [word for word in words_of(phrase) if word not in _EMPTY and word not in common]
    if not said or _SIGNALS.issuperset(said):
        return set()
    fitting = {
        one.number
        for one in told
        if all(any(_alike(word, other) for other in one.telling()) for word in said)
    }
    return fitting if len(fitting) == 1 else set()


def _by_two_words(told: Sequence[_Told], line: str) -> set[int]:
    """The item of whose title the first two words that tell stand together in a line.

    A word of another title in the same line makes it doubtful: then none.
    """
    said = words_of(line)
    pairs = set(pairwise(said))
    found = {one.number for one in told if tuple(one.telling()[:2]) in pairs}
    for one in told:
        if any(_alike(word, other) for word in said for other in _own_words(told, one)):
            found.add(one.number)
    paired = {one.number for one in told if tuple(one.telling()[:2]) in pairs}
    return paired if len(found) == 1 else set()


def _own_words(told: Sequence[_Told], one: _Told) -> set[str]:
    """The words of a title that no other title has."""
    others = {word for other in told if other is not one for word in other.title}
    return set(one.telling()) - others


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    start = one[:_ALIKE]
    return len(start) == _ALIKE and other.startswith(start) and abs(len(one) - len(other)) <= _ALIKE

"""Which items of a digest an answer is about: by what is quoted, numbered or named.

Nothing is guessed: what fits two items alike is left undecided, and the sender is asked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from archive.targets import Item
from message import subject as subjects
from message.quoting import Passage

QUOTED = "quoted item"
VISIBLE = "visible number"
TITLE = "item title"
ONLY = "only item"

_RUN = 4  # so many words in a row recognise a text
_VISIBLE = re.compile(r"\[#(\d{1,9})\]")
_WORD = re.compile(r"\w+")
_CLOSING = frozenset(
    [
        "all", "best", "cheers", "cofion", "cynnes", "dear", "diolch", "faithfully", "for", "from",
        "hello", "hi", "iphone", "ipad", "android", "kind", "many", "much", "my", "outlook",
        "regards", "sent", "sincerely", "thank", "thanks", "the", "very", "warm", "wishes", "with",
        "you", "yours", "and", "greetings",
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """A part of a message, the item that it answers (None: a topic of its own), and by what."""

    number: int | None
    passages: tuple[Passage, ...]
    reason: str


def sort_out(
    items: Sequence[Item], subject: str, digest: str, passages: Sequence[Passage]
) -> list[Answer]:
    """What a message answers, one part for each item; an empty list if it cannot be told.

    `subject` is the message's, `digest` that of the mailing that it replies to.
    """
    quoted = _by_quotation(items, passages)
    if quoted:
        return quoted
    whole = tuple(passages)
    number = _visible(items, subject, passages)
    if number is not None:
        return [Answer(number, whole, VISIBLE)]
    number = _named(items, subject, passages)
    if number is not None:
        return [Answer(number, whole, TITLE)]
    topic = subjects.base_subject(subject)
    if topic and not subjects.is_reply(subject) and topic != subjects.base_subject(digest):
        return [Answer(None, whole, "new")]
    if len(items) == 1:
        return [Answer(items[0].number, whole, ONLY)]
    return []


# --- by what is quoted next to the answer -----------------------------------------------------


@dataclass(slots=True)
class _Part:
    """What somebody wrote in one place, after what is quoted above it."""

    above: str
    passages: list[Passage] = field(default_factory=list)
    number: int | None = None

    def own(self) -> str:
        return "".join(passage.text for passage in self.passages if passage.kind == "own")


def _by_quotation(items: Sequence[Item], passages: Sequence[Passage]) -> list[Answer]:
    runs = _runs(items)
    parts, rest = _parts(passages)
    for part in parts:
        if part.above.strip():
            part.number = _last_item(runs, part.above)
    if len(parts) == 1 and parts[0].number is None:
        below = "".join(passage.text for passage in rest if passage.kind != "signature")
        found = _items_in(runs, below)
        if len(found) == 1:
            parts[0].number = found[0]
    if not any(part.number is not None for part in parts):
        return []
    joined = _joined(parts)
    joined[-1].passages += rest
    return [Answer(part.number, tuple(part.passages), QUOTED) for part in joined]


def _parts(passages: Sequence[Passage]) -> tuple[list[_Part], list[Passage]]:
    """The message cut after each piece of own words; what stands below the last is the rest."""
    parts: list[_Part] = []
    waiting: list[Passage] = []
    for passage in passages:
        waiting.append(passage)
        if passage.kind != "own" or not _WORD.search(passage.text):
            continue
        above = "".join(one.text for one in waiting if one.kind in ("quoted", "folded"))
        if parts and not above.strip():
            parts[-1].passages += waiting
        else:
            parts.append(_Part(above, waiting))
        waiting = []
    return parts, waiting


def _joined(parts: Sequence[_Part]) -> list[_Part]:
    """Parts of the same item as one; greetings and closings go with the part next to them."""
    joined: list[_Part] = []
    before: list[Passage] = []
    for place, part in enumerate(parts):
        closing = place == len(parts) - 1 and place > 0 and _is_closing(part.own())
        if part.number is None or closing:
            if joined:
                joined[-1].passages += part.passages
            else:
                before += part.passages
            continue
        same = next((one for one in joined if one.number == part.number), None)
        if same:
            same.passages += part.passages
        else:
            joined.append(_Part(part.above, [*before, *part.passages], part.number))
            before = []
    return joined


def _is_closing(words: str) -> bool:
    said = [word.casefold() for word in _WORD.findall(words)]
    courtesies = [word for word in said if word in _CLOSING]
    # "Kind regards, Jane Smith": courtesies and a name.
    return bool(courtesies) and len(said) - len(courtesies) <= 2


@dataclass(frozen=True, slots=True)
class _Runs:
    """By which runs of words an item is recognised: those of its title, and those of its text."""

    number: int
    title: frozenset[tuple[str, ...]]
    text: frozenset[tuple[str, ...]]


def _runs(items: Sequence[Item]) -> list[_Runs]:
    all_runs = []
    for item in items:
        title = _runs_in(_words(item.title)) | {(f"visible{item.number}",)}
        all_runs.append((item.number, title, _runs_in(_words(item.words)) - title))
    # What stands in two items tells neither.
    seen: dict[tuple[str, ...], int] = {}
    for _, title, text in all_runs:
        for run in title | text:
            seen[run] = seen.get(run, 0) + 1
    return [
        _Runs(
            number,
            frozenset(run for run in title if seen[run] == 1),
            frozenset(run for run in text if seen[run] == 1),
        )
        for number, title, text in all_runs
    ]


def _words(text: str) -> list[str]:
    marked = _VISIBLE.sub(r" visible\1 ", text)
    return [word.casefold() for word in _WORD.findall(marked)]


def _runs_in(words: Sequence[str]) -> set[tuple[str, ...]]:
    size = min(_RUN, len(words))
    if size < 2:
        return set()
    return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}


def _places(runs: Sequence[_Runs], quotation: str) -> dict[int, tuple[bool, int]]:
    """For each item found in a quotation: whether its text is, and where it was seen last."""
    words = _words(quotation)
    last: dict[tuple[str, ...], int] = {}
    for size in range(1, _RUN + 1):
        for start in range(len(words) - size + 1):
            last[tuple(words[start : start + size])] = start + size
    found = {}
    for item in runs:
        title = [last[run] for run in item.title if run in last]
        text = [last[run] for run in item.text if run in last]
        if title or text:
            found[item.number] = (bool(text) or not item.text, max(title + text))
    # A line of the table of contents, or the heading of the next item, is not what is quoted.
    if any(by_text for by_text, _ in found.values()):
        found = {number: place for number, place in found.items() if place[0]}
    return found


def _items_in(runs: Sequence[_Runs], quotation: str) -> list[int]:
    return list(_places(runs, quotation))


def _last_item(runs: Sequence[_Runs], quotation: str) -> int | None:
    """The item that is quoted last: it stands next to the answer below."""
    found = _places(runs, quotation)
    return max(found, key=lambda number: found[number][1]) if found else None


# --- by number and by name --------------------------------------------------------------------


def _visible(items: Sequence[Item], subject: str, passages: Sequence[Passage]) -> int | None:
    """The item whose number `[#n]` stands in the subject, else in the own words or the quote."""
    own = "".join(passage.text for passage in passages if passage.kind == "own")
    rest = "".join(passage.text for passage in passages if passage.kind != "own")
    known = {item.number for item in items}
    for text in (subject, own, rest):
        numbers = {int(number) for number in _VISIBLE.findall(text)} & known
        if len(numbers) == 1:
            return numbers.pop()
    return None


def _named(items: Sequence[Item], subject: str, passages: Sequence[Passage]) -> int | None:
    """The item whose title is the subject, or stands in the first lines of the own words."""
    topic = _words(subjects.base_subject(subject))
    fitting = [item.number for item in items if topic and _words(item.title) == topic]
    if len(fitting) == 1:
        return fitting[0]
    own = "".join(passage.text for passage in passages if passage.kind == "own")
    first = [line for line in own.splitlines() if line.strip()][:3]
    said = f" {' '.join(_words(' '.join(first)))} "
    named = [
        item.number
        for item in items
        if len(_words(item.title)) > 1 and f" {' '.join(_words(item.title))} " in said
    ]
    return named[0] if len(named) == 1 else None

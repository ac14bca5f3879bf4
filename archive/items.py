"""Which items of a digest an answer is about: by what is quoted, numbered or named.

Nothing is guessed: what fits two items alike is left undecided, and the sender is asked.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from archive import mentions
from archive.mentions import VISIBLE as _VISIBLE
from archive.sections import NO_ITEM
from archive.targets import Item
from message import subject as subjects
from message.quoting import Passage

QUOTED = "quoted item"
VISIBLE = "visible number"
TITLE = "item title"
ONLY = "only item"

_RUN = 4  # so many words in a row recognise a text
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
    items: Sequence[Item],
    subject: str,
    digest: str,
    passages: Sequence[Passage],
    sections: Mapping[int, str] | None = None,
) -> list[Answer]:
    """What a message answers, one part for each item; an empty list if it cannot be told.

    `subject` is the message's, `digest` that of the mailing that it replies to; `sections` are
    the words of that mailing by item, where they are kept.
    """
    quoted = _by_quotation(_as_they_stood(items, sections or {}), passages, digest)
    if quoted:
        return quoted if not _contradicts(items, quoted) else []
    marked = _by_marks(items, passages)
    if marked:
        return marked
    whole = tuple(passages)
    number = _visible(items, subject, passages)
    if number is not None:
        return [Answer(number, whole, VISIBLE)]
    number = _named(items, subject, digest, passages)
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


def _as_they_stood(items: Sequence[Item], sections: Mapping[int, str]) -> list[Item]:
    """The items with all that stood in the mailing at their places, and its two ends."""
    stood = [replace(item, words=sections.get(item.number, item.words)) for item in items]
    if sections.get(NO_ITEM):
        stood.append(Item(NO_ITEM, 0, None, None, "", sections[NO_ITEM]))
    return stood


def _contradicts(items: Sequence[Item], quoted: Sequence[Answer]) -> bool:
    """Whether the author gives the number of another item than the one quoted."""
    for answer in quoted:
        own = "".join(one.text for one in answer.passages if one.kind == "own").strip()
        number = mentions.numbered(items, own)
        if number is not None and number not in {one.number for one in quoted}:
            return True
    return False


def _by_quotation(items: Sequence[Item], passages: Sequence[Passage], digest: str) -> list[Answer]:
    runs = _Seeing(_runs(items), tuple(_words(digest)))
    parts, rest = _parts(passages)
    for place, part in enumerate(parts):
        if part.above.strip():
            below = parts[place + 1].above if place + 1 < len(parts) else _quoted_in(rest)
            part.number = _item_above(runs, part.above, below)
    if len(parts) == 1 and not parts[0].above.strip():
        found = _items_in(runs, _quoted_in(rest))
        if len(found) == 1:
            parts[0].number = found[0]
    if not any(part.number is not None for part in parts):
        return []
    for part in parts:
        if part.number is None:  # no quotation, but a title of its own
            part.number = mentions.opened_by(items, part.own().strip().partition("\n")[0])
    joined = _joined(parts)
    joined[-1].passages += rest
    return [Answer(part.number, tuple(part.passages), QUOTED) for part in joined]


def _quoted_in(passages: Sequence[Passage]) -> str:
    return "".join(passage.text for passage in passages if passage.kind != "signature")


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
        closing = bool(joined) and place == len(parts) - 1 and _is_closing(part.own())
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """Where an item was seen last in a quotation, in words: its title and its text (-1: not)."""

    number: int
    title: int
    text: int
    wordless: bool

    def by_text(self) -> bool:
        return self.text >= 0 or self.wordless


@dataclass(frozen=True, slots=True)
class _Seeing:
    """What items are recognised by, and the subject of the mailing.

    The header block of a quotation repeats the subject, which names the first items.
    """

    runs: Sequence[_Runs]
    subject: tuple[str, ...]

    def words_of(self, quotation: str) -> list[str]:
        words = _words(quotation)
        size = len(self.subject)
        if size < 2:
            return words
        kept: list[str] = []
        for word in words:
            kept.append(word)
            if tuple(kept[-size:]) == self.subject:
                kept[-size:] = ["\n"]  # no word: what stands on both sides is not joined
        return kept


def _seen(seeing: _Seeing, quotation: str) -> list[_Seen]:
    words = seeing.words_of(quotation)
    last: dict[tuple[str, ...], int] = {}
    for size in range(1, _RUN + 1):
        for start in range(len(words) - size + 1):
            last[tuple(words[start : start + size])] = start + size
    found = []
    for item in seeing.runs:
        title = max((last[run] for run in item.title if run in last), default=-1)
        text = max((last[run] for run in item.text if run in last), default=-1)
        if max(title, text) >= 0:
            found.append(_Seen(item.number, title, text, not item.text))
    return found


def _by_their_text(found: Sequence[_Seen]) -> list[_Seen]:
    """A line of a table of contents, or the heading of the next item, is not what is quoted."""
    return [one for one in found if one.by_text()] or list(found)


def _items_in(runs: _Seeing, quotation: str) -> list[int]:
    found = _by_their_text(_seen(runs, quotation))
    return [one.number for one in found if one.number != NO_ITEM]


def _item_above(runs: _Seeing, above: str, below: str) -> int | None:
    """The item that is quoted last above an answer: it stands next to it.

    None if that is the end of the mailing, below all items.
    """
    found = _seen(runs, above)
    if not found:
        return None
    headed = max(found, key=lambda one: one.title)
    if headed.title > max(one.text for one in found) and _begins_with(
        runs.runs, headed.number, below
    ):
        return headed.number  # written between the heading of an item and its text
    last = max(_by_their_text(found), key=lambda one: max(one.title, one.text))
    return last.number if last.number != NO_ITEM else None


def _begins_with(runs: Sequence[_Runs], number: int, quotation: str) -> bool:
    """Whether a quotation begins with the text of an item."""
    start = _runs_in(_words(quotation)[: 4 * _RUN])
    first = [one.number for one in runs if one.text & start]
    return number in first


# --- by what is written above each part ---------------------------------------------------------


_Marking = Callable[[Sequence[Item], str], int | None]


def _by_marks(items: Sequence[Item], passages: Sequence[Passage]) -> list[Answer]:
    """Parts that each begin with the name or the number of another item."""
    named = _joined(_marked_parts(items, passages, mentions.opened_by))
    if len(named) < 2:
        named = _joined(_marked_parts(items, passages, mentions.listed))
        # 1, 2, 3 are somebody's own points.
        if [part.number for part in named] == list(range(1, len(named) + 1)):
            return []
    if len(named) < 2:
        return []
    return [Answer(part.number, tuple(part.passages), VISIBLE) for part in named]


def _marked_parts(
    items: Sequence[Item], passages: Sequence[Passage], marking: _Marking
) -> list[_Part]:
    parts: list[_Part] = []
    before: list[Passage] = []
    for passage in passages:
        for number, text in _cut_at_marks(items, passage, marking):
            piece = Passage(passage.kind, text)
            if number is not None:
                parts.append(_Part("", [*before, piece], number))
                before = []
            else:
                (parts[-1].passages if parts else before).append(piece)
    return parts


def _cut_at_marks(
    items: Sequence[Item], passage: Passage, marking: _Marking
) -> list[tuple[int | None, str]]:
    """A passage cut before each line that announces an item, with that item."""
    if passage.kind != "own":
        return [(None, passage.text)]
    pieces: list[tuple[int | None, str]] = []
    for line in passage.text.splitlines(keepends=True):
        number = marking(items, line.strip())
        if number is not None or not pieces:
            pieces.append((number, line))
        else:
            pieces[-1] = (pieces[-1][0], pieces[-1][1] + line)
    return pieces


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


def _named(
    items: Sequence[Item], subject: str, digest: str, passages: Sequence[Passage]
) -> int | None:
    """The item whose title is the subject, or that the first lines of the own words name."""
    topic = mentions.words_of(subjects.base_subject(subject))
    fitting = [item.number for item in items if topic and mentions.words_of(item.title) == topic]
    if len(fitting) == 1:
        return fitting[0]
    own = "".join(passage.text for passage in passages if passage.kind == "own")
    # "AI Network digest, February 2027: Copilot licences and 3 more"
    return mentions.mentioned(items, own, common=mentions.words_of(digest.partition(":")[0]))

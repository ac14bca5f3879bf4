"""A quotation told by what is quoted: the lines of a text that we know, and what stands between.

Outlook marks nothing, and what is written into a quoted table is marked like the table. Whoever has
the text that is quoted knows its lines again, and so the others too.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from urllib.parse import unquote

from message.quoting import attributions, headings
from message.quoting.lines import Line

_RUN = 3  # so many words in a row are compared
_STRONG = 5  # a line of so many known words is no accident
_SURE, _LIKELY = 0.8, 0.5  # the part of a line that is known
_FEW = 4  # lines of an answer above what closes a text
_END = 12  # the last words of a text
_MARKS = re.compile(r"^[\s>]+")
# Addresses differ from copy to copy, and gateways rewrite them.
_ADDRESS = re.compile(
    r"<[^<>]*>|https?://\S+|[^\s<>]+@[^\s<>]+|\[(?:cid|image)[^\]]*\]", re.IGNORECASE
)
_HOST = re.compile(r"(?:https?://|@)([\w-]+(?:\.[\w-]+)+)")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[^\w\s]*\s*")


class Known:
    """Texts whose words are known again."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._runs: set[tuple[str, ...]] = set()
        self._ends: set[tuple[str, ...]] = set()
        self._hosts: set[str] = set()
        for text in texts:
            self._hosts |= _hosts_in(text)
            words = words_in(text)
            self._ends |= _runs(words[-_END:], _RUN)
            for size in range(1, _RUN + 1):
                self._runs |= _runs(words, size)

    def leads_to(self, text: str) -> bool | None:
        """Whether the addresses in it lead where the texts lead; None if there are none."""
        hosts = _hosts_in(text)
        return bool(hosts & self._hosts) if hosts else None

    def ends_with(self, words: list[str]) -> bool:
        """Whether these are among the last words of a text."""
        return not self._ends.isdisjoint(_runs(words, _RUN))

    def follows_on(self, words: list[str]) -> int:
        """How many words at the beginning are known, if all those behind are not; else 0."""
        runs = [tuple(run) in self._runs for run in _windows(words, _RUN)]
        known = runs.index(False) + _RUN - 1 if False in runs else len(words)
        if known < _STRONG or known > len(words) - _RUN or any(runs[known - _RUN + 1 :]):
            return 0
        return known

    def share(self, words: list[str]) -> float:
        """Which part of the words stands in the texts, in their order; 0 for no words."""
        runs = [tuple(run) for run in _windows(words, min(_RUN, len(words)))]
        return sum(run in self._runs for run in runs) / len(runs) if runs else 0.0


def _hosts_in(text: str) -> set[str]:
    # A gateway's rewritten link holds the link that it was.
    return {host.lower() for host in _HOST.findall(unquote(text))}


def words_in(text: str) -> list[str]:
    """The words by which texts are compared: no addresses, no case."""
    return [word.casefold() for word in _WORD.findall(_ADDRESS.sub(" ", text))]


def _windows(words: list[str], size: int) -> list[list[str]]:
    return [words[at : at + size] for at in range(len(words) - size + 1)] if size else []


def _runs(words: list[str], size: int) -> set[tuple[str, ...]]:
    return {tuple(run) for run in _windows(words, size)}


def mark(lines: list[Line], known: Known) -> list[Line]:
    """Mark the known lines as quoted, and as own what somebody wrote between them.

    Returns the lines, some of them cut in two where somebody went on writing behind what is known.
    """
    lines, depths = _with_endings_cut(lines, known)
    said = [words_in(line.plain) for line in lines]
    seen = [_how_known(known, line, words) for line, words in zip(lines, said, strict=True)]
    strong = [at for at, how in enumerate(seen) if how == "strong"]
    deepest = min((depths[at] for at in strong if lines[at].kind == "quoted"), default=0)
    for start, end in _stretches(lines):
        places = [at for at in strong if start <= at < end]
        quoted = lines[start].kind == "quoted"
        if not places or not (quoted or _is_no_accident([said[at] for at in places])):
            continue
        first, last = _widened(seen, places[0], places[-1], start, end)
        chained = _heads(lines[: places[0]]) > 1  # what is new may be somebody else's
        if quoted and not deepest and not chained and not known.ends_with(said[places[-1]]):
            last = _end_of_text(lines, last, end)  # the end is cut off: below stands an answer
        may_be_own = [not chained and depth >= deepest for depth in depths[first : last + 1]]
        _mark_stretch(lines[first : last + 1], seen[first : last + 1], may_be_own)
    return lines


def _is_no_accident(known: list[list[str]]) -> bool:
    """Whether somebody has pasted these lines; a title is soon typed."""
    return len(known) > 2 or any(len(words) >= 2 * _STRONG for words in known)


def _with_endings_cut(lines: list[Line], known: Known) -> tuple[list[Line], list[int]]:
    """The lines, and how deep each is quoted; what follows known words in a line is its own."""
    out: list[Line] = []
    depths: list[int] = []
    for line in lines:
        at = _ending_at(line, known) if line.kind == "quoted" else 0
        halves = [line.raw[:at], line.raw[at:]] if at else []
        for line_ in [Line(half) for half in halves] or [line]:
            line_.marked, line_.kind = line.marked, line.kind
            out.append(line_)
            depths.append(_depth(line))
    return out, depths


def _ending_at(line: Line, known: Known) -> int:
    shown = _ADDRESS.sub(lambda found: " " * len(found.group()), line.raw)
    words = list(_WORD.finditer(shown))
    count = known.follows_on([word.group().casefold() for word in words])
    if not count:
        return 0
    end = _SENTENCE_END.match(line.raw, words[count - 1].end())
    return end.end() if end else 0


def _how_known(known: Known, line: Line, words: list[str]) -> str:
    if not words:
        ours = known.leads_to(line.plain)
        return "blank" if ours is None else "weak" if ours else "new"
    share = known.share(words)
    if share >= _SURE and len(words) >= _STRONG:
        return "strong"
    return "weak" if share >= _LIKELY else "new"


def _widened(seen: list[str], first: int, last: int, start: int, end: int) -> tuple[int, int]:
    """The stretch from the first to the last known line, with short known ones next to it."""
    for at in range(first - 1, start - 1, -1):
        if seen[at] not in ("weak", "blank"):
            break
        first = at if seen[at] == "weak" else first
    for at in range(last + 1, end):
        if seen[at] not in ("weak", "blank") and not _goes_on(seen[at:end]):
            break
        last = at if seen[at] == "weak" else last
    return first, last


def _goes_on(seen: list[str]) -> bool:
    """Whether what is known goes on behind a few new lines: a name and a card, say."""
    full = [how for how in seen if how != "blank"]
    new = next((at for at, how in enumerate(full) if how != "new"), len(full))
    return new <= _FEW and full[new : new + 2] == ["weak", "weak"]


def _end_of_text(lines: list[Line], last: int, end: int) -> int:
    """The end of what is quoted below a place, or of what stands above another message in it."""
    for at in range(last + 1, end):
        if not lines[at].blank and headings.length_at(lines, at):
            return at - 1
    return end - 1


def _stretches(lines: list[Line]) -> list[tuple[int, int]]:
    """Lines of the same kind in a row, as places."""
    edges = [at for at in range(1, len(lines)) if lines[at].kind != lines[at - 1].kind]
    return list(pairwise([0, *edges, len(lines)])) if lines else []


def _mark_stretch(lines: list[Line], seen: list[str], may_be_own: list[bool]) -> None:
    quoted = lines[0].kind == "quoted"
    new = False
    for line, how, may in zip(lines, seen, may_be_own, strict=True):
        if how == "blank":
            line.kind = "own" if new and quoted else line.kind
            continue
        new = how == "new" and may
        if how != "new":
            line.kind = "quoted"
        elif new:
            line.kind = "own"


def _depth(line: Line) -> int:
    marks = _MARKS.match(line.raw)
    return marks.group().count(">") if marks and line.marked else 0


def _heads(lines: list[Line]) -> int:
    """How many messages begin in these lines: with two, what is new may be somebody else's."""
    bare = [Line(_MARKS.sub("", line.raw) or "\n") for line in lines]
    return sum(1 for _ in places_of_heads(bare))


def places_of_heads(lines: list[Line]) -> Iterator[int]:
    """Where messages begin in these lines, by what heads them outside of marks."""
    at = 0
    while at < len(lines):
        length = 0
        if not (lines[at].blank or lines[at].marked):
            length = headings.length_at(lines, at) or attributions.length_at(lines, at)
        if length:
            yield at
        at += length or 1

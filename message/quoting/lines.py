"""A text cut into lines that know what they look like; put together again they are the text."""

import re
from collections import Counter
from dataclasses import dataclass, field

#: Whatever stands in a line beyond this is not looked at.
LONGEST_LINE = 1_000
_BREAK = re.compile(r"[^\n]*\n|[^\n]+")
_MARK = re.compile(r"[ \t]{0,4}>")
# ">>> >>>  http://example.com <<<": an ornament, not a quotation.
_ORNAMENT = re.compile(r"[ \t]*>{2,}.*<{2,}[ \t]*$")
# ">>> Jo Field 3/11/2026 9:12 AM >>>": so GroupWise heads what it quotes below, without marks.
_GROUPWISE = re.compile(r"[ \t]*>{3} ?\S.{2,160}\d{1,2}[:.]\d{2}.{0,12}>{3}$")
# "> 50% of councils", ">= 3 staff", and what stands behind the prompt of a program.
_COMPARED = re.compile(r"[ \t]*>=?[ \t]*[£$€]?\d(?!\d?[.)] )")
_PROMPT = re.compile(
    r">>> (?:from [\w.]+ import |import [\w.]+$|def \w+\(|(?:for|if|while|with) [^?]{3,60}:$|"
    r"[\w.]+(?:\(|\[| ?= ))"
)
# "JF> Is it safe?": some programs mark by the initials or the name of who wrote.
_NAMED = re.compile(r"[ \t]{0,4}([A-Z][\w.-]{0,14})>{1,3} ?\S")
_OF_PROGRAMS = frozenset({"sql", "mysql", "psql", "ftp", "ps", "c", "d", "router", "switch"})
# The tail of an attribution whose address was wrapped: "<jo@example.org\n>:", "\n> wrote:".
_WRAPPED_TAIL = re.compile(r"[ \t]*>[ \t]*\w{0,12}[ \t]*:[ \t]*$")
#: What takes no room: joiners, marks of direction (in attributions of Gmail), soft hyphens.
INVISIBLE = dict.fromkeys(
    [0xFEFF, 0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)]
)


_NO_QUOTATION = re.compile(
    "|".join(one.pattern for one in (_ORNAMENT, _WRAPPED_TAIL, _GROUPWISE, _PROMPT))
)


@dataclass(slots=True)
class Line:
    """A line as it came (`raw`, with its end), what a reader sees of it, and what became of it.

    It is `blank` if a reader sees nothing in it.
    """

    raw: str
    plain: str = field(init=False)
    blank: bool = field(init=False)
    marked: bool = field(init=False)
    kind: str = "own"

    def __post_init__(self) -> None:
        seen = self.raw[:LONGEST_LINE]
        if not seen.isascii():
            seen = seen.translate(INVISIBLE)
        self.plain = _plain(seen)
        self.blank = not self.plain
        self.marked = (
            ">" in seen[:5] and bool(_MARK.match(seen)) and not _NO_QUOTATION.match(seen.rstrip())
        )


def _plain(seen: str) -> str:
    """What is seen with each blank of any width or number as one space, and none at the ends."""
    plain = seen.strip()
    # No blank but the space counts as printable.
    if plain.isprintable() and "  " not in plain and "&" not in plain:
        return plain
    return " ".join(seen.replace("&nbsp;", " ").split())


def cut(text: str) -> list[Line]:
    """The lines of a text, with their ends."""
    lines = [Line(raw) for raw in _BREAK.findall(text)]
    for place, line in enumerate(lines):
        if line.marked and _is_mbox_escape(lines, place):
            line.marked = False
    _unmark_own(lines)
    _mark_by_names(lines)
    _mark_wrapped(lines)
    return lines


def _is_mbox_escape(lines: list[Line], place: int) -> bool:
    """A lone ">From ..." among own lines was written by a mailbox, not by a person."""
    if not lines[place].raw.startswith(">From "):
        return False
    around = lines[max(0, place - 1) : place] + lines[place + 1 : place + 2]
    return not any(line.marked for line in around)


def _unmark_own(lines: list[Line]) -> None:
    """Signs that people write themselves: figures with ">", arrows of a path, prompts."""
    marked = [place for place, line in enumerate(lines) if line.marked]
    compared = [place for place in marked if _COMPARED.match(lines[place].raw)]
    only = len(compared) == len(marked)
    for place in marked if len(marked) == 1 else compared:
        above = next((one for one in reversed(lines[:place]) if not one.blank), None)
        if above is None or _heads(above):
            continue
        below = lines[place + 1] if place + 1 < len(lines) else None
        alone = not above.marked and not (below and below.marked)
        goes_on = alone and below is not None and below.plain[:1].islower()
        attached = len(marked) == 1 and not lines[place - 1].blank and above.plain[-1] != ":"
        if attached or (place in compared and (only or goes_on)):
            lines[place].marked = False
    prompts = [lines[place] for place in marked if lines[place].raw.startswith(">>> ")]
    if prompts and len(prompts) == len(marked) and any(_PROMPT.match(one.raw) for one in lines):
        for line in prompts:
            line.marked = False


def _heads(line: Line) -> bool:
    """Whether a line may be an attribution: "3 Nov 2026, Jo wrote:"."""
    return line.plain.endswith(":") and any(sign.isdigit() or sign == "@" for sign in line.plain)


def _mark_by_names(lines: list[Line]) -> None:
    found = [(place, match[1]) for place, line in enumerate(lines)
             if ">" in line.raw[:20] and (match := _NAMED.match(line.raw))]  # fmt: skip
    times = Counter(name for _, name in found)
    for place, name in found:
        if times[name] > 1 and name.lower() not in _OF_PROGRAMS:
            lines[place].marked = True


def _mark_wrapped(lines: list[Line]) -> None:
    """Ends of quoted lines that a mail client wrapped without repeating the mark."""
    for place in range(1, len(lines) - 1):
        before, line, after = lines[place - 1], lines[place], lines[place + 1]
        if line.marked or line.blank or not (before.marked and after.marked):
            continue
        first = line.plain[0]
        link = line.plain.startswith(("(http", "<http", "http")) or "_" in line.plain.split("=")[0]
        long = len(before.plain) >= 60 and before.plain[-1] not in ".?!:;"
        if link or (long and (first.islower() or first in "(<[,;") and len(line.plain) < 60):
            line.marked = True

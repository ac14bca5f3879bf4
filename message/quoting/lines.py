"""A text cut into lines that know what they look like; put together again they are the text."""

import re
from collections import Counter

#: Whatever stands in a line beyond this is not looked at.
LONGEST_LINE = 1_000
#: The blanks of ASCII beside the space, and beside the end of a line.
_OTHER_BLANKS = "\t\v\f\r\x1c\x1d\x1e\x1f"
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


class Line:
    """A line as it came (`raw`, with its end), what a reader sees of it, and what became of it.

    `plain` is what is seen with each blank of any width or number as one space, and none at the
    ends; the line is `blank` if that is nothing.
    """

    __slots__ = ("blank", "kind", "marked", "plain", "raw")

    def __init__(self, raw: str, spaced: bool = False) -> None:
        """Look at a line as it came; `spaced` if no blank but the space can be in it."""
        seen = raw[:LONGEST_LINE]
        if not seen.isascii():
            seen = seen.translate(INVISIBLE)
        plain = seen.strip()
        # No blank but the space counts as printable.
        if not (spaced or plain.isprintable()) or "  " in plain or "&" in plain:
            plain = " ".join(seen.replace("&nbsp;", " ").split())
        self.raw, self.plain, self.blank = raw, plain, not plain
        self.marked = ">" in seen[:5] and _is_marked(seen, plain)
        self.kind = "own"


def _is_marked(seen: str, plain: str) -> bool:
    if not (seen[0] == ">" or _MARK.match(seen)):
        return False
    # Each of the signs that are no quotation has two marks or ends in a colon.
    told_apart = plain.startswith(">>") or plain.endswith(":")
    return not (told_apart and _NO_QUOTATION.match(seen.rstrip()))


def cut(text: str) -> list[Line]:
    """The lines of a text, with their ends."""
    spaced = text.isascii() and not any(sign in text for sign in _OTHER_BLANKS)
    *whole, last = text.split("\n")
    lines = [Line(f"{raw}\n", spaced) for raw in whole]
    if last:
        lines.append(Line(last, spaced))
    if ">" in text:
        _settle_marks(lines)
    return lines


def _settle_marks(lines: list[Line]) -> None:
    """Tell marks of quotations from what looks alike, by the lines around."""
    for place, line in enumerate(lines):
        if line.marked and _is_mbox_escape(lines, place):
            line.marked = False
    _unmark_own(lines)
    _mark_by_names(lines)
    _mark_wrapped(lines)


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
    found = [
        (place, named[1])
        for place, line in enumerate(lines)
        if not line.marked and ">" in line.raw[:20] and (named := _NAMED.match(line.raw))
    ]
    times = Counter(name for _, name in found)
    for place, name in found:
        if times[name] > 1 and name.lower() not in _OF_PROGRAMS:
            lines[place].marked = True


def _mark_wrapped(lines: list[Line]) -> None:
    """Ends of quoted lines that a mail client wrapped without repeating the mark."""
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if line.marked or line.blank or not (before.marked and after.marked):
            continue
        first = line.plain[0]
        link = line.plain.startswith(("(http", "<http", "http")) or "_" in line.plain.split("=")[0]
        long = len(before.plain) >= 60 and before.plain[-1] not in ".?!:;"
        if link or (long and (first.islower() or first in "(<[,;") and len(line.plain) < 60):
            line.marked = True

"""A text cut into lines that know what they look like; put together again they are the text."""

import re
from dataclasses import dataclass, field

#: Whatever stands in a line beyond this is not looked at.
LONGEST_LINE = 1_000
_BREAK = re.compile(r"[^\n]*\n|[^\n]+")
_MARK = re.compile(r"[ \t]{0,4}>")
# ">>> >>>  http://example.com <<<": an ornament, not a quotation.
_ORNAMENT = re.compile(r"[ \t]*>{2,}.*<{2,}[ \t]*$")
# The tail of an attribution whose address was wrapped: "<jo@example.org\n>:", "\n> wrote:".
_WRAPPED_TAIL = re.compile(r"[ \t]*>[ \t]*\w{0,12}[ \t]*:[ \t]*$")
INVISIBLE = dict.fromkeys([0xFEFF, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xAD])


@dataclass(slots=True)
class Line:
    """A line as it came (`raw`, with its end), what a reader sees of it, and what became of it."""

    raw: str
    plain: str = field(init=False)
    marked: bool = field(init=False)
    kind: str = "own"

    def __post_init__(self) -> None:
        seen = self.raw[:LONGEST_LINE]
        if not seen.isascii():
            seen = seen.translate(INVISIBLE)
        self.plain = " ".join(seen.split())
        self.marked = (
            ">" in seen[:5]
            and bool(_MARK.match(seen))
            and not (_ORNAMENT.match(seen.rstrip()) or _WRAPPED_TAIL.match(seen.rstrip()))
        )

    @property
    def blank(self) -> bool:
        """Whether a reader sees nothing in it."""
        return not self.plain


def cut(text: str) -> list[Line]:
    """The lines of a text, with their ends."""
    lines = [Line(raw) for raw in _BREAK.findall(text)]
    for place, line in enumerate(lines):
        if line.marked and _is_mbox_escape(lines, place):
            line.marked = False
    _mark_wrapped(lines)
    return lines


def _is_mbox_escape(lines: list[Line], place: int) -> bool:
    """A lone ">From ..." among own lines was written by a mailbox, not by a person."""
    if not lines[place].raw.startswith(">From "):
        return False
    around = lines[max(0, place - 1) : place] + lines[place + 1 : place + 2]
    return not any(line.marked for line in around)


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

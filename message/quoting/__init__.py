"""Own words, quotation and signature told apart, so that nothing anybody wrote is lost."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from message.quoting import attributions, closings, devices, folds, headings, inserted, names
from message.quoting import known as recognition
from message.quoting.known import Known
from message.quoting.lines import Line, cut

Kind = Literal["own", "quoted", "signature", "folded"]


class Passage(NamedTuple):
    """A piece of a text: `folded` is what nobody wrote (warnings, disclaimers, footers)."""

    kind: Kind
    text: str


def split(
    text: str, known: Known | None = None, author: str = "", html: str | None = None
) -> list[Passage]:
    """The passages of a text; put together again they are the text, whatever it is.

    `known` is what the text answers, if we have it: its lines are quoted however they are marked.
    `author` is the name of who wrote, if that is known: it may stand below. `html` says the same in
    HTML, if there is such: colours tell who wrote what.
    """
    lines = _with_shared_lines_cut(cut(text))
    _mark_quotations(lines)
    if known is not None:
        lines = recognition.mark(lines, known)
    else:
        inserted.mark(lines, author, html)
    authors = names.forms([author, *headings.recipients(lines)])
    for first, run in _runs(lines):
        folds.mark(run, first)
        closings.mark(run, authors)
    _keep_somebody(lines)
    _settle_blanks(lines)
    return _passages(lines)


def own_words(passages: Sequence[Passage]) -> str:
    """What the author wrote here: the own passages, without blank lines around each."""
    own = [unmarked(one.text).strip("\n\r") for one in passages if one.kind == "own"]
    return "\n\n".join(text.rstrip() for text in own if text.strip())


def unmarked(text: str) -> str:
    """Own words without the marks they got by standing inside of a quotation."""
    if ">" not in text:
        return text
    lines = cut(text)
    if not all(line.marked or line.blank for line in lines):
        return text
    return "".join(line.raw.lstrip("> \t") or "\n" for line in lines)


def marked(text: str) -> str:
    """A quotation with marks before its lines, if its mail program put none there."""
    lines = cut(text)
    full = [at for at, line in enumerate(lines) if not line.blank]
    if not full or any(line.marked for line in lines):
        return text
    marks = [">" if line.blank else "> " for line in lines]
    return "".join(
        f"{mark}{line.raw}" if full[0] <= at <= full[-1] else line.raw
        for at, (mark, line) in enumerate(zip(marks, lines, strict=True))
    )


def answered_items(passages: Sequence[Passage]) -> list[tuple[str, str]]:
    """Each piece of own words with the quotation it answers: that above it, else the one below."""
    found: list[tuple[str, str]] = []
    above: list[str] = []
    for place, passage in enumerate(passages):
        if passage.kind == "quoted":
            above.append(passage.text)
        elif passage.kind == "own" and passage.text.strip():
            quoted = "".join(above) or _next_quotation(passages[place:])
            found.append((passage.text.strip(), quoted))
            above = []
    return found


def _next_quotation(passages: Sequence[Passage]) -> str:
    return next((passage.text for passage in passages if passage.kind == "quoted"), "")


def _with_shared_lines_cut(lines: list[Line]) -> list[Line]:
    """Lines in which an attribution follows own words become two."""
    out: list[Line] = []
    for line in lines:
        if at := attributions.begins_within(line):
            out += [Line(line.raw[:at]), Line(line.raw[at:])]
        else:
            out.append(line)
    return out


def _mark_quotations(lines: list[Line]) -> None:
    place, written = 0, False
    attributed = attributions.may_begin(lines)
    while place < len(lines):
        line = lines[place]
        if line.marked:
            line.kind = "quoted"
            place += 1
            continue
        headed = headings.may_begin(line)
        if headed and headings.is_forward(line) and _heads_something(lines, place + 1):
            return  # what is passed on is there to be read
        length = _length_of_block(lines, place) if headed else 0
        if not length and attributed[place]:
            length = attributions.length_at(lines, place)
        if not length:
            written = written or not line.blank
            place += 1
            continue
        end = _end_of_quotation(lines, place + length, written)
        start = _with_rule_above(lines, place)
        for quoted in lines[start:end]:
            quoted.kind = "quoted"
        place = end


def _length_of_block(lines: list[Line], place: int) -> int:
    """How many lines a block of fields, with or without a dashed line above, takes here."""
    line = lines[place]
    announced = headings.is_original(line)
    if announced or len(line.plain) < headings.LONGEST_BARE:
        below = _skip_blank(lines, place + 1)
        block = headings.length_at(lines, below, announced=True) if below < len(lines) else 0
        if block and (announced or headings.is_bare_original(line)):
            return below + block - place
    return 1 if announced else headings.length_at(lines, place)


def _skip_blank(lines: list[Line], place: int) -> int:
    while place < len(lines) and lines[place].blank:
        place += 1
    return place


def _heads_something(lines: list[Line], place: int) -> bool:
    below = _skip_blank(lines, place)
    return below < len(lines) and bool(lines[below].marked or headings.length_at(lines, below))


def _end_of_quotation(lines: list[Line], place: int, written: bool) -> int:
    """Where a headed quotation ends: after its marked lines, or, without marks, with the text."""
    below = _skip_blank(lines, place)
    if below == len(lines):
        return below
    if lines[below].marked:
        while below < len(lines) and (lines[below].marked or lines[below].blank):
            below += 1
        return below
    # Nothing is written above and nothing is marked: what stands below may be the answer.
    return len(lines) if written else place


def _with_rule_above(lines: list[Line], place: int) -> int:
    """A line drawn above a head belongs to it."""
    at = place
    while at and lines[at - 1].blank:
        at -= 1
    return at - 1 if at and headings.is_rule(lines[at - 1]) else place


def _runs(lines: list[Line]) -> Iterator[tuple[bool, list[Line]]]:
    """Stretches of lines that are not quoted, and whether each opens the message."""
    run: list[Line] = []
    first = True
    for line in lines:
        if line.kind == "quoted":
            if run:
                yield first, run
            run, first = [], False
        else:
            run.append(line)
    if run:
        yield first, run


def _keep_somebody(lines: list[Line]) -> None:
    """A message without any own words left was written by somebody: soft guesses are taken back."""
    if any(line.kind == "own" and not line.blank for line in lines):
        return
    for line in lines:
        if line.kind == "signature" and not devices.is_device(line):
            line.kind = "own"


def _settle_blanks(lines: list[Line]) -> None:
    """Blank lines go with what stands above them."""
    above = "own"
    for line in lines:
        if line.blank and line.kind == "own":
            line.kind = above
        above = line.kind


def _passages(lines: list[Line]) -> list[Passage]:
    out: list[tuple[str, list[str]]] = []
    for line in lines:
        if not out or out[-1][0] != line.kind:
            out.append((line.kind, []))
        out[-1][1].append(line.raw)
    return [Passage(kind, "".join(raws)) for kind, raws in out]  # type: ignore[arg-type]

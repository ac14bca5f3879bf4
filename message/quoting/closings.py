"""How people end what they write: "-- ", "Kind regards", their name, and a card below."""

import re

from message.quoting import devices, farewells, folds, names
from message.quoting.lines import Line

LONGEST_CARD = 16  # lines of a signature that no exact "-- " announces
LONGEST_FAREWELL = 4  # words
LONGEST_WAY = 40  # lines from the end up to a farewell
LONGEST_LONE_CARD = 9  # and of one that nothing announces
LONGEST_WORDS = 60  # of a line of one, where it holds neither a number nor an address
_DELIMITER = re.compile(r"^--[ \t\u00a0]?\r?\n?$")
_DASHES = re.compile(r"^(?:—|–|―|—-|__|-{3,40}|—{3,}|–{3,})$")
_DASH = frozenset("-—–―_")
_DASHED_NAME = re.compile(r"^[-/~]\s?[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,3}$")
_POSTSCRIPT = re.compile(
    r"^(?:p\.?[ -]?s\.?|p\.? ?p\.? ?s\.?|n\.?b\.?|edit|update)\b", re.IGNORECASE
)
_SENTENCE = re.compile(r"[a-z]{2}[,;]? [a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,}")
_FULL_SENTENCE = re.compile(r"(?:\S+ ){11,}\S+[.!?]$")
#: What stands on the cards that people put below their names.
_OF_A_CARD = re.compile(
    r"@\w|\b(?:https?://|www\.)|\+?\(?\d[\d ()./-]{6,}\d|(?:^|\s)\|(?:\s|$)|\bext\.? ?\d|"
    r"\b(?:tel|phone|mobile|mob|fax|e-?mail|twitter|linkedin|pronouns|she/her|he/him|they/them)\b|"
    r"\b(?:officer|manager|head of|director|co-?ordinator|team|department|dept|advis[eo]r|analyst|"
    r"architect|planner|solicitor|engineer|specialist|consultant|assistant|executive|councillor|"
    r"cllr|clerk|librarian|developer|designer|accountant|administrator|trustee|secretary|councils?|"
    r"borough|university|services?|directorate|ltd|limited|gmbh|inc|lead|cyngor|swyddog|rheolwr|"
    r"stadt|gemeinde|landkreis|leiter(?:in)?|referat|abteilung|ville de|mairie|gemeente|"
    r"kommune?n?s?|ayuntamiento|comune di|gmina|urząd|město|rådgivare|direction)\b",
    re.IGNORECASE,
)


def mark(lines: list[Line], authors: frozenset[str] = frozenset()) -> None:
    """Mark the signatures in a run of own lines that stands between quotations or at an end.

    `authors` are names by which the author may sign, as `names.forms` gives them.
    """
    end = _end(lines)
    for upto in (_before_postscript(lines, end), end):
        start = _start(lines, upto, authors) if upto else None
        if start is not None:
            _mark(lines[start:upto])
    if authors and not any(line.kind == "signature" for line in lines):
        _mark_within(lines, end, authors)
    for place, line in enumerate(lines):
        if line.kind == "own" and devices.is_device(line) and _stands_alone(lines, place):
            line.kind = "signature"


def _start(lines: list[Line], end: int, authors: frozenset[str]) -> int | None:
    """Where the signature begins that reaches to `end`, by the surest sign that there is."""
    start = _by_delimiter(lines, end, authors)
    above = end if start is None else _without_blanks(lines, start)
    talk = _last_talk(lines, above)
    farewell = _by_closing(lines, above, talk, authors)
    if farewell is None:
        farewell = _by_name(lines, above, talk, authors)
    if farewell is not None:
        return farewell
    # Whose name is known is not called otherwise: "Bugs Closed" above a list is no person.
    return _by_card(lines, end) if start is None and not authors else start


def _without_blanks(lines: list[Line], end: int) -> int:
    while end and lines[end - 1].blank:
        end -= 1
    return end


def _mark(lines: list[Line]) -> None:
    for line in lines:
        if line.kind == "own":
            line.kind = "signature"


def _end(lines: list[Line]) -> int:
    """Where a run ends for somebody who does not see what stands at its end and says nothing."""
    end = len(lines)
    while end and (
        lines[end - 1].blank or lines[end - 1].kind == "folded" or devices.is_device(lines[end - 1])
    ):
        end -= 1
    return end


def _before_postscript(lines: list[Line], end: int) -> int:
    """Where the paragraph begins that somebody wrote below their name; 0 if there is none."""
    for place in range(end - 1, max(0, end - LONGEST_CARD), -1):
        if lines[place - 1].blank and _POSTSCRIPT.match(lines[place].plain):
            return place
    return 0


def _by_delimiter(lines: list[Line], end: int, authors: frozenset[str]) -> int | None:
    for place, line in enumerate(lines[:end]):
        if line.kind != "own" or line.plain[:1] not in _DASH:
            continue
        exact = _DELIMITER.match(line.raw) or line.plain == "--"
        if not exact and not _DASHES.match(line.plain):
            continue
        card = _own(lines[place + 1 : end])
        # RFC 3676 §4.3: "-- " is a signature whatever follows; others must look like one.
        real = line.raw.rstrip("\r\n") == "-- " and len(card) <= 40
        short = line.plain == "--" and len(card) <= 3 and not _is_post_script(card)
        if card and (real or short or _is_dashed_card(line, card, authors)):
            return place
    return None


def _own(lines: list[Line]) -> list[Line]:
    return [one for one in lines if not one.blank and one.kind == "own"]


def _is_dashed_card(rule: Line, card: list[Line], authors: frozenset[str]) -> bool:
    if len(card) > LONGEST_CARD or not _is_card(card):
        return False
    # Hyphens are a drawn line, more often than not.
    first = card[0].plain
    return rule.plain[:3] != "---" or names.is_one_of(first, authors) or names.looks_like_one(first)


def _is_post_script(lines: list[Line]) -> bool:
    return any(_POSTSCRIPT.match(line.plain) or line.plain.endswith("?") for line in lines)


def _is_card(lines: list[Line]) -> bool:
    talk = [line for line in lines if _is_talk(line)]
    told = [line for line in lines if not folds.is_disclaimer([line])]
    if any(line.plain.endswith("?") or _FULL_SENTENCE.search(line.plain) for line in told):
        return False
    return len(talk) <= len(lines) // 3


def _is_talk(line: Line) -> bool:
    """Whether a line is a sentence rather than a name, a number, or an address."""
    if _POSTSCRIPT.match(line.plain):
        return True
    long = len(line.plain) > 90 or ("|" not in line.plain and _SENTENCE.search(line.plain))
    return bool(long) and not folds.is_disclaimer([line])


def _last_talk(lines: list[Line], end: int) -> int:
    """Where something is said last above `end` that is no notice; -1 if nothing is, nearby."""
    for place in range(end - 1, max(-1, end - LONGEST_WAY), -1):
        line = lines[place]
        if line.kind == "own" and not line.blank and _is_talk(line) and not _is_notice([line]):
            return place
    return -1


def _by_closing(lines: list[Line], end: int, talk: int, authors: frozenset[str]) -> int | None:
    """Where "Kind regards" begins, when nothing but a card follows to the end.

    No farewell stands above what is said last, in the line `talk`; it may be that line.
    """
    for place in range(end - 1, max(talk - 1, end - LONGEST_WAY, -1), -1):
        line = lines[place]
        if line.kind != "own" or line.blank:
            continue
        if place == end - 1 and _DASHED_NAME.match(line.plain) and _is_lonely(lines, place):
            return place
        if _is_farewell(lines, place, end, authors):
            return place if _is_signature(lines[place:end]) else None
    return None


def _is_signature(lines: list[Line]) -> bool:
    """Whether nothing stands in these lines but a farewell or a name, a card, and notices."""
    paragraphs = _paragraphs(lines)
    has_card = len(paragraphs[0]) > 2 or any(_is_told(one) for one in paragraphs[:2])
    if has_card:  # only an office's own card has notices below it
        paragraphs = [
            one for place, one in enumerate(paragraphs) if place < 1 or not _is_notice(one)
        ]
    card = [line for one in paragraphs for line in one][1:]
    return len(card) <= LONGEST_CARD and _is_card(card) and _says_no_more(paragraphs[1:])


def _is_notice(paragraph: list[Line]) -> bool:
    return folds.is_notice(paragraph) and not _is_post_script(paragraph)


def _paragraphs(lines: list[Line]) -> list[list[Line]]:
    found: list[list[Line]] = [[]]
    for line in lines:
        if line.blank:
            found.append([])
        elif line.kind == "own":
            found[-1].append(line)
    return [one for one in found if one]


def _says_no_more(paragraphs: list[list[Line]]) -> bool:
    """Whether all paragraphs below that of the name belong to a card: there is no afterthought."""
    for paragraph in paragraphs:
        long = len(paragraph) > 3 or any(len(one.plain) > LONGEST_WORDS for one in paragraph)
        if long and not (_is_told(paragraph) or folds.is_disclaimer(paragraph)):
            return False
    return True


def _is_farewell(lines: list[Line], place: int, end: int, authors: frozenset[str]) -> bool:
    """Whether somebody takes leave in a line.

    "Thanks" may be all that is said, and "Best, Jo" as well: there the author's name has to be
    known, or a card to stand below.
    """
    said = lines[place].plain
    if farewells.is_closing(said):
        return True
    card = _own(lines[place + 1 : end])
    if farewells.is_thanks(said):
        below = card[0].plain if card else ""
        signed = names.looks_like_a_short_one(below) and (len(card) > 2 or _is_told(card[1:]))
        return names.is_one_of(below, authors) or signed
    name = farewells.name_in(said)
    return name is not None and (names.is_one_of(name, authors) or _is_told(card))


def _is_told(card: list[Line]) -> bool:
    """Whether lines hold what only cards do: numbers, addresses, what somebody does and where."""
    return any(_OF_A_CARD.search(line.plain) for line in card)


def _by_name(lines: list[Line], end: int, talk: int, authors: frozenset[str]) -> int | None:
    """Where the author's name stands below `talk`, when nothing but a card follows to the end.

    A few words right above it take leave, in whatever language.
    """
    found = None
    for place in range(end - 1, max(talk, 0, end - LONGEST_CARD), -1):
        line = lines[place]
        if line.blank or line.kind != "own":
            continue
        if names.is_one_of(_first_of_card(line), authors):
            start = _start_of_farewell(lines, place)
            if start is not None and _is_signature(lines[start:end]):
                found = start
    return found


def _start_of_farewell(lines: list[Line], place: int) -> int | None:
    """Where the paragraph of a name begins, if it stands apart; None if the name is in a text."""
    above = lines[place - 1]
    if above.blank or above.kind != "own" or above.plain.endswith((".", "!", "?")):
        return place
    few = len(above.plain) <= 40 and len(above.plain.split()) <= LONGEST_FAREWELL
    if not few or above.plain.endswith((":", ";")) or above.plain[0] in "-*•":
        return None
    return place - 1 if place > 1 and lines[place - 2].blank else None


def _mark_within(lines: list[Line], end: int, authors: frozenset[str]) -> None:
    """Mark a name that stands alone above an afterthought, with the farewell above it."""
    for place in range(end - 1, 0, -1):
        line = lines[place]
        if line.kind != "own" or place + 1 >= end or not lines[place + 1].blank:
            continue
        if names.is_one_of(line.plain, authors) and len(_paragraphs(lines[place + 1 : end])) <= 2:
            start = _start_of_farewell(lines, place)
            if start is not None and _own(lines[:start]):
                _mark(lines[start : place + 1])
            return


def _by_card(lines: list[Line], end: int) -> int | None:
    """Where a person's name stands above the lines of a card, and no word of farewell."""
    for place in range(max(1, end - LONGEST_LONE_CARD), end):
        card = _own(lines[place:end])
        line = lines[place]
        if line.kind != "own" or line.blank or not lines[place - 1].blank:
            continue
        if not names.looks_like_one(_first_of_card(line)) or len(card) > LONGEST_LONE_CARD:
            continue
        talk = sum(_is_talk(one) or one.plain.endswith((":", "!")) for one in card)
        told = _is_told(card[1:]) or "|" in card[0].plain
        if told and talk <= len(card) // 4 and _is_signature(lines[place:end]):
            return place
    return None


def _first_of_card(line: Line) -> str:
    return line.plain.partition("|")[0].strip()


def _is_lonely(lines: list[Line], place: int) -> bool:
    """Whether a line such as "- Jane" stands below a blank line, and not in a list."""
    if place == 0 or not lines[place - 1].blank:
        return False
    above = next((line for line in reversed(lines[:place]) if not line.blank), None)
    return above is not None and above.plain[0] != lines[place].plain[0]


def _stands_alone(lines: list[Line], place: int) -> bool:
    below = lines[place + 1] if place + 1 < len(lines) else None
    if below is not None and below.kind == "own" and below.plain[:1].islower():
        return False  # the sentence goes on
    above = lines[place - 1] if place else None
    return above is None or above.blank or above.kind != "own" or _follows_nothing(lines, place)


def _follows_nothing(lines: list[Line], place: int) -> bool:
    return all(line.blank or line.kind != "own" for line in lines[place + 1 :])

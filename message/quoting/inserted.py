"""Answers written into a quotation without marks: in a colour, behind a sign, or below questions.

Outlook marks nothing of what it quotes, so people say above how their answers are to be told:
"in red below", "marked [JK]", "after the >>", "below each of your questions". The new Outlook and
its web page tell them by themselves: what they quote has "x_" before the names of its classes, and
what is typed into it has not.
"""

import colorsys
import re
from itertools import chain, islice

from lxml.etree import LxmlError  # type: ignore[import-untyped]
from lxml.html import HtmlElement, document_fromstring  # type: ignore[import-untyped]

from message.quoting import farewells, names
from message.quoting.known import places_of_heads, words_in
from message.quoting.lines import Line

LARGEST_HTML = 1 << 20
#: How answers are to be told is said at the beginning or right above the quotation.
NEAR = 300
MOST_LINES, MOST_PHRASES = 2_000, 500
#: An attribution, where all else is marked.
FEW_LINES = 2
#: What stands in a colour is not an answer if it is nearly all that is quoted.
MOST = 0.7
#: A line as long as this goes on in the next one.
FULL_LINE = 60
#: So many questions with an answer below make it sure that they were answered there.
FEWEST_ANSWERS = 2
_BELOW = re.compile(
    r"\b(?:(?:answer|repl|respon|comment|thought|note)\w*\b[^.!?\n]{0,60}\b(?:below|in-?line|"
    r"(?:in|within|into) (?:the|your) (?:text|body|e-?mail|message)|in between|"
    r"(?:after|under|against|beneath|below) each|underneath)|"
    r"(?:below|in-?line)\b[^.!?\n]{0,30}\b(?:answer|repl|respon|comment)\w*|"
    r"(?:typed|written|put|answered) (?:\w+ ){0,3}(?:in|into|within) your (?:text|e-?mail|message)|"
    r"(?:antwort|anmerkung|kommentar)\w*\b[^.!?\n]{0,60}\b(?:unten|im text|direkt|darunter|"
    r"dazwischen|unter (?:ihren|deinen|den|jeder))|"
    r"(?:réponse|commentaire|répondu)\w*\b[^.!?\n]{0,60}(?:ci-dessous|dans le (?:texte|corps)|"
    r"(?:après|sous) chaque|plus bas)|"
    r"(?:antwoord|reactie|opmerking)\w*\b[^.!?\n]{0,60}\b(?:hieronder|in de tekst|onder|"
    r"tussendoor)|"
    r"(?:respuesta|comentario|respondo)\w*\b[^.!?\n]{0,60}\b(?:abajo|debajo|en el texto)|"
    r"(?:rispost|comment)\w*\b[^.!?\n]{0,60}\b(?:sotto|nel testo)|"
    r"(?:respost|comentári)\w*\b[^.!?\n]{0,60}\b(?:abaixo|no texto)|"
    r"(?:svar|kommentar)\w*\b[^.!?\n]{0,60}\b(?:nedan\w*|nedenfor|nedenunder|nedunder|"
    r"i te(?:x|ks)ten|under hver)|"
    r"(?:ateb|sylw)\w*\b[^.!?\n]{0,60}\b(?:isod|yn y testun)|"
    r"(?:odpowied\w*|odpowiadam)\b[^.!?\n]{0,60}\b(?:poniżej|w tekście)|"
    r"vasta\w*\b[^.!?\n]{0,60}\b(?:alla|tekstin|väliin))",
    re.IGNORECASE,
)
_TAG = re.compile(r"\[([^\W\d_]{2,12})\](?=\W|$)")
#: A sign that stands alone above, and before each answer.
_SIGN = re.compile(r"(?<!\S)(?:>{2,3}|\*{1,3}|-{1,3}>|={1,2}>|#{2,3}|\+{2,3}|/{2})(?=[\s.,]|$)")
#: Of a colour it is said whose it is, or where.
_CLAUSE = re.compile(r"[.,;:!?\n()–]|\s-\s")
_ELSEWHERE = re.compile(
    r"\b(?:yours|your (?:answers?|comments?|replies|notes?|changes)|theirs?|his|hers?|last|"
    r"previous|earlier|before|old|attach\w*|file|document|word|"
    r"(?:ihre|deine) (?:antwort|kommentar)\w*|(?:vos|votre) (?:réponse|commentaire)s?|letzte\w*|"
    r"anhang|datei|pièce|bijlage)\b",
    re.IGNORECASE,
)
_HUES = {
    "red": re.compile(
        r"\b(?:red|rot|rouge|rood|rojo|rosso|vermelho|röd\w*|rødt?|punaise\w*|czerwon\w*|n?g?goch|"
        r"coch|červen\w*|красн\w*)\b",
        re.IGNORECASE,
    ),
    "blue": re.compile(
        r"\b(?:blue|blau|bleu|blauw|azul|blu|blått?|sinise\w*|niebiesk\w*|mewn glas|modř\w*|"
        r"син\w*)\b",
        re.IGNORECASE,
    ),
    "green": re.compile(
        r"\b(?:green|grün|vert|groen|verde|grønt?|grön\w*|vihreä\w*|zielon\w*|gwyrdd|zelen\w*|"
        r"зелен\w*)\b",
        re.IGNORECASE,
    ),
    "purple": re.compile(
        r"\b(?:purple|violett?|lila|paars|viola|morado|roxo|porffor|magenta|pink)\b",
        re.IGNORECASE,
    ),
    "yellow": re.compile(
        r"\b(?:yellow|gelb|jaune|geel|amarill[oa]|giallo|gula?|gult|melyn|żółt\w*|keltai\w*|žlut\w*|"
        r"жёлт\w*|желт\w*)\b",
        re.IGNORECASE,
    ),
}
_NAMED = {
    "red": "ff0000", "darkred": "8b0000", "crimson": "dc143c", "firebrick": "b22222",
    "maroon": "800000", "blue": "0000ff", "navy": "000080", "darkblue": "00008b",
    "mediumblue": "0000cd", "royalblue": "4169e1", "dodgerblue": "1e90ff", "green": "008000",
    "darkgreen": "006400", "limegreen": "32cd32", "lime": "00ff00", "seagreen": "2e8b57",
    "purple": "800080", "magenta": "ff00ff", "fuchsia": "ff00ff", "darkviolet": "9400d3",
    "indigo": "4b0082", "yellow": "ffff00", "gold": "ffd700", "cyan": "00ffff", "aqua": "00ffff",
}  # fmt: skip
_COLOUR = re.compile(r"(?:^|;)\s*(?:background(?:-color)?|color)\s*:\s*([^;!]+)", re.IGNORECASE)
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})", re.IGNORECASE)
_TYPED = "elementToProof"


def mark(lines: list[Line], author: str, html: str | None) -> None:
    """Mark as own what the author wrote into the message that these lines quote first.

    `author` is the author's name, `html` the same message in HTML, if there is such. What lies
    deeper in a chain was there before.
    """
    first = next((at for at, line in enumerate(lines) if line.kind == "quoted"), None)
    if first is None:
        return
    quoted = [line for line in lines[first:] if line.kind == "quoted"]
    bare = sum(not (line.marked or line.blank) for line in quoted) > FEW_LINES
    if html is None and not bare:
        return
    said = " ".join(line.plain for line in lines[:first])
    said = f"{said[:NEAR]}\n{said[NEAR:][-NEAR:]}"
    below = _BELOW.search(said) is not None
    _mark_coloured(quoted, said, html, below)
    if not bare:
        return
    sign = _SIGN.search(said)
    tagged = any(line.plain.startswith("[") for line in quoted)
    if below or sign or tagged:
        quoted = _first_message(quoted)
        if tagged:
            _mark_tagged(quoted, _TAG.findall(said), names.forms([author]))
        if sign:
            _mark_signed(quoted, sign[0])
        if below:
            _mark_below_questions(quoted)


def _first_message(lines: list[Line]) -> list[Line]:
    """The lines above the second head."""
    return lines[: next(islice(places_of_heads(lines), 1, None), len(lines))]


def _mark_tagged(quoted: list[Line], announced: list[str], author: frozenset[str]) -> None:
    """What stands behind "[JK]", as the text above says, or as the author's name begins.

    Where others speak so as well, it is what was said in a meeting.
    """
    named = {tag.casefold() for tag in announced}
    tags = [tag[1].casefold() if (tag := _TAG.match(line.plain)) else "" for line in quoted]
    others = set(tags) - named - author - {""}
    known = named if others else named | author
    _mark_begun(quoted, [bool(tag) and tag in known for tag in tags])


def _mark_signed(quoted: list[Line], sign: str) -> None:
    """What stands behind a sign of which the text above speaks, if nothing else has marks."""
    begins = [line.plain.startswith(sign) for line in quoted]
    if not any(line.marked and not begun for line, begun in zip(quoted, begins, strict=True)):
        _mark_begun(quoted, begins)


def _mark_begun(quoted: list[Line], begins: list[bool]) -> None:
    """Lines that begin an answer, and those in which a full line goes on."""
    full = False
    for line, begun in zip(quoted, begins, strict=True):
        goes_on = full and not line.blank and line.plain[0].islower()
        full = (begun or goes_on) and len(line.plain) >= FULL_LINE
        if begun or goes_on:
            line.kind = "own"


def _mark_below_questions(quoted: list[Line]) -> None:
    """The lines that stand below a question up to the next one or to a blank, where several do."""
    if any(line.marked or line.kind == "own" for line in quoted):
        return
    answers: list[list[Line]] = []
    asked = answering = False
    for line in quoted:
        question = line.plain.endswith("?")
        if line.blank:
            answering = False
        elif question:
            asked, answering = True, False
        elif answering:
            answers[-1].append(line)
        elif asked and not farewells.is_thanks(line.plain):
            answers.append([line])
            answering = True
        asked = question or (asked and line.blank)
    if len(answers) >= FEWEST_ANSWERS:
        for line in chain.from_iterable(answers):
            line.kind = "own"


def _mark_coloured(quoted: list[Line], said: str, html: str | None, below: bool) -> None:
    """What stands in the colour of which the text above speaks.

    In a chain it may be anywhere, but for a colour that was spoken of before.
    """
    if html is None or len(html) > LARGEST_HTML or len(quoted) > MOST_LINES:
        return
    clauses = [one for one in _CLAUSE.split(said) if not _ELSEWHERE.search(one)]
    hues = _hues_in("\n".join(clauses))
    if not (hues or below or f"x_{_TYPED}" in html):
        return
    if not hues or hues & _hues_in(" ".join(line.plain for line in quoted)):
        quoted = _first_message(quoted)
    if not hues and below and not _hues_in(said):
        hues = set(_HUES)
    _mark_phrases(quoted, _phrases(html, hues))


def _hues_in(text: str) -> set[str]:
    return {name for name, words in _HUES.items() if words.search(text)}


def _mark_phrases(quoted: list[Line], phrases: list[str]) -> None:
    said = [" ".join(words_in(line.plain)) for line in quoted]
    found = [bool(words) and _is_in(words, phrases) for words in said]
    ours = sum(len(words) for words, is_ours in zip(said, found, strict=True) if is_ours)
    if ours > MOST * sum(map(len, said)):
        return
    for line, is_ours in zip(quoted, found, strict=True):
        if is_ours:
            line.kind = "own"


def _is_in(words: str, phrases: list[str]) -> bool:
    """Whether a line is one of the phrases, or, having three words and more, a part of one."""
    if words in phrases:
        return True
    return words.count(" ") > 1 and any(f" {words} " in f" {phrase} " for phrase in phrases)


def _phrases(html: str, hues: set[str]) -> list[str]:
    """The words of what stands in one of the colours, or was typed into what Outlook quotes."""
    try:
        tree = document_fromstring(html)
    except (LxmlError, ValueError):
        return []
    found: list[str] = []
    inside: set[HtmlElement] = set()
    below = False  # where Outlook quotes what it has renamed
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        classes = (element.get("class") or "").split()
        below = below or f"x_{_TYPED}" in classes
        if element.getparent() in inside:
            inside.add(element)
        elif (below and _TYPED in classes) or (hues and _hues_of(element) & hues):
            inside.add(element)
            found.append(" ".join(words_in(str(element.text_content()))))
    return [words for words in found if words][:MOST_PHRASES]


def _hues_of(element: HtmlElement) -> set[str]:
    values = _COLOUR.findall(element.get("style") or "")
    if element.tag == "font":
        values.append(element.get("color") or "")
    return {found for value in values if (found := hue(value))}


def hue(value: str) -> str | None:
    """Which of our colours a colour of CSS is; None for black, grey, white and all others."""
    plain = value.strip().lower()
    parts = _RGB.match(plain)
    if parts:
        red, green, blue = (min(int(part), 255) for part in parts.groups())
    else:
        digits = _NAMED.get(plain, plain.removeprefix("#"))
        digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
        if not re.fullmatch(r"[0-9a-f]{6}", digits):
            return None
        red, green, blue = (int(digits[at : at + 2], 16) for at in (0, 2, 4))
    turn, light, strong = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    if strong < 0.3 or not 0.08 < light < 0.85:
        return None
    degrees = turn * 360
    if degrees < 20 or degrees >= 340:
        return "red"
    if 40 <= degrees < 70:
        return "yellow"
    if 70 <= degrees < 170:
        return "green"
    if 190 <= degrees < 260:
        return "blue"
    return "purple" if 260 <= degrees < 340 else None

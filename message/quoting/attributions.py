"""Lines that say who wrote what is quoted below: "On Monday, Jo wrote:", in many languages."""

import re

from message.quoting.lines import Line

MOST_LINES = 6
LONGEST = 420
_END = 32  # signs of an attribution that hold its last word
_LAST_SIGNS = frozenset(":：՝>-—*_")

_VERBS = (
    r"wrote|writes|sent|ysgrifennodd|scrie|pisze|пише|napisala|scris|scríobh|schrieb|"
    r"geschrieben|schreef|geschreven|a écrit|écrit|"
    r"a ecrit|ha scritto|scrisse|escribi[óo]|escreveu|ha escrit|va escriure|a scris|skrev|skrifaði|"
    r"kirjoitti|kirjutas|napisa[łl](?:\(a\))?|napísal(?:\(a\)|a)?|napsal(?:\(a\)|a)?|"
    r"(?:je )?napisal?[oa]?(?: je)?|kirjutas|"
    r"написал(?:\(а\)|а)?|пишет|писал(?:\(а\))?|написав|напис[аa]|yazdı|írta|έγραψε|đã viết|rašė|"
    r"rakstīja|idatzi du|menulis|tulis|نے لکھا|كتب|כתב"
)
# Scripts that put no blanks between words.
_JOINED = r"写道|寫道|작성|さんは書きました|のメール"
#: How the last word of one ends, in small letters, where it does not end in a sign.
_LAST_WORDS = (
    "wrote", "writes", "sent", "ysgrifennodd", "scrie", "pisze", "пише", "ala", "scris",
    "scríobh", "schrieb", "geschrieben", "schreef", "geschreven", "crit", "scritto", "scrisse",
    "escribió", "escribio", "escreveu", "escriure", "skrev", "skrifaði", "kirjoitti",
    "kirjutas", "(a)", "napisał", "napisa", "napisao", "napisaa", "sal", "salo", "je", "(а)",
    "сал", "сала", "пишет", "сав", "писа", "писa", "yazdı", "yazdi", "írta", "έγραψε", "viết",
    "rašė", "rakstīja", "idatzi du", "ulis", "لکھا", "כתב", "كتب", "写道", "寫道", "작성",
    "書きました", "のメール",
)  # fmt: skip
_LONGEST_LAST = max(map(len, _LAST_WORDS))
_VERB = re.compile(rf"(?<!\w)(?:{_VERBS})(?!\w)|{_JOINED}", re.IGNORECASE)
_VERB_AT_END = re.compile(rf"(?:{_VERBS}|{_JOINED})[\s*_]*[:：]?[\s*_\-—]*$", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>()\[\]]+@[^\s<>()\[\]]+")
_TIME = re.compile(
    r"(?<!\d)\d{1,2}[:.h]\d{2}(?!\d)|\b\d{1,2} ?[ap]\.?m\b|\bUTC\b|\bGMT\b", re.IGNORECASE
)
_DATE = re.compile(
    r"(?<!\d)(?:\d{4}[-/.年]\s?\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|"
    r"\d{1,2}[-. ]+(?:de )?[^\W\d]{3,12}|"
    r"\d{1,2}[.,]? \S{1,14} (?:de )?(?:19|20)\d\d(?!\d)|"
    r"[^\W\d]{3,12}\.? \d{1,2}|\d{1,2} th[áa]ng|\d{4}年)"
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# How such lines begin: a preposition, a day of the week, or a date.
_START = re.compile(
    r"^[-_*\s>]*(?:On|At|Am|Le|El|Il|In data|În|La|U|Ma|Kl|Em|Op|Den|På|W dniu|Dnia|Dne|Dňa|Ar|"
    r"Vào|Pada|Në|Στις|"
    r"В|Am Datum|Il giorno|Lê|Za|\d{1,4}[-/.年:]|\d{1,2}[ .]|[^\W\d]{2,12}[.,]? ?,? ?\d{1,2}|"
    r"[^\W\d]{2,10},)"
    r"(?=\W|\d|$)|^[-_*\s]*On\b",
    re.IGNORECASE,
)
# GroupWise and Lotus Notes: ">>> Jo 3/11/2026 9:12 AM >>>", "Jo Field ---03/11/2026 10:02---".
_OTHERS = re.compile(
    r"^>{3} ?\S.{2,160}\d{1,2}[:.]\d{2}.{0,12}>{3}$|"
    r"^.{2,80}? ?-{3} ?\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? \d{1,2}[:.]\d{2}.{0,14}-{3}|"
    # Yahoo on Android writes on in the same line.
    r"^On .{5,60}\d{1,2}:\d{2}.{1,120}@[^\s<>]+>? wrote: +\S"
)
#: Whoever writes of themselves does not head a quotation.
_SELF = re.compile(
    r"\b(?:i|we|ich|wir|je|j['’]ai|nous|yo|noi|ik|wij|jag|vi) \S+[ :：]*$", re.IGNORECASE
)
_QUOTING = re.compile(r"^(?:Quoting|Citing|Citando|Zitat von|Citation de|Citaat van)\b .{2,100}:$")
_FIGURES = re.compile(r"[\d@]")
_BRACKETED = re.compile(r"[<(\[]\s?[^\s<>()\[\]]+@[^\s<>()\[\]]+\s?[>)\]]")
_DASHED = re.compile(rf"^-{{2,}}\s*\S.{{0,200}}\b(?:{_VERBS})\s*[:：]?\s*-{{2,}}$", re.IGNORECASE)
# Gmail and Outlook mobile in some languages: a date, a name, an address, a colon; no verb at all.
_NO_VERB = re.compile(r"<\s?[^<>\s]*@[^<>\s]*\s?>+\s*[:：]?$")
_DATE_FIRST = re.compile(r"^\d{1,4}[-/.年]\s?\d{1,2}[-/.月]")
_SHARED = re.compile(
    r"[-\s]*(?<!\w)On (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? |(?:Jan|Feb|Mar|Apr|May|Jun|Jul|"
    r"Aug|Sep|"
    r"Oct|Nov|Dec)\w* \d|\d{1,2}[ /.-]).{5,200}@.{1,120} wrote:\s*$"
)


def may_begin(lines: list[Line]) -> list[bool]:
    """For each line whether to look for an attribution there: prose is passed over quickly.

    One ends in its line or in one of the next with a colon, a verb or a sign, or has signs of
    another kind; none goes on behind a mark.
    """
    told: list[bool] = []
    near = 0
    for line in reversed(lines):
        if line.marked:
            near = 0
            told.append(False)
            continue
        plain = line.plain
        last = plain[-_LONGEST_LAST:]
        ends = last[-1:] in _LAST_SIGNS or last.lower().endswith(_LAST_WORDS)
        near = MOST_LINES if ends else near - 1
        told.append(near > 0 or _may_be_another(plain))
    told.reverse()
    return told


def _may_be_another(plain: str) -> bool:
    return "---" in plain or ">>>" in plain or "@" in plain


def length_at(lines: list[Line], place: int) -> int:
    """How many lines the attribution that begins here takes; 0 when none does."""
    first = lines[place].plain
    if _may_be_another(first) and _OTHERS.match(first):
        return 1
    if not first or lines[place].marked or not _may_begin(first):
        return 0
    joined = ""
    blanks = 0
    for count, line in enumerate(lines[place : place + MOST_LINES], 1):
        if line.marked or len(joined) > LONGEST:
            return 0
        if line.blank:
            blanks += 1
            if blanks > 1 or not _is_open(joined):
                return 0
            continue
        if count > 1 and _begins_anew(line.plain):
            return 0
        joined = f"{joined} {line.plain}".strip()
        if len(joined) <= LONGEST and _is_complete(joined, lines, place + count):
            return count
    return 0


def begins_within(line: Line) -> int:
    """Where an attribution begins behind own words ("thanks On Mon, ... wrote:"), or 0."""
    if line.marked or not line.plain.endswith("wrote:"):
        return 0
    found = _SHARED.search(line.raw[:1000])
    return found.start() if found else 0


def _may_begin(first: str) -> bool:
    if _START.match(first) or _QUOTING.match(first):
        return True
    # Prose is passed over quickly: it has no figures, and does not end in a colon.
    if not _FIGURES.search(first):
        return first[-1] in ":：-*_" and bool(_VERB.search(first) or _DASHED.match(first))
    if _VERB.search(first) or _DASHED.match(first):
        return True
    # Where the name stands first: "Jo Field <jo@example.org>, 3 Kas 2026 Sal, 10:02".
    dated = bool(_DATE.search(first))
    return (dated and bool(_TIME.search(first))) or (
        "@" in first and (dated or bool(_BRACKETED.search(first)))
    )


def _begins_anew(plain: str) -> bool:
    """Whether a following line is itself the start of an attribution."""
    found = _START.match(plain)
    return bool(found and plain[:1].isupper() and _DATE.search(plain) and _TIME.search(plain))


def _is_open(joined: str) -> bool:
    """Whether an attribution so far names a date but not yet says that somebody wrote."""
    return bool(_START.match(joined) and _DATE.search(joined) and _TIME.search(joined))


def _is_complete(joined: str, lines: list[Line], following: int) -> bool:
    """Whether lines joined are a whole attribution, given what follows them."""
    if _DASHED.match(joined) or (_QUOTING.match(joined) and _is_marked(lines, following)):
        return True
    colon = joined.rstrip("*_ ").endswith((":", "：", "՝"))
    # So each line of a log is passed over quickly.
    if not colon and joined[-1] != ">" and not _VERB_AT_END.search(joined[-_END:]):
        return False
    return _heads_a_quotation(joined, colon, _is_marked(lines, following))


def _heads_a_quotation(joined: str, colon: bool, quote_follows: bool) -> bool:
    """Whether a line says who wrote: by address or time and a verb, or by what follows."""
    address = bool(_ADDRESS.search(joined))
    dated = bool(_DATE.search(joined))
    timed = dated and bool(_TIME.search(joined))
    if not address and not quote_follows and _SELF.search(joined):
        return False
    # Whatever the language: a time, a name with its address, a colon, and a quotation below.
    named = bool(_START.match(joined) or _BRACKETED.search(joined) or _YEAR.search(joined))
    if colon and timed and quote_follows and named and not _is_prose(joined):
        return True
    if _NO_VERB.search(joined) and _START.match(joined):
        return (timed and colon) or (quote_follows and (timed or bool(_DATE_FIRST.match(joined))))
    verb = _VERB.search(joined)
    told = bool(colon and timed and _BRACKETED.search(joined))
    if not verb or not (colon or _VERB_AT_END.search(joined)):
        return False
    if not colon and not (address and timed):
        return False
    if _is_prose(joined):
        return False
    if address or timed:
        return bool(_START.match(joined) or _named(joined) or told)
    if dated and _START.match(joined):
        return quote_follows or bool(_YEAR.search(joined) and re.search(r"\byou wrote:$", joined))
    return quote_follows and len(joined) < 80


def _named(joined: str) -> bool:
    """ "Jo Field <jo@example.org> wrote:": an address in front of the verb at the end."""
    return bool(_ADDRESS.search(joined) and _VERB_AT_END.search(joined))


def _is_prose(joined: str) -> bool:
    """A sentence that ended before the colon is no attribution."""
    return bool(re.search(r"[a-z]{3}[.?!] [A-Z][a-z]+ [a-z]+ [a-z]+", joined)) or "://" in joined


def _is_marked(lines: list[Line], place: int) -> bool:
    """Whether the next line that is not blank is quoted."""
    while place < len(lines) and lines[place].blank:
        place += 1
    return place < len(lines) and lines[place].marked

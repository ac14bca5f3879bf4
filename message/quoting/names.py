"""Whose name stands below a message: the author's, as From or the quotation's head tells it."""

import re
from collections.abc import Iterable

LONGEST = 60
_TITLE = r"(?:dr|prof|mr|mrs|ms|miss|mx|sir|dame|cllr|councillor|rev|hon|herr|frau|m|mme)\.?"
_TITLES = re.compile(rf"^(?:{_TITLE} )+", re.IGNORECASE)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|\bvia\b.*$|[\"“”]", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’.-]?[^\W\d_]+)*")
_INITIALS = re.compile(r"^(?:[A-Z]\.? ?){1,4}$")
_EDGES = " *_-–—~,.;:!'’\""
#: Two to four words that begin with capitals, with small ones (van, de, ap) among them.
_CAPITAL = r"[^\W\da-z_][\w.'’-]*"
_LIKE_A_NAME = re.compile(
    rf"^(?:{_TITLE} )?{_CAPITAL}"
    rf"(?: (?:{_CAPITAL}|van|von|de|der|den|da|dos|del|di|ap|al|bin)){{1,3}}$"
)
_SHORT_NAME = re.compile(rf"^{_CAPITAL}(?: {_CAPITAL}){{0,3}}(?: x{{1,3}})?$")


def forms(names: Iterable[str]) -> frozenset[str]:
    """How people called so may sign: with the whole name, a part of it, or initials."""
    found: set[str] = set()
    for name in names:
        plain = _ASIDE.sub(" ", name.replace("_", " ")).strip(_EDGES)
        if "@" in plain or len(plain) > LONGEST:
            continue
        plain = plain.partition("/")[0]  # Lotus Notes: "Jo Field/Legal/Town"
        last, comma, first = plain.partition(",")
        plain = f"{first} {last}" if comma and first.strip() else plain  # "Field, Jo"
        words = [word.casefold() for word in _WORD.findall(_TITLES.sub("", plain))]
        if not words or len(words) > 5:
            continue
        found |= {" ".join(words), words[0], words[-1], f"{words[0]} {words[-1]}", words[0][0]}
        found.add("".join(word[0] for word in words))
        if len(words) > 1:
            found |= {f"{words[0]} {words[-1][0]}", f"{words[0][0]} {words[-1]}"}
    return frozenset(found)


def is_one_of(line: str, known: frozenset[str]) -> bool:
    """Whether a line is one of these names, with titles before or degrees behind it."""
    if not known or len(line) > LONGEST:
        return False
    plain = _TITLES.sub("", _ASIDE.sub(" ", line).strip(_EDGES)).partition(",")[0]
    words = [word.casefold() for word in _WORD.findall(plain)]
    if _INITIALS.match(plain):
        words = ["".join(filter(str.isalpha, plain)).casefold()]
    if words and words[-1] in {"x", "xx", "xxx"}:
        words.pop()
    joined = " ".join(words)
    if len(words) > 2 and " ".join(words[:2]) in known:
        return all(sum(map(str.isupper, word)) > 1 for word in plain.split()[2:])  # "BSc", "MRICS"
    # "J." and "JK" are signatures; a lone "j" or "i" in small letters is a slip of the pen.
    return joined in known and (len(joined) > 2 or not plain[:1].islower())


def looks_like_one(line: str) -> bool:
    """Whether a line is formed as a person's full name is."""
    return len(line) <= LONGEST and bool(_LIKE_A_NAME.match(line.strip(" *_,")))


def looks_like_a_short_one(line: str) -> bool:
    """Whether a line is formed as the name that stands below thanks: "Jo", "Jo Field"."""
    return len(line) <= LONGEST and bool(_SHORT_NAME.match(line.strip(" *_,.!-–")))

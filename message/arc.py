"""Whether the chain of seals on a message holds (ARC, RFC 8617); nothing here relies on it."""

import re
from dataclasses import dataclass, field
from typing import Literal

from message.canonical import Letter, field_in, tags, unsigned
from message.signatures import (
    Texts,
    Unanswered,
    Worthless,
    check,
    check_signed,
    check_tags,
    named_fields,
)

MOST_SETS = 50
Chain = Literal["none", "pass", "fail", "temperror"]
_INSTANCE = re.compile(r"[1-9]\d?", re.ASCII)
_RESULTS = re.compile(rb"[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([1-9]\d?)[ \t\r\n]*;")


@dataclass(slots=True)
class _Set:
    """What one server added: results, a signature of the message, a seal of the sets so far."""

    results: list[bytes] = field(default_factory=list)
    message: list[bytes] = field(default_factory=list)
    seal: list[bytes] = field(default_factory=list)


def verify_chain(letter: Letter, texts: Texts) -> Chain:
    """RFC 8617 §5.2; never raises, as long as `texts` does not."""
    try:
        sets = _sets(letter)
        if not sets:
            return "none"
        _check_seals(sets)
        _check_message(letter, sets[-1].message[0], texts)
        for number in range(len(sets), 0, -1):
            _check_seal(sets[:number], texts)
    except Worthless:
        return "fail"
    except Unanswered:
        return "temperror"
    return "pass"


def _sets(letter: Letter) -> list[_Set]:
    """The sets in order, each with one field of each kind; raises Worthless if they are not."""
    sets: dict[int, _Set] = {}
    for one in letter.named("arc-authentication-results"):
        match = _RESULTS.match(one.partition(b":")[2])
        sets.setdefault(int(match.group(1)) if match else 0, _Set()).results.append(one)
    for one in letter.named("arc-message-signature"):
        sets.setdefault(_instance(one), _Set()).message.append(one)
    for one in letter.named("arc-seal"):
        sets.setdefault(_instance(one), _Set()).seal.append(one)
    whole = all(len(s.results) == len(s.message) == len(s.seal) == 1 for s in sets.values())
    if not whole or sorted(sets) != list(range(1, len(sets) + 1)) or len(sets) > MOST_SETS:
        raise Worthless("fail", "the sets are not whole")
    return [sets[number] for number in sorted(sets)]


def _instance(one: bytes) -> int:
    said = (tags(one.partition(b":")[2]) or {}).get("i", "")
    return int(said) if _INSTANCE.fullmatch(said) else 0


def _check_seals(sets: list[_Set]) -> None:
    """RFC 8617 §5.2 step 3: none in the first set, pass in all others."""
    for number, one in enumerate(sets):
        found = tags(one.seal[0].partition(b":")[2]) or {}
        if found.get("cv") != ("pass" if number else "none") or "h" in found:
            raise Worthless("fail", "the chain was broken before")


def _check_message(letter: Letter, signature: bytes, texts: Texts) -> None:
    found = tags(signature.partition(b":")[2]) or {}
    check_tags(found, ("i", "a", "b", "bh", "d", "h", "s"))
    if "arc-seal" in named_fields(found["h"]):  # RFC 8617 §4.1.2
        raise Worthless("permerror", "a seal is signed")
    check(letter, signature, found, texts)


def _check_seal(sets: list[_Set], texts: Texts) -> None:
    """RFC 8617 §5.1.1: a seal signs all sets up to its own, itself last."""
    seal = sets[-1].seal[0]
    found = tags(seal.partition(b":")[2]) or {}
    check_tags(found, ("i", "a", "b", "d", "s"))
    before = [part for one in sets for part in (*one.results, *one.message, *one.seal)][:-1]
    signed = b"".join(field_in("relaxed", one) for one in before) + unsigned("relaxed", seal)
    check_signed(signed, found, texts)

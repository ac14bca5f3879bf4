"""Subjects: what is left without reply prefixes, list tags and gateway marks (RFC 5256 §2.1)."""

import re
from functools import lru_cache

#: Re and Fwd in the languages of the mail programs in use, with Outlook's counters.
_REPLY = r"re|aw|antw|antwort|sv|vs|vá|odp|rif|res|rv|atb|回复|答复|回覆|返信"
_FORWARD = r"fwd?|wg|tr|doorst|vb|vl|enc|pd|továbbítás|转发|轉寄"
#: What is longer than this is no subject; the rest tells discussions no better apart.
LONGEST = 2_000
_PREFIX = re.compile(rf"\s*(?:(?:{_REPLY}|{_FORWARD})\s*(?:\[\d+\]|\(\d+\)|\*\d+)?\s*[:：])", re.I)
#: What a trailer ends with.
_TRAILER_ENDS = frozenset(")]LE")
_ANSWER = re.compile(rf"\s*(?:{_REPLY})\s*(?:\[\d+\]|\(\d+\)|\*\d+)?\s*[:：]", re.I)
_BLOB = re.compile(r"\s*\[[^\[\]]{1,60}\]\s*")
_MARKING = re.compile(
    r"\s*(?:\W*\b(?:external|caution external|official(?:[ -]sensitive)?)\b\W*[:\-]\s*)", re.I
)
_TRAILER = re.compile(
    r"\s*\((?:fwd|was:[^()]*)\)\s*$|"
    r"\s*-?\s*(?:\[OFFICIAL(?:[- ]SENSITIVE)?\]|(?-i:OFFICIAL(?:[- ]SENSITIVE)?))\s*$",
    re.I,
)


@lru_cache(1_000)
def base_subject(subject: str) -> str:
    """The subject without what replying, forwarding, lists and gateways add, in lower case.

    Two messages of a discussion have the same one. May be empty.
    """
    text = " ".join(subject[:LONGEST].split())
    while True:
        bare = _TRAILER.sub("", text) if text[-1:] in _TRAILER_ENDS else text
        prefix = _PREFIX.match(bare) or _MARKING.match(bare)
        if prefix:
            bare = bare[prefix.end() :]
        blob = _BLOB.match(bare)
        if blob and bare[blob.end() :].strip():
            bare = bare[blob.end() :]
        bare = bare.strip()
        if bare == text:
            return text.casefold()
        text = bare


def is_reply(subject: str) -> bool:
    """Whether the subject says that the message is an answer."""
    text = subject[:LONGEST]
    while True:
        if _ANSWER.match(text):
            return True
        blob = _BLOB.match(text) or _MARKING.match(text)
        if not blob or not text[blob.end() :].strip():
            return False
        text = text[blob.end() :]


def prefixed(subject: str, prefix: str = "Re: ") -> str:
    """The subject with the prefix once, however often it was answered (RFC 5322 §3.6.5)."""
    at = 0
    while match := _ANSWER.match(subject, at):
        at = match.end()
    return f"{prefix}{subject[at:].strip()}"

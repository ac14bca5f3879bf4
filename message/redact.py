"""Secrets of one recipient cut out of what others will read: tokens, personal links, wrappers.

A reply quotes what its sender got, and that holds links that act for the sender. In what is kept
or shown, an address with a token becomes that of the list, and a link with one loses it. Links
rewritten by mail gateways get their first form back, for they tell who read them.
"""

import re
from urllib.parse import quote, urlsplit

from message import wrappers

#: A token is base32 of at least 20 bytes, so it has 32 characters or more.
_SHORTEST = 30
#: Mail programs break a long word: by quoted-printable, by wrapping, and then quote each line.
_BREAK = r"=?\r?\n[ \t>|]{0,20}"
_RUN = r"[a-z2-7]{1,64}"
_PIECES = rf"{_RUN}(?:{_BREAK}{_RUN}){{0,4}}"
_MOST_WRAPPINGS = 5


def strip_secrets(text: str, domain: str, separator: str, base_url: str) -> str:
    """The text without tokens of ours and without the wrapping of link scanners.

    `domain` and `separator` are those of our addresses, `base_url` that of our pages. Works on
    plain text and on HTML, which is to be sanitised afterwards.
    """
    for _ in range(_MOST_WRAPPINGS):  # a link may be wrapped again at every gateway
        unwrapped = wrappers.unwrap(text, base_url)
        if unwrapped == text:
            break
        text = unwrapped
    low = text.lower()
    if domain.lower() not in low and (urlsplit(base_url).hostname or base_url) not in low:
        return text
    addresses = re.compile(
        rf"(?<![a-z0-9.-])([a-z0-9.-]{{1,64}})(?:{re.escape(separator)}|%2b)(?:{_BREAK})?"
        rf"({_PIECES})(?:{_BREAK})?(@|%40){re.escape(domain)}",
        re.IGNORECASE,
    )
    text = addresses.sub(lambda m: _address(m, domain), text)
    for pattern in _pages(base_url):
        text = pattern.sub(_page, text)
    return text


def _address(found: re.Match[str], domain: str) -> str:
    token = re.sub(_BREAK, "", found[2])
    return f"{found[1]}{found[3]}{domain}" if len(token) >= _SHORTEST else found[0]


def _pages(base_url: str) -> list[re.Pattern[str]]:
    """Links to our pages, as they are and percent-encoded inside of others."""
    plain = re.escape(base_url.rstrip("/"))
    plain = re.sub(r"^https?", "https?", plain)
    coded = re.sub(r"^https?", "https?", re.escape(quote(base_url.rstrip("/"), safe="")))
    query = r"\?[^\s\"'<>)\]]{0,2000}"
    return [
        re.compile(
            rf"({plain}(?:/[a-z0-9-]{{1,40}}){{0,4}})/(?:{_BREAK})?({_PIECES})(?:{query})?",
            re.IGNORECASE,
        ),
        re.compile(rf"({plain}[^\s\"'<>)\]?]{{0,200}})\?[^\s\"'<>)\]]{{0,500}}?=({_PIECES})",
                   re.IGNORECASE),
        re.compile(rf"({coded}(?:%2f[a-z0-9-]{{1,40}}){{0,4}})%2f({_PIECES})", re.IGNORECASE),
    ]  # fmt: skip


def _page(found: re.Match[str]) -> str:
    """The link up to its token; what a line break only seemed to join to it is kept."""
    length = end = 0
    for run in re.finditer(_RUN, found[2], re.IGNORECASE):
        length, end = length + len(run[0]), run.end()
        if length >= _SHORTEST:
            break
    if length < _SHORTEST:
        return found[0]
    return found[1] + found[2][end:]

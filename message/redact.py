"""Secrets of one recipient cut out of what others will read: tokens, personal links, wrappers.

A reply quotes what its sender got, and that holds links that act for the sender. In what is kept
or shown, an address with a token becomes that of the list, and a link with one loses it. Links
rewritten by mail gateways get their first form back, for they tell who read them.
"""

import re
from urllib.parse import parse_qs, unquote, urlsplit

#: A token is base32 of at least 20 bytes; mail programs may break it with a soft line break.
_TOKEN = r"[a-z2-7]{30,64}"  # noqa: S105 - a pattern
_SAFE_LINK = re.compile(r"https?://[a-z0-9.-]*safelinks\.protection\.outlook\.com/[^\s\"'<>)\]]*",
                        re.I)  # fmt: skip
_URL_DEFENSE_2 = re.compile(r"https?://urldefense\.proofpoint\.com/v2/url\?[^\s\"'<>)\]]*", re.I)
_URL_DEFENSE_3 = re.compile(r"https?://urldefense\.com/v3/__(.*?)__;[^\s\"'<>)\]]*", re.I)
_MOST_WRAPPINGS = 5


def strip_secrets(text: str, domain: str, separator: str, base_url: str) -> str:
    """The text without tokens of ours and without the wrapping of link scanners.

    `domain` and `separator` are those of our addresses, `base_url` that of our pages.
    """
    for _ in range(_MOST_WRAPPINGS):  # a link may be wrapped again at every gateway
        unwrapped = _unwrapped(text)
        if unwrapped == text:
            break
        text = unwrapped
    addresses = re.compile(
        rf"([a-z0-9.-]+)(?:{re.escape(separator)}|%2b)=?\r?\n?{_TOKEN}(@|%40){re.escape(domain)}",
        re.I,
    )
    text = addresses.sub(r"\1\2" + domain, text)
    pages = re.compile(
        rf"({re.escape(base_url)}/[a-z0-9/-]*?)/?{_TOKEN}(?:\?[^\s\"'<>)\]]*)?", re.I
    )
    return pages.sub(r"\1", text)


def _unwrapped(text: str) -> str:
    text = _SAFE_LINK.sub(lambda m: _from_query(m[0], "url"), text)
    text = _URL_DEFENSE_2.sub(lambda m: _from_defense_2(m[0]), text)
    return _URL_DEFENSE_3.sub(lambda m: m[1].replace("*", ""), text)


def _from_query(link: str, name: str) -> str:
    query = parse_qs(urlsplit(link.replace("&amp;", "&")).query)
    return query[name][0] if name in query else link.partition("?")[0]


def _from_defense_2(link: str) -> str:
    coded = _from_query(link, "u")
    return unquote(coded.replace("_", "/").replace("-", "%")) if coded != link else link

"""Links that gateways and mail programs rewrote, brought back to what they were.

Such a link leads through a scanner, and often says who was to read it (Microsoft's Safe Links hold
the recipient's address).
"""

import base64
import binascii
import re
import string
from collections.abc import Callable
from urllib.parse import parse_qs, quote, unquote, urlsplit

_REST = r"[^\s\"'<>)\]]{0,8000}"
#: The length of a run of replaced signs is one sign itself (URL Defense 3).
_RUN_LENGTHS = {
    sign: length
    for length, sign in enumerate(
        string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_", start=2
    )
}


def unwrap(text: str, base_url: str) -> str:
    """The text with each rewritten link as it was; one that cannot be read stays as it is."""
    if "://" not in text:
        return text
    for pattern, original in _WRAPPERS:

        def replaced(found: re.Match[str], original: Original = original) -> str:
            link = original(found)
            return _safe(link) if link else found[0]

        text = pattern.sub(replaced, text)
    host = urlsplit(base_url).netloc
    # Mimecast keeps the link to itself, but says where it leads.
    sealed = (
        rf"https?://[a-z0-9.-]{{1,40}}\.mimecast\.com/s/[\w-]{{1,200}}\?domain={re.escape(host)}"
    )
    return re.sub(rf"{sealed}(?![\w.-])", base_url, text, flags=re.IGNORECASE)


Original = Callable[[re.Match[str]], str | None]


def _safe(link: str) -> str:
    """A link without what could end it where it stands."""
    return re.sub(r"[\s\"'<>`\\\x00-\x1f\x7f]", lambda sign: quote(sign[0]), link)


def _web(link: str) -> str | None:
    link = re.sub(r"^(https?:/)(?=[^/])", r"\1/", link.strip())
    return link if re.match(r"(?i)https?://[^/]|mailto:", link) else None


def _query(found: re.Match[str], name: str) -> str:
    try:
        query = urlsplit(found[0].replace("&amp;", "&")).query
        return parse_qs(query, max_num_fields=100).get(name, [""])[0]
    except ValueError:
        return ""


def _in_query(name: str) -> Original:
    return lambda found: _web(_query(found, name))


def _url_defense_2(found: re.Match[str]) -> str | None:
    return _web(unquote(_query(found, "u").replace("_", "/").replace("-", "%")))


def _url_defense_3(found: re.Match[str]) -> str | None:
    """Each `*` stands for the next of the signs listed behind the link, `**` and one for a run."""
    coded = found[2] + "=" * (-len(found[2]) % 4)
    try:
        signs = base64.urlsafe_b64decode(coded).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
    at = 0

    def original(star: re.Match[str]) -> str:
        nonlocal at
        length = _RUN_LENGTHS.get(star[1], 0) if star[1] else 1
        run, at = signs[at : at + length], at + length
        return run

    return _web(re.sub(r"\*(?:\*(.))?", original, found[1]))


def _sophos(found: re.Match[str]) -> str | None:
    coded = _query(found, "u")
    try:
        return _web(base64.b64decode(coded + "=" * (-len(coded) % 4)).decode())
    except (binascii.Error, ValueError):
        return None


def _cisco(found: re.Match[str]) -> str | None:
    return _web(unquote(found[1]))


_WRAPPERS: list[tuple[re.Pattern[str], Original]] = [
    (re.compile(pattern.replace("REST", _REST), re.IGNORECASE), original)
    for pattern, original in (
        (r"https?://[a-z0-9.-]{1,60}\.safelinks\.protection\.(?:outlook\.com|office365\.us)/REST",
         _in_query("url")),
        (r"https?://urldefense\.proofpoint\.com/v1/url\?REST", _in_query("u")),
        (r"https?://urldefense\.(?:proofpoint\.)?com/v2/url\?REST", _url_defense_2),
        (r"https?://urldefense\.(?:com|us|proofpoint\.com)/v3/__([^\s\"'<>]{1,4000}?)__;"
         r"([a-z0-9_=-]{0,2000})!REST", _url_defense_3),
        (r"https?://linkprotect\.cudasvc\.com/url\?REST", _in_query("a")),
        (r"https?://[a-z0-9.-]{1,60}\.trendmicro\.com/wis/clicktime/v1/query\?REST",
         _in_query("url")),
        (r"https?://[a-z0-9.-]{1,60}\.protection\.sophos\.com/\?REST", _sophos),
        (r"https?://secure-web\.cisco\.com/[\w-]{1,2000}/(https?%3a%2f%2fREST)", _cisco),
    )
]  # fmt: skip

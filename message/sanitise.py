"""HTML of others, made safe to show: an allow-list of structure, no style, nothing remote."""

import re
from html import escape

import nh3

from message import plaintext

TAGS = frozenset(
    {
        "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "div", "dl",
        "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "li", "ol", "p", "pre",
        "q", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th",
        "thead", "tr", "u", "ul",
    }
)  # fmt: skip
#: Their content goes too: it was never meant to be read.
CONTENT_TOO = frozenset({"script", "style", "title", "head", "noscript", "template", "iframe",
                         "object", "svg", "math", "select", "textarea"})  # fmt: skip
ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # not even title, which the library would allow
    "a": {"href"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
    "blockquote": {"type"},
}
#: Only whole addresses: `//host` and relative ones would point into our own pages.
SCHEMES = {"http", "https", "mailto"}
LARGEST = 2 << 20
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
#: Tags that are never closed, or closed by the next: they do not nest.
_FLAT = frozenset(
    {
        "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link",
        "meta", "option", "p", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "wbr",
    }
)  # fmt: skip
#: Tags that a parser opens again where they were left open.
_FORMATS = frozenset(
    {
        "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt",
        "u",
    }
)  # fmt: skip
_DEEPEST = 500
_MOST_PASSES = 4
_MOST_WORK = 1_000_000


def clean(html: str) -> str:
    """The HTML with only harmless structure and links (ASVS 1.3.1).

    No images, style, classes, forms or scripts; headings stay below the page's own. HTML made to
    exhaust who reads it comes out as its text.
    """
    html = html[:LARGEST]
    if not is_tame(html):
        lines = escape(plaintext.from_html(html)).split("\n")
        return f"<p>{'<br>'.join(lines)}</p>"
    safe = _cleaned(html)
    for _ in range(_MOST_PASSES):
        # Tags that cross in the source may stand so that a parser of what comes out moves them.
        again = _cleaned(safe)
        if again == safe:
            break
        safe = again
    return safe


def _cleaned(html: str) -> str:
    safe = nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags=set(CONTENT_TOO),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_filtered,
        url_schemes=SCHEMES,
        link_rel="nofollow noopener noreferrer ugc",
        strip_comments=True,
    )
    # The first line break in a <pre> is not part of it: one that is needs another before it.
    safe = safe.replace("<pre>\n", "<pre>\n\n")
    return safe.replace("<h1>", "<h2>").replace("</h1>", "</h2>")


def is_tame(html: str) -> bool:
    """Whether HTML can be parsed in time and space that grow with its length.

    A parser of HTML5 opens again, in every paragraph, the <b> and <i> that were left open: they,
    and tags that cross, cost their number times all others. Depth costs time too.
    """
    open_: list[str] = []
    formats = deepest = most = crossed = tags = 0
    for tag in _TAG.finditer(html):
        tags += 1
        name = tag[2].lower()
        if name in _FLAT:
            continue
        if not tag[1]:
            open_.append(name)
            formats += name in _FORMATS
            deepest, most = max(deepest, len(open_)), max(most, formats)
            continue
        if not open_ or open_[-1] != name:
            crossed += 1
            if name not in open_[-20:]:
                continue
        while (last := open_.pop()) != name:
            formats -= last in _FORMATS
        formats -= name in _FORMATS
    return deepest <= _DEEPEST and (most + crossed) * tags <= _MOST_WORK


def _filtered(_tag: str, name: str, value: str) -> str | None:
    if name == "href":
        whole = value.strip().lower().startswith(("http://", "https://", "mailto:"))
        return value if whole else None
    if name in {"colspan", "rowspan", "start"}:
        return value if re.fullmatch(r"[0-9]{1,3}", value) else None
    return value

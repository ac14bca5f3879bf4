"""HTML of others, made safe to show: an allow-list of structure, no style, nothing remote."""

import nh3

TAGS = frozenset(
    {
        "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "div", "dl",
        "dt", "em", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "li", "ol", "p", "pre", "q",
        "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th",
        "thead", "tr", "u", "ul",
    }
)  # fmt: skip
#: Their content goes too: it was never meant to be read.
CONTENT_TOO = frozenset({"script", "style", "title", "head", "noscript", "template", "iframe",
                         "object", "svg", "math", "select", "textarea", "form"})  # fmt: skip
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


def clean(html: str) -> str:
    """The HTML with only harmless structure and links (ASVS 1.3.1).

    No images, style, classes, forms or scripts; headings stay below the page's own.
    """
    return nh3.clean(
        html[:LARGEST],
        tags=set(TAGS),
        clean_content_tags=set(CONTENT_TOO),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_filtered,
        url_schemes=SCHEMES,
        link_rel="nofollow noopener noreferrer ugc",
        strip_comments=True,
    )


def _filtered(_tag: str, name: str, value: str) -> str | None:
    if name == "href":
        whole = value.strip().lower().startswith(("http://", "https://", "mailto:"))
        return value if whole else None
    if name in {"colspan", "rowspan", "start"}:
        return value if value.isdigit() and len(value) < 4 else None
    return value

"""A letter in HTML as its reader sees it, shown where it can do nothing.

It goes through an allow-list that keeps the looks of a mail, and is framed in a document of its
own whose policy forbids scripts, forms and everything remote. Only there inline styles are allowed:
mail has no others.
"""

import nh3
from starlette.responses import HTMLResponse, Response

from message import sanitise

_TAGS = sanitise.TAGS | {"h1", "center", "font"}
_LOOKS = {"style", "align", "valign", "width", "height", "bgcolor", "cellpadding", "cellspacing",
          "border", "role", "lang", "dir"}  # fmt: skip
_STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-color",
    "border-left", "border-radius", "border-right", "border-spacing", "border-style", "border-top",
    "border-width", "color", "display", "font", "font-family", "font-size", "font-style",
    "font-weight", "height", "letter-spacing", "line-height", "list-style", "margin",
    "margin-bottom", "margin-left", "margin-right", "margin-top", "max-width", "overflow-wrap",
    "padding", "padding-bottom", "padding-left", "padding-right", "padding-top", "text-align",
    "text-decoration", "vertical-align", "white-space", "width", "word-break",
}  # fmt: skip
#: Links may open a new tab, which is then an ordinary one; nothing else is possible.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def safe(html: str) -> str:
    """A letter's HTML with its looks and links, and nothing that loads, runs or sends."""
    return nh3.clean(
        html[: sanitise.LARGEST],
        tags=set(_TAGS),
        clean_content_tags=set(sanitise.CONTENT_TOO),
        attributes={**{tag: set(names) for tag, names in sanitise.ATTRIBUTES.items()},
                    "*": set(_LOOKS)},
        attribute_filter=_whole_links,
        url_schemes=sanitise.SCHEMES,
        link_rel="nofollow noopener noreferrer",
        filter_style_properties=set(_STYLES),
        strip_comments=True,
    )  # fmt: skip


def _whole_links(_tag: str, name: str, value: str) -> str | None:
    """Links with a scheme only: any other would point into our own pages."""
    whole = value.strip().lower().startswith(("http://", "https://", "mailto:"))
    return value if name != "href" or whole else None


def framed(html: str) -> Response:
    """A document with the letter only, for a frame; its links open in a new tab."""
    document = (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<title>The letter</title><base target="_blank"></head>'
        '<body style="margin:8px;font-family:arial,sans-serif;overflow-wrap:anywhere">'
        f"{safe(html)}</body></html>"
    )
    return HTMLResponse(document, headers={"Content-Security-Policy": POLICY})

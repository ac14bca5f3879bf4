"""Plain text: from HTML, from Markdown, and the lines of format=flowed (RFC 3676)."""

import re

from inscriptis import get_text
from inscriptis.model.config import ParserConfig

_CONFIG = ParserConfig(display_links=False)
LARGEST_HTML = 2 << 20


def from_html(html: str) -> str:
    """What a reader of the HTML sees, as plain text; never raises."""
    try:
        text = get_text(html[:LARGEST_HTML], _CONFIG)
    except (ValueError, RecursionError, AssertionError, TypeError, KeyError):
        text = re.sub(r"<[^>]*>", " ", html)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip()


def unflow(text: str, delsp: bool = False) -> str:
    """Join the soft-broken lines of format=flowed text (RFC 3676 §4), keeping quotes apart."""
    out: list[str] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        body = line[depth:].removeprefix(" ")
        soft = body.endswith(" ") and body != "-- "
        if delsp and soft:
            body = body[:-1]
        if open_depth == depth and out and body != "-- ":
            out[-1] += body
        else:
            out.append(f"{'>' * depth} {body}" if depth else body)
        open_depth = depth if soft else None
    return "\n".join(out)

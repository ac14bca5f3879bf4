"""Plain text: from HTML, from Markdown, and the lines of format=flowed (RFC 3676)."""

import re
from html import unescape

from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml.etree import LxmlError  # type: ignore[import-untyped]
from lxml.html import HtmlElement, document_fromstring  # type: ignore[import-untyped]

_CONFIG = ParserConfig(display_links=False)
LARGEST_HTML = 2 << 20
LARGEST_TABLE = 200_000_000
COLUMNS = 72
_TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th"})
_DECLARATION = re.compile(r"<\?xml[^>]*>")
#: Of a style, what says whether and how text is seen.
_HARMLESS = re.compile(
    r"\s*(?:(?:display|white-space)\s*:.*|margin-(?:top|bottom)\s*:\s*\d{1,2}(?:\.\d*)?[a-z]*\s*)",
    re.IGNORECASE | re.DOTALL,
)
#: What the lines of a paragraph begin with if they are not to flow: blanks, or a list's mark.
_HANGING = re.compile(r" *(?P<item>(?:[-*•]|\d{1,3}[.)]) +)|( +)")
_TAG = re.compile(r"<[^<>]*>")


def from_html(html: str) -> str:
    """What a reader of the HTML sees, as plain text; never raises."""
    html = html[:LARGEST_HTML]
    try:
        tree = document_fromstring(_DECLARATION.sub("", html.lstrip(), count=1))
        _tame(tree, len(html))
        text = str(Inscriptis(tree, _CONFIG).get_text())
    except (LxmlError, ValueError, RecursionError, AssertionError, TypeError, KeyError):
        text = ""
    if not text.strip():
        # Empty, broken, or nested beyond what the library reads: what stands between the tags.
        text = unescape(_TAG.sub(" ", html))
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _tame(tree: HtmlElement, length: int) -> None:
    """Take from HTML what would make its text many times longer: indents, wide tables."""
    elements = [element for element in tree.iter() if isinstance(element.tag, str)]
    for element in elements:
        style = element.get("style")
        if style:
            element.set("style", ";".join(filter(_HARMLESS.fullmatch, style.split(";"))))
    # Each line of a table becomes as long as the widest: at most all text times all elements.
    if len(elements) * length > LARGEST_TABLE:
        for element in elements:
            if element.tag in _TABLE:
                element.tag = "div"


def unflow(text: str, delsp: bool = False) -> str:
    """Join the soft-broken lines of format=flowed text (RFC 3676 §4), keeping quotes apart."""
    paragraphs: list[tuple[int, list[str]]] = []
    flowing = False
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        body = line[depth:].removeprefix(" ")  # RFC 3676 §4.4: space-stuffing
        sign = body == "-- "  # RFC 3676 §4.3: the line above a signature never flows
        soft = body.endswith(" ") and not sign
        if delsp and soft:
            body = body[:-1]
        if flowing and paragraphs[-1][0] == depth and not sign:
            paragraphs[-1][1].append(body)
        else:
            paragraphs.append((depth, [body]))
        flowing = soft
    return "\n".join(
        f"{'>' * depth} {''.join(bodies)}" if depth else "".join(bodies)
        for depth, bodies in paragraphs
    )


def flowed(text: str) -> str:
    """Text as format=flowed (RFC 3676 §4.2): long lines softly broken, risky ones stuffed.

    Lines have at most 72 columns where words allow it, and it reads well unflowed too: so items
    of lists hang and indented lines stay so, with breaks that do not flow.
    """
    out: list[str] = []
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        mark, body = ">" * depth, line[depth:].removeprefix(" ") if depth else line
        if body == "-- ":
            out.append(f"{mark} {body}" if depth else body)
            continue
        room = COLUMNS - (depth + 1 if depth else 0)
        out += [_stuffed(mark, piece) for piece in _lines(body.rstrip(" "), room)]
    return "\n".join(out)


def _lines(body: str, room: int) -> list[str]:
    lead = _HANGING.match(body)
    if lead is None:
        return _broken(body, room)
    # Where nothing flows, stuffing shows as one blank more: a list hangs right with one less.
    hang = " " * (len(lead[0]) - (1 if lead["item"] else 0))
    first, *rest = _broken(body[lead.end() :], room - len(lead[0]) - 1)
    return [lead[0] + first.rstrip(" "), *(hang + piece.rstrip(" ") for piece in rest)]


def _broken(body: str, room: int) -> list[str]:
    """A line in pieces of about `room` characters; all but the last end with their blank."""
    pieces: list[str] = []
    start = 0
    while len(body) - start > room:
        cut = body.rfind(" ", start, start + room) + 1 or body.find(" ", start + room) + 1
        if cut <= start or not body[start:cut].strip() or not body[cut:].strip():
            break
        pieces.append(body[start:cut])
        start = cut
    return [*pieces, body[start:]]


def _stuffed(mark: str, body: str) -> str:
    risky = body.startswith((" ", ">", "From "))
    return f"{mark} {body}" if mark or risky else body

"""What a coordinator writes in Markdown, as HTML and as written plain text."""

import re
import textwrap
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False})
COLUMNS = 72
#: A heading in capitals: not where that would change an address or a slot (message.mould.marker).
_SHORT_HEADING = re.compile(r"(?!.*Xslot)[^:/@]{1,39}")


def to_html(text: str) -> str:
    """Markdown as HTML; raw HTML in it is shown, not obeyed."""
    return str(_MARKDOWN.render(text))


def to_text(text: str, columns: int = COLUMNS) -> str:
    """Markdown as plain text of 72 columns, complete: every link stands with its address."""
    return _Writer(columns).write(_MARKDOWN.parse(text))


class _Writer:
    """Walks over the tokens and writes paragraphs, headings and lists."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._blocks: list[str] = []
        self._lists: list[int | None] = []  # the next number of each open list, None for bullets
        self._quotes = 0
        self._mark = ""
        self._heading = False

    def write(self, tokens: Sequence[Token]) -> str:
        for token in tokens:
            act = getattr(self, f"_{token.type}", None)
            if act is not None:
                act(token)
        return "\n".join(self._blocks).strip("\n") + "\n"

    def _inline(self, token: Token) -> None:
        text = _line(token.children or [])
        if self._heading:
            self._add(text.upper() if _SHORT_HEADING.fullmatch(text) else text)
        else:
            self._add(text)

    def _add(self, text: str, wrap: bool = True) -> None:
        before = "> " * self._quotes + "  " * max(0, len(self._lists) - 1)
        first = before + self._mark
        rest = before + " " * len(self._mark or ("  " if self._lists else ""))
        tight = bool(self._mark) and bool(self._blocks) and bool(self._lists)
        self._mark = ""
        lines = text.split("\n") if not wrap else _wrapped(text, self._columns - len(rest))
        body = "\n".join((first if n == 0 else rest) + line for n, line in enumerate(lines))
        if tight and self._blocks[-1].startswith("\n"):
            self._blocks.append(body)
        else:
            self._blocks.append(f"\n{body}" if not tight else body)

    def _heading_open(self, _token: Token) -> None:
        self._heading = True

    def _heading_close(self, _token: Token) -> None:
        self._heading = False

    def _bullet_list_open(self, _token: Token) -> None:
        if not self._lists:
            self._blocks.append("")
        self._lists.append(None)

    def _ordered_list_open(self, token: Token) -> None:
        if not self._lists:
            self._blocks.append("")
        self._lists.append(int(token.attrGet("start") or 1))

    def _bullet_list_close(self, _token: Token) -> None:
        self._lists.pop()

    _ordered_list_close = _bullet_list_close

    def _list_item_open(self, _token: Token) -> None:
        number = self._lists[-1]
        self._mark = "- " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1] = number + 1

    def _blockquote_open(self, _token: Token) -> None:
        self._quotes += 1

    def _blockquote_close(self, _token: Token) -> None:
        self._quotes -= 1

    def _fence(self, token: Token) -> None:
        self._add(token.content.rstrip("\n"), wrap=False)

    _code_block = _fence

    def _hr(self, _token: Token) -> None:
        self._add("-" * 20)


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    return lines


def _line(children: Sequence[Token]) -> str:
    out: list[str] = []
    links: list[tuple[str, int]] = []
    for child in children:
        if child.type in {"text", "code_inline"}:
            out.append(child.content)
        elif child.type == "softbreak":
            out.append(" ")
        elif child.type == "hardbreak":
            out.append("\n")
        elif child.type == "image":
            out.append(child.content)
        elif child.type == "link_open":
            links.append((str(child.attrGet("href") or ""), len(out)))
        elif child.type == "link_close" and links:
            address, start = links.pop()
            shown = "".join(out[start:])
            if address.removeprefix("mailto:") not in {shown, shown.rstrip("/")}:
                out.append(f" ({address.removeprefix('mailto:')})")
    return "".join(out)

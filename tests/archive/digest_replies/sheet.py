"""A received mail as a mail program shows it: blocks to quote, each of an item or of none."""

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lxml import html as markup  # type: ignore[import-untyped]

from message.parse import Message

_NUMBER = re.compile(r"\[#(\d+)\]")
#: How a program writes a link when it makes plain text of HTML.
Link = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading or a table: its item (0: none), its HTML, its text."""

    item: int
    html: str
    text: str


def no_link(words: str, url: str) -> str:
    """Outlook on a telephone: the address of a link is left out."""
    return words


def close_link(words: str, url: str) -> str:
    """Outlook: the address directly behind the words."""
    return words if url in (words, f"mailto:{words}") else f"{words}<{url}>"


def apart_link(words: str, url: str) -> str:
    """Gmail and Apple Mail: the address behind a blank."""
    return words if url in (words, f"mailto:{words}") else f"{words} <{url}>"


def blocks_of(mail: Message, link: Link) -> list[Block]:
    """The blocks of a mail's HTML."""
    tree = markup.document_fromstring(mail.html or "")
    places = [
        *tree.xpath("//td[@class='band']"),
        *tree.xpath("//td[@class='body']/*"),
        *tree.xpath("//td[@class='foot']/*"),
    ]
    blocks: list[Block] = []
    item = 0
    for place in places:
        if not isinstance(place.tag, str):
            continue
        text = _text(place, link)
        number = _NUMBER.match(text)
        if number:
            item = int(number.group(1))
        elif place.tag in {"h1", "h2", "td"} or "Read all discussions" in text or _in_foot(place):
            item = 0
        html = markup.tostring(place, encoding="unicode", with_tail=False)
        blocks.append(Block(item, re.sub(r"</?td\b", lambda m: m[0][:-2] + "div", html), text))
    return blocks


def _in_foot(place: markup.HtmlElement) -> bool:
    above = place.getparent()
    return above is not None and above.get("class") == "foot"


def _text(place: markup.HtmlElement, link: Link) -> str:
    """What a program that makes its plain text of the HTML writes for a block."""
    out: list[str] = [_folded(place.text)]
    for inner in place:
        if not isinstance(inner.tag, str):
            out.append(_folded(inner.tail))
            continue
        words = _text(inner, link)
        if inner.tag == "a":
            words = link(words, inner.get("href", ""))
        if inner.tag == "br":
            words = "\n"
        if inner.tag in {"p", "tr", "blockquote"}:
            words = f"\n{words}\n"
        out += [words, _folded(inner.tail)]
    lines = (" ".join(line.split()) for line in "".join(out).split("\n"))
    return "\n".join(line for line in lines if line)


def _folded(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")


def paragraphs_of(mail: Message) -> list[Block]:
    """The blocks of a mail's plain text."""
    blocks: list[Block] = []
    item = 0
    for paragraph in re.split(r"\n\s*\n", mail.text.strip()):
        number = _NUMBER.match(paragraph)
        if number:
            item = int(number.group(1))
        elif paragraph.isupper() or paragraph.startswith(("Read all", "-- ")) or not blocks:
            item = 0
        blocks.append(Block(item, "", paragraph))
    return blocks


def whole_text(blocks: Sequence[Block]) -> str:
    """The plain text of blocks."""
    return "\n\n".join(block.text for block in blocks)


def marked(text: str, columns: int | None = 76) -> str:
    """A text as "> " quotes it: its long lines broken, each part behind a mark."""
    out: list[str] = []
    for line in text.split("\n"):
        parts = [line]
        if columns and len(line) > columns:
            parts = textwrap.wrap(line, columns, break_long_words=False, break_on_hyphens=False)
        out += [f"> {part}".rstrip() for part in parts or [""]]
    return "\n".join(out)


def until(blocks: Sequence[Block], number: int) -> list[Block]:
    """The blocks down to the end of an item."""
    last = max(at for at, block in enumerate(blocks) if block.item == number)
    return list(blocks[: last + 1])


def of_item(blocks: Sequence[Block], *numbers: int) -> list[Block]:
    """The blocks of items."""
    return [block for block in blocks if block.item in numbers]

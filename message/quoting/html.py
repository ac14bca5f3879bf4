"""HTML as text in which quoted blocks carry their marks, so that quoting can tell them apart."""

import re
from html import unescape

from message import plaintext

DEEPEST = 20
#: What <hr> becomes: mail programs draw one above the message that they quote.
RULE = "_" * 32
_OPEN, _CLOSE = "\ue0f0", "\ue0f1"
_BLOCK = re.compile(
    r"<!--.*?-->|<(/?)(blockquote|hr)\b([^>]*)>|<(?:div|span|td)\b[^>]*\bgmail_(?:quote|extra|"
    r"attr)",
    re.IGNORECASE | re.DOTALL,
)
_GMAIL = re.compile(r"\bgmail_quote\b", re.IGNORECASE)
#: By these attributes mail programs say that a block is what they answer.
_CITING = re.compile(r"\bcite\b|quote|border-left\s*:|\bid\s*=|\bclass\s*=", re.IGNORECASE)
_QUOTATION = re.compile(r"<blockquote\b|<hr\b|\bid=[\"']?divRplyFwdMsg|_quote", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_END_OF_BLOCK = re.compile(r"</blockquote\s*>", re.IGNORECASE)
#: So much of what stands right before and behind a block, and of the rest, is looked at.
_NEAR, _FAR = 600, 30_000


def to_text(html: str) -> str:
    """What a reader of the HTML sees, as plain text; lines inside quoted blocks begin with ">".

    Never raises.
    """
    text = plaintext.from_html(_with_marks(html.replace(_OPEN, "").replace(_CLOSE, "")))
    return _marked(text)


def _with_marks(html: str) -> str:
    """The HTML with signs for readers of its text where quoted blocks begin and end."""
    out: list[str] = []
    at = 0
    answered = False  # whether Gmail's container of an answered message has begun
    quoted: list[bool] = []
    for tag in _BLOCK.finditer(html):
        if tag.group(2) is None:
            answered = answered or not tag.group(0).startswith("<!--")
            continue
        out.append(html[at : tag.start()])
        at = tag.end()
        if tag.group(2).lower() == "hr":
            out.append(f"<p>{RULE}</p>")
        elif tag.group(1):
            if quoted and quoted.pop():
                out.append(f"<p>{_CLOSE}</p>")
            out.append(tag.group(0))
        else:
            # Gmail's button "Quote" indents one's own words with the same class.
            theirs = not _is_own_citation(html, tag) if not any(quoted) else True
            quoted.append(answered or (theirs and not _GMAIL.search(tag.group(3))))
            out.append(tag.group(0))
            if quoted[-1]:
                out.append(f"<p>{_OPEN}</p>")
    out.append(html[at:])
    return "".join(out)


def _is_own_citation(html: str, tag: re.Match[str]) -> bool:
    """Whether somebody cites a law, say, in their own text: it goes on below, and nobody is named.

    Such a block is bare; those of mail programs say what they are, or stand below an attribution.
    Where nothing else is quoted, a bare block is the quotation.
    """
    if _CITING.search(tag.group(3)):
        return False
    above = _seen(html[max(0, tag.start() - _NEAR) : tag.start()])[-200:]
    if above.endswith(":") and ("@" in above or re.search(r"\d[:.h]\d\d", above)):
        return False
    end = _END_OF_BLOCK.search(html, tag.end(), tag.end() + _FAR)
    if not above or end is None or not _QUOTATION.search(html, end.end(), end.end() + _FAR):
        return False
    below = html[end.end() : end.end() + _NEAR]
    return bool(re.search(r"\w", _seen(below.partition("<blockquote")[0])))


def _seen(html: str) -> str:
    return unescape(_TAG.sub(" ", html)).strip()


def _marked(text: str) -> str:
    if _OPEN not in text and _CLOSE not in text:
        return text
    depth = -1 if _is_all_quoted(text) else 0
    lines: list[str] = []
    for line in text.split("\n"):
        opened, closed = line.count(_OPEN), line.count(_CLOSE)
        words = line.replace(_OPEN, "").replace(_CLOSE, "")
        depth += opened
        if words.strip() or not (opened or closed):
            mark = ">" * min(depth, DEEPEST)
            lines.append(f"{mark} {words.strip()}".rstrip() if mark else words)
        depth -= min(closed, depth)
    return re.sub(r"(?:\n>*){3,}(?=\n)", "\n", "\n".join(lines)).strip("\n")


def _is_all_quoted(text: str) -> bool:
    """Whether nothing stands outside of one quoted block: then it is what somebody sends."""
    body = text.strip()
    return (
        body.startswith(_OPEN)
        and body.endswith(_CLOSE)
        and body.count(_OPEN) == body.count(_CLOSE) == 1
    )

"""Mail programs: how each of them writes an answer to what was received."""

import html as entities
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import quote

from message import plaintext
from message.parse import Message
from tests.archive.digest_replies import sheet
from tests.archive.digest_replies.sheet import Block
from tests.archive.letters import TRUSTED

_ids = itertools.count(1)
ADDRESS = "ai-network@lists.example.org"
#: What stands in a message: own words, or what is quoted.
Piece = str | list[Block]


@dataclass(frozen=True, slots=True)
class Program:
    """A mail program: how it reads what it quotes, and how it writes an answer."""

    name: str
    blocks: Callable[[Message], list[Block]]
    write: Callable[[Message, Sequence[Piece]], tuple[str, str | None]]
    reply: str = "Re: "
    has_html: bool = True
    flowed: bool = False


def message(
    program: Program, received: Message, sender: str, pieces: Sequence[Piece], **fields: str | None
) -> EmailMessage:
    """The answer on the wire; `fields` replace what the program would put there, None drops."""
    text, html = program.write(received, pieces)
    to = next(iter(received.reply_to)).address
    head: dict[str, str | None] = {
        "Authentication-Results": f"{TRUSTED}; dmarc=pass header.from={_domain(sender)}",
        "From": sender,
        "To": f"AI Network <{to}>",
        "Subject": program.reply + received.subject,
        "Date": "Wed, 03 Feb 2027 08:15:00 +0000",
        "Message-ID": f"<answer-{next(_ids)}@{_domain(sender)}>",
        "In-Reply-To": f"<{received.message_id}>",
        "References": f"<{received.message_id}>",
    }
    for name, value in fields.items():
        head[name.replace("_", "-")] = value
    made = EmailMessage()
    for name, value in head.items():
        if value is not None:
            made[name] = value
    made.set_content(text, params={"format": "flowed"} if program.flowed else None)
    if html is not None:
        made.add_alternative(html, subtype="html")
    return made


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2].rstrip(">")


def _paragraphs(words: str, tag: str = "div", attributes: str = "") -> str:
    return "".join(
        f"<{tag}{attributes}>{entities.escape(line) or '<br>'}</{tag}>\n"
        for line in words.split("\n")
    )


# --- programs that mark what they quote -------------------------------------------------------


def _marking(
    head: str, columns: int | None, html: Callable[..., str] | None
) -> Callable[..., tuple[str, str | None]]:
    def write(received: Message, pieces: Sequence[Piece]) -> tuple[str, str | None]:
        out: list[str] = []
        headed = False
        for piece in pieces:
            if isinstance(piece, str):
                out.append(piece)
                continue
            quoted = sheet.marked(sheet.whole_text(piece), columns)
            out.append(quoted if headed or not head else f"{head}\n\n{quoted}")
            headed = True
        return "\n\n".join(out) + "\n", html(head, pieces) if html else None

    return write


def _gmail_html(head: str, pieces: Sequence[Piece]) -> str:
    quoting = (
        '<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid '
        'rgb(204,204,204);padding-left:1ex">'
    )
    out: list[str] = []
    opened = False
    for piece in pieces:
        if isinstance(piece, str):
            out.append(f'<div dir="ltr">{_paragraphs(piece)}</div>')
            continue
        if not opened:
            attribution = entities.escape(" ".join(head.split()))
            out.append(
                '<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" '
                f'class="gmail_attr">{attribution}<br></div>'
            )
            opened = True
        out.append(f"{quoting}{''.join(block.html for block in piece)}</blockquote>")
    return "".join(out) + ("</div>" if opened else "")


def _apple_html(head: str, pieces: Sequence[Piece]) -> str:
    out = [
        '<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"></head>'
        '<body style="overflow-wrap: break-word; -webkit-nbsp-mode: space;">'
    ]
    opened = False
    for piece in pieces:
        if isinstance(piece, str):
            out.append(_paragraphs(piece))
            continue
        top = f"<div>{entities.escape(head)}</div><br class='Apple-interchange-newline'>"
        out.append(
            f'<div><blockquote type="cite">{"" if opened else top}'
            f"{''.join(block.html for block in piece)}</blockquote></div>"
        )
        opened = True
    return "".join(out) + "</body></html>"


def _as_blocks(link: sheet.Link) -> Callable[[Message], list[Block]]:
    return lambda received: sheet.blocks_of(received, link)


def _flowed(write: Callable[..., tuple[str, str | None]]) -> Callable[..., tuple[str, str | None]]:
    """Plain text as format=flowed (RFC 3676 §4): long lines end with a blank."""

    def written(received: Message, pieces: Sequence[Piece]) -> tuple[str, str | None]:
        text, html = write(received, pieces)
        return plaintext.flowed(text), html

    return written


GMAIL = Program(
    "Gmail web", _as_blocks(sheet.apart_link),
    _marking(f"On Tue, 2 Feb 2027 at 09:30, AI Network <{ADDRESS}>\nwrote:", 74, _gmail_html),
)  # fmt: skip
GMAIL_MOBILE = Program(
    "Gmail mobile", _as_blocks(sheet.apart_link),
    _marking(f"On Tue, 2 Feb 2027, 09:30 AI Network, <{ADDRESS}> wrote:", 74, _gmail_html),
)  # fmt: skip
APPLE = Program(
    "Apple Mail", _as_blocks(sheet.apart_link),
    _marking(f"On 2 Feb 2027, at 09:30, AI Network <{ADDRESS}> wrote:", None, _apple_html),
)  # fmt: skip
IPHONE = Program(
    "iPhone Mail", _as_blocks(sheet.apart_link),
    _marking(f"On 2 Feb 2027, at 09:30, AI Network <{ADDRESS}> wrote:", None, _apple_html),
)  # fmt: skip
K9 = Program(
    "K-9 Mail", sheet.paragraphs_of,
    _marking(f"On 2 February 2027 09:30:00 GMT, AI Network <{ADDRESS}> wrote:", 72, None),
    has_html=False,
)  # fmt: skip
THUNDERBIRD = Program(
    "Thunderbird", sheet.paragraphs_of,
    _flowed(_marking("On 02/02/2027 09:30, AI Network wrote:", None, None)), flowed=True,
    has_html=False,
)  # fmt: skip
MUTT = Program(
    "mutt", sheet.paragraphs_of,
    _marking("On Tue, Feb 02, 2027 at 09:30:00AM +0000, AI Network wrote:", 72, None),
    has_html=False,
)  # fmt: skip


def _yahoo(received: Message, pieces: Sequence[Piece]) -> tuple[str, str | None]:
    """Yahoo: who wrote is said, and nothing is marked."""
    head = f"    On Tuesday, 2 February 2027 at 09:30:00 GMT, AI Network <{ADDRESS}> wrote:  "
    text: list[str] = []
    html: list[str] = []
    headed = False
    for piece in pieces:
        if isinstance(piece, str):
            text.append(piece)
            html.append(_paragraphs(piece, "div", ' dir="ltr"'))
            continue
        if not headed:
            text.append(f"{head}\n ")
            html.append(
                '<div id="yahoo_quoted_1" class="yahoo_quoted"><div style="font-size:13px">'
                f"<div>{entities.escape(head.strip())}</div><div><br></div>"
            )
            headed = True
        text.append(sheet.whole_text(piece))
        html += [block.html for block in piece]
    return "\n\n".join(text) + "\n", "".join(html) + ("</div></div>" if headed else "")


YAHOO = Program("Yahoo", _as_blocks(sheet.close_link), _yahoo)


# --- programs that put the received mail below a header block -----------------------------------


def _outlook(
    top: str, html: Callable[[str, Sequence[Piece]], str], sent: str = "02 February 2027 09:30",
    names: tuple[str, str, str, str] = ("From", "Sent", "To", "Subject"),
) -> Callable[..., tuple[str, str | None]]:  # fmt: skip
    def write(received: Message, pieces: Sequence[Piece]) -> tuple[str, str | None]:
        values = (
            f"AI Network <{ADDRESS}>", sent, str(received.get("To")), received.subject,
        )  # fmt: skip
        block = "\n".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
        out: list[str] = []
        headed = False
        for piece in pieces:
            if isinstance(piece, str):
                out.append(piece)
                continue
            out.append(
                sheet.whole_text(piece) if headed else f"{top}{block}\n\n{sheet.whole_text(piece)}"
            )
            headed = True
        return "\n\n".join(out) + "\n", html(block, pieces)

    return write


def _fields_html(block: str) -> str:
    lines = [line.partition(": ") for line in block.split("\n")]
    return "<br>".join(f"<b>{name}:</b> {entities.escape(value)}" for name, _, value in lines)


def _classic_html(block: str, pieces: Sequence[Piece]) -> str:
    out = [
        '<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:'
        'office" xmlns:w="urn:schemas-microsoft-com:office:word"><head><meta name="Generator" '
        'content="Microsoft Word 15 (filtered medium)"><style><!-- p.MsoNormal {margin:0cm; '
        'font-size:11.0pt;font-family:"Calibri",sans-serif;} --></style></head><body lang="EN-GB" '
        'link="#0563C1" vlink="#954F72"><div class="WordSection1">'
    ]
    headed = False
    for piece in pieces:
        if isinstance(piece, str):
            colour = ' style="color:red"' if headed else ""
            body = _paragraphs(piece, "p", f' class="MsoNormal"{colour}')
            out.append(body.replace("<br></p>", "<o:p>&nbsp;</o:p></p>"))
            continue
        if not headed:
            out.append(
                '<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm '
                f'0cm"><p class="MsoNormal">{_fields_html(block)}<o:p></o:p></p></div></div>'
            )
            headed = True
        out += [block_.html for block_ in piece]
    return "".join(out) + "</div></body></html>"


def _web_html(block: str, pieces: Sequence[Piece]) -> str:
    out = ['<html><head></head><body dir="ltr">']
    headed = False
    for piece in pieces:
        if isinstance(piece, str):
            out.append(
                _paragraphs(piece, "div", ' class="elementToProof" style="font-family: Aptos"')
            )
            continue
        if not headed:
            out.append(
                '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" '
                'tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif" '
                f'style="font-size:11pt">{_fields_html(block)}</font><div>&nbsp;</div></div><div>'
            )
            headed = True
        out += [block_.html for block_ in piece]
    return "".join(out) + ("</div>" if headed else "") + "</body></html>"


_RULE = "_" * 32 + "\n"
OUTLOOK = Program(
    "Outlook classic", _as_blocks(sheet.close_link), _outlook("", _classic_html), reply="RE: ",
)  # fmt: skip
OUTLOOK_GERMAN = Program(
    "Outlook classic", _as_blocks(sheet.close_link),
    _outlook(
        "", _classic_html, "Dienstag, 2. Februar 2027 10:30", ("Von", "Gesendet", "An", "Betreff")
    ),
    reply="AW: ",
)  # fmt: skip
OUTLOOK_MAC = Program(
    "Outlook for Mac", _as_blocks(sheet.close_link),
    _outlook(
        "", _classic_html, "Tuesday, 2 February 2027 at 09:30", ("From", "Date", "To", "Subject")
    ),
    reply="Re: ",
)  # fmt: skip
SAMSUNG = Program(
    "Samsung Email", _as_blocks(sheet.apart_link),
    _outlook(
        "-------- Original message --------\n", _web_html, "02/02/2027 09:30 (GMT+00:00)",
        ("From", "Date", "To", "Subject"),
    ),
)  # fmt: skip
OUTLOOK_WEB = Program("Outlook new/web", _as_blocks(sheet.close_link), _outlook(_RULE, _web_html))
OUTLOOK_MOBILE = Program(
    "Outlook mobile", _as_blocks(sheet.no_link),
    _outlook(_RULE, _web_html, "Tuesday, February 2, 2027 9:30:00 AM"),
)  # fmt: skip


def wrapped_links(made: EmailMessage) -> EmailMessage:
    """The message with its links rewritten, as a gateway did when the digest came in."""

    def wrap(found: re.Match[str]) -> str:
        data = "05%7C02%7Cdora%40calder.example%7C3f1c5d2e9b7a4f60%7C0%7C0%7C638741000000000000"
        return (
            f"https://eur02.safelinks.protection.outlook.com/?url={quote(found.group(), safe='')}"
            f"&data={data}&sdata=Zm9sa21vb3Q%3D&reserved=0"
        )

    for part in made.walk():
        if part.get_content_maintype() == "text":
            assert isinstance(part, EmailMessage)
            text = re.sub(r"https://network\.example\.org[^\s<>\"')]*", wrap, part.get_content())
            part.set_content(text, subtype=part.get_content_subtype())
    return made

"""How people, lists, meetings and posts are said in mails, and how texts are laid out."""

import datetime as dt
import re
import textwrap
from collections.abc import Iterable, Sequence

from jinja2.utils import urlize
from markupsafe import Markup

from core import addresses, clock, links, settings
from meetings.contributions import Part
from meetings.models import Contribution, Meeting
from message import markdown, quoting, sanitise
from subscribers.models import MailingList

#: Columns of plain text.
WIDTH = 72
LONGEST_SUBJECT = 200
_NEVER = 1 << 30
#: So many lines of a quotation are repeated in a copy of a post.
MOST_QUOTED = 12
_IMAGE = re.compile(r"<img\b[^>]*>")
_ALT = re.compile(r'\balt="([^"]*)"')
_LEAD = re.compile(r"(?P<quote>(?:>+ ?)+)|(?P<list> *(?:[-*•]|\d{1,2}[.)]) )|(?P<blank> +)")


# --- texts ------------------------------------------------------------------------------------


def folded(text: str) -> str:
    """Plain text with its long lines broken at 72 columns, and single empty lines.

    Lists hang, quotations stay quoted, addresses of pages are never broken.
    """
    lines: list[str] = []
    for line in text.splitlines():
        lines += _folded(line)
    whole = "\n".join(line if line == "-- " else line.rstrip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", whole).strip("\n") + "\n"


def _folded(line: str) -> list[str]:
    if len(line) <= WIDTH:
        return [line]
    lead = _LEAD.match(line)
    start = lead.group() if lead else ""
    hang = " " * len(start) if lead and lead.group("list") else start
    return textwrap.wrap(
        line, WIDTH, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    ) or [line]


def without_markers(text: str) -> str:
    """A text in which nothing passes for the marker of a slot (message.mould.marker)."""
    return text.replace("Xslot", "X\u200cslot")


def one_line(text: str) -> str:
    """A subject: line breaks and control characters, which people paste, become blanks."""
    plain = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())
    return plain if len(plain) <= LONGEST_SUBJECT else f"{plain[:LONGEST_SUBJECT].rstrip()}…"


def indented(text: str, by: str) -> str:
    """Each line of a text behind `by`."""
    return "\n".join(f"{by}{line}" if line.strip() else "" for line in text.splitlines())


def said(text: str) -> Markup:
    """What a person wrote as plain text, as HTML: paragraphs, quotations, links."""
    out: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text.strip("\n")):
        quoted: list[str] = []
        plain: list[str] = []
        for line in block.splitlines():
            if line.startswith(">"):
                out += _paragraph(plain)
                plain = []
                quoted.append(line.lstrip("> ").rstrip())
            else:
                out += _quotation(quoted)
                quoted = []
                plain.append(line.rstrip())
        out += _quotation(quoted) + _paragraph(plain)
    return Markup("\n".join(out))  # noqa: S704 - each line went through urlize, which escapes


def _paragraph(lines: Sequence[str]) -> list[str]:
    kept = [line for line in lines if line.strip()]
    return [f"<p>{'<br>'.join(str(urlize(line)) for line in kept)}</p>"] if kept else []


def _quotation(lines: Sequence[str]) -> list[str]:
    inside = _paragraph(lines)
    return [f"<blockquote>{inside[0]}</blockquote>"] if inside else []


def written(source: str) -> dict[str, str]:
    """What a coordinator wrote in Markdown: as `text`, and as `html` below the mail's heading."""
    html = _IMAGE.sub(_described, markdown.to_html(source))
    if "<h1>" in html:
        for level in (5, 4, 3, 2, 1):
            html = html.replace(f"<h{level}>", f"<h{level + 1}>")
            html = html.replace(f"</h{level}>", f"</h{level + 1}>")
    return {
        "text": markdown.to_text(source, columns=_NEVER),  # its lines are broken for all the mail
        "html": Markup(sanitise.clean(html)),  # noqa: S704 - cleaned
    }


def _described(image: re.Match[str]) -> str:
    # Nothing remote is loaded by a mail of ours: it would tell who read it when.
    found = _ALT.search(image.group())
    return found.group(1) if found else ""


def extract(words: str, limit: int = 300) -> str:
    """The beginning of a text in one paragraph, ending with a word."""
    plain = " ".join(words.split())
    if len(plain) <= limit:
        return plain
    cut = plain[:limit].rsplit(" ", 1)[0].rstrip(".,;:–- ")
    return f"{cut}…"


def own_and_quoted(parts: Iterable[tuple[str, str]]) -> str:
    """The text of a post as others get it: its words, what they answer, and the signature.

    However its mail program told them apart (by a colour, by nothing), here marks do.

    What is quoted below the last words is left out: everybody has had it.
    """
    kept = list(parts)
    while kept and (kept[-1][0] in {"quoted", "folded"} or not kept[-1][1].strip()):
        kept.pop()
    texts = [
        _shortened(quoting.marked(text)) if kind == "quoted" else quoting.unmarked(text)
        for kind, text in kept
        if kind != "folded"
    ]
    return re.sub(r"\n{3,}", "\n\n", "".join(texts)).strip("\n")


def _shortened(quotation: str) -> str:
    lines = quotation.splitlines(keepends=True)
    if len(lines) <= MOST_QUOTED:
        return quotation
    return "> […]\n" + "".join(lines[-MOST_QUOTED + 1 :])


# --- people and numbers -----------------------------------------------------------------------


def with_organisation(name: str, organisation: str) -> str:
    """A person as others know them: "Jane Doe (Swindon Council)"."""
    return f"{name} ({organisation})" if organisation else name


def joined(things: Sequence[str]) -> str:
    """Things in a row: "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(things[:-1]), things[-1]] if len(things) > 1 else list(things))


def counted(number: int, thing: str) -> str:
    """A number of things: "1 post", "3 posts"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def size_of_file(octets: int) -> str:
    """The size of a file as people say it."""
    if octets < 1_000_000:
        return f"{max(1, round(octets / 1000))} kB"
    return f"{octets / 1_000_000:.1f} MB"


# --- the network's things ---------------------------------------------------------------------


def network_words() -> dict[str, str]:
    """The network: its name, who runs it, and how to reach them."""
    setting = settings.current()
    return {
        "name": setting.network_name,
        "host": setting.host_name,
        "contact": setting.contact or addresses.of(suffix="owner"),
        "url": links.home(),
    }


def list_words(list_: MailingList) -> dict[str, object]:
    """A list: its title, pages and addresses."""
    commands = {
        f"{command}_address": addresses.of(list_.name, command)
        for command in ("join", "leave", "help", "owner", "updates")
    }
    return {
        "title": list_.title,
        "description": list_.description,
        "announce_only": list_.announce_only,
        "address": addresses.of(list_.name),
        "url": links.list_page(list_.name),
        "join_url": links.join(list_.name),
        **commands,
    }


def meeting_words(meeting: Meeting) -> dict[str, object]:
    """A meeting: when, where, about what, who speaks."""
    zone = meeting.zone
    parts = [part for part in meeting.contributions if part.kind == Part.SPEAKER]
    updates = [part for part in meeting.contributions if part.kind == Part.UPDATE]
    return {
        "title": meeting.title,
        "theme": meeting.theme,
        "when": clock.spoken_span(meeting.starts_at, meeting.ends_at, zone),
        "short_when": clock.spoken(meeting.starts_at, zone),
        "place": meeting.place or "to be announced",
        "join_link": meeting.join_link,
        "url": links.meeting(meeting.id),
        "description": meeting.description,
        "speakers": [contribution_words(part) for part in parts],
        "updates": [contribution_words(part) for part in updates],
    }


def contribution_words(part: Contribution) -> dict[str, str]:
    """What a speaker or a partner contributes."""
    organisation = part.organisation if part.organisation != part.who else ""
    return {"who": part.who, "organisation": organisation, "words": " ".join(part.words.split())}


def spoken_day(instant: dt.datetime) -> str:
    """The date of an instant on our wall: "Tuesday 2 March 2027"."""
    return clock.spoken_date(clock.to_wall(instant, settings.current().zone).date())


def spoken_month(instant: dt.datetime) -> str:
    """The month of an instant on our wall: "March 2027"."""
    return f"{clock.to_wall(instant, settings.current().zone):%B %Y}"

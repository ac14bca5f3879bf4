"""Every kind of mail: complete, readable in both forms, and nothing in it that reports back."""

import itertools
import re
import tomllib
from html.parser import HTMLParser

import pytest

import templates
from core import clock
from mailings import kinds, samples
from message import plaintext
from message.parse import Message
from tests.mailings import golden

KINDS = sorted(kinds.ALL)
FILES = ("subject.txt", "body.txt", "body.html", "sample.toml")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind in turn."""
    name: str = request.param
    return name


@pytest.fixture
def mail(kind: str) -> Message:
    """Its sample as a reader gets it."""
    return golden.mail(kind)


class Page(HTMLParser):
    """What a lint of HTML wants to know."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.links: list[tuple[str, str]] = []
        self._open: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and where a link leads."""
        self.tags.append((tag, dict(attrs)))
        if tag == "a":
            self._open = dict(attrs).get("href") or ""
            self.links.append((self._open, ""))

    def handle_endtag(self, tag: str) -> None:
        """A link ends."""
        if tag == "a":
            self._open = None

    def handle_data(self, data: str) -> None:
        """Note the words of a link."""
        if self._open is not None:
            address, words = self.links[-1]
            self.links[-1] = (address, words + data)


def page(mail: Message) -> Page:
    """The HTML part taken apart."""
    assert mail.html is not None
    return Page(mail.html)


def test_four_files(kind: str) -> None:
    """A kind has a subject, two bodies and a sample."""
    folder = templates.FOLDER / "email" / kind
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert tomllib.loads((folder / "sample.toml").read_text())


def test_every_folder_is_of_a_kind() -> None:
    """A folder of templates without its kind is forgotten."""
    folders = {path.name for path in (templates.FOLDER / "email").iterdir() if path.is_dir()}
    assert folders == set(KINDS)


def test_golden(kind: str, mail: Message) -> None:
    """The mail reads as it did when somebody last looked at it.

    Rewrite with `python -m tests.mailings.golden`, and read what has changed.
    """
    assert golden.text_of(mail) == (golden.FOLDER / f"{kind}.txt").read_text()
    assert golden.html_of(mail) == (golden.FOLDER / f"{kind}.html").read_text()


def test_o21_plain_text_says_all_that_html_says(mail: Message) -> None:
    """Each link, address and word of the HTML stands in the plain text too."""
    assert mail.html is not None
    for address, _ in page(mail).links:
        plain = address.removeprefix("mailto:").partition("?")[0]
        assert plain in mail.text, address
    said = set(re.findall(r"\w+", f"{mail.subject} {mail.text}".casefold()))
    shown = set(re.findall(r"\w+", plaintext.from_html(mail.html).casefold()))
    assert shown - said == set()


def test_o38_nothing_is_loaded_from_elsewhere(mail: Message) -> None:
    """No pixel, font, picture or style sheet: opening the mail tells nobody."""
    assert mail.html is not None
    tags = {tag for tag, _ in page(mail).tags}
    assert not tags & {"img", "script", "link", "iframe", "object", "form", "input", "video"}
    assert not re.search(r"url\(|@import|@font-face|background=|\ssrc=", mail.html)


def test_o39_html_that_outlook_shows(mail: Message) -> None:
    """Language, title, tables for presentation only, one heading, styles inside, 600 pixels."""
    shown = page(mail)
    assert mail.html is not None
    assert [given.get("lang") for tag, given in shown.tags if tag == "html"] == ["en-GB"]
    assert re.search(r"<title>[^<]+</title>", mail.html)
    tables = [given for tag, given in shown.tags if tag == "table"]
    assert tables
    assert all(given.get("role") == "presentation" for given in tables)
    assert len([tag for tag, _ in shown.tags if tag == "h1"]) == 1
    assert "max-width: 600px" in mail.html
    assert not re.search(r"display:\s*(grid|flex)", mail.html)
    assert all("style" in given for tag, given in shown.tags if tag in {"p", "h1", "h2", "td"})


def test_w41_links_say_where_they_go(mail: Message) -> None:
    """No "click here": a link has words of its own, or is its address."""
    for address, words in page(mail).links:
        assert words.strip()
        assert words.strip().lower() not in {"here", "click here", "link", "this link", "more"}
        assert address.startswith(("https://", "mailto:")), address


def test_w41_headings_go_down_one_by_one(mail: Message) -> None:
    """No level is left out."""
    levels = [int(tag[1]) for tag, _ in page(mail).tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_plain_text_has_72_columns(mail: Message) -> None:
    """Only an address that cannot be broken is longer, so it reads well where nothing flows."""
    for line in golden.plain_part(mail).splitlines():
        assert len(line) <= 72 or " " not in line.strip(), line


def test_o44_plain_text_flows(mail: Message) -> None:
    """A reader that joins lines sees the paragraphs; the line above the signature stands alone."""
    lines = golden.plain_part(mail).splitlines()
    assert lines.count("-- ") == 1
    place = lines.index("-- ")
    assert lines[place - 1] == ""
    joined = plaintext.unflow("\n".join(lines))
    assert joined.strip() == mail.text.strip()
    assert plaintext.flowed(joined) == "\n".join(lines)
    # Nothing flows into an empty line, and no line holds blanks alone.
    for line, after in itertools.pairwise(lines):
        assert not (line.endswith(" ") and line != "-- " and not after), line
        assert line.strip() or not line


def test_o44_what_fills_a_line_from_its_start_needs_no_stuffing(kind: str) -> None:
    """RFC 3676 §4.4: values begin with no blank, ">" or "From ", as they are links or addresses."""
    with clock.turned(golden.MOMENT):
        pieces = samples.sample(kind).rendered.mould.pieces
    before = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            before = piece
        elif piece[0] == "text" and before.endswith((b"\r\n=\r\n", b"\r\n\r\n=\r\n")):
            assert piece[1].partition(":")[0] in {"leave_url", "leave_address", "rsvp_url",
                                                  "reply_address"}  # fmt: skip


def test_o22_who_writes_and_how_to_leave(kind: str, mail: Message) -> None:
    """Both parts say why one gets the mail, who runs the network, and how to leave."""
    assert mail.html is not None
    for part in (mail.text, plaintext.from_html(mail.html)):
        flat = " ".join(part.split())
        assert re.search(r"You get this (last )?email", flat)
        assert "Example Association" in flat
        assert "coordinator@host.example" in flat
        if kinds.ALL[kind].bulk:
            assert "Leave AI Network" in flat
    if kinds.ALL[kind].bulk:
        assert "https://network.example.org/leave/" in mail.text
        assert "https://network.example.org/leave/" in mail.html
        for part in (mail.text, mail.html):
            assert "ai-network+aeaq" in part  # the address that leaves


def test_nothing_is_left_to_fill(mail: Message) -> None:
    """No marker, no template sign, no word for a missing value."""
    assert mail.html is not None
    for part in (mail.subject, mail.text, mail.html):
        assert not re.search(r"Xslot|\{\{|\{%|\bNone\b|Undefined", part)
    assert not mail.defects


def test_site_folder_goes_first(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, our_settings: object
) -> None:
    """An operator overrides one file by the same path; the others stay."""
    from pathlib import Path

    from core import settings

    site = Path(str(tmp_path)) / "site"
    (site / "email" / "help").mkdir(parents=True)
    (site / "email" / "help" / "subject.txt").write_text("Cymorth")
    settings.use(settings.current().model_copy(update={"templates": site}))
    assert golden.mail("help").subject == "Cymorth"
    assert "This is what you can do" in golden.mail("help").text
    assert samples.folder_of("help").is_dir()

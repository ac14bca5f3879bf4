"""Texts laid out: nothing is lost, nothing is obeyed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailings import wording

LINES = st.text(alphabet=st.sampled_from("abc def,.-> *1é\n"), max_size=400)


@given(LINES)
def test_folding_loses_nothing(text: str) -> None:
    """Whatever is folded has the same words in the same order, and no long line with a blank."""
    folded = wording.folded(text)
    strip = str.maketrans("", "", "> \n")
    assert folded.translate(strip) == text.translate(strip) or ">" in text
    for line in folded.splitlines():
        assert len(line) <= wording.WIDTH or " " not in line.strip(" >-*1234567890.")


@pytest.mark.parametrize(
    ("line", "start"),
    [("- " + "word " * 30, "  w"), ("> " + "word " * 30, "> w"), ("    " + "word " * 30, "    w"),
     ("12. " + "word " * 30, "    w"), ("word " * 30, "w")],
)  # fmt: skip
def test_folded_lines_hang(line: str, start: str) -> None:
    """Lists hang below their sign, quotations stay quoted."""
    assert wording.folded(line).splitlines()[1].startswith(start)


@given(st.text(max_size=200))
def test_what_people_write_is_not_obeyed(text: str) -> None:
    """Only our own tags come out, whatever goes in."""
    html = str(wording.said(text))
    tags = set(re.findall(r"<(/?\w+)", html))
    assert tags <= {"p", "/p", "blockquote", "/blockquote", "br", "a", "/a"}


def test_said_keeps_quotations_and_links() -> None:
    """A quotation and an address look like what they are."""
    html = str(wording.said("> What?\n\nSee https://a.example/x?b=1&c=2 <b>now</b>"))
    assert "<blockquote><p>What?</p></blockquote>" in html
    assert '<a href="https://a.example/x?b=1&amp;c=2"' in html
    assert "&lt;b&gt;now&lt;/b&gt;" in html


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([("own", "Yes.\n"), ("quoted", "> Is it?\n")], "Yes."),
        ([("quoted", "> Is it?\n"), ("own", "Yes.\n")], "> Is it?\nYes."),
        ([("own", "Yes.\n"), ("signature", "-- \nJo\n"), ("folded", "Private!\n")],
         "Yes.\n-- \nJo"),
        ([("own", "a\n"), ("folded", "x\n"), ("own", "b\n")], "a\nb"),
        ([("quoted", "From: Jo <jo@x.example>\n\nIs it?\n\n"), ("own", "Yes, > 5 %.\n")],
         "> From: Jo <jo@x.example>\n>\n> Is it?\n\nYes, > 5 %."),
        ([("own", "a\n"), ("quoted", "\nIs it?\n"), ("own", "Yes.\n")], "a\n\n> Is it?\nYes."),
        ([("quoted", "> Is it?\n"), ("own", "> Yes.\n>\n> All.\n"), ("quoted", "> Bye\n")],
         "> Is it?\nYes.\n\nAll."),
    ],
)  # fmt: skip
def test_a_copy_holds_what_is_new(parts: list[tuple[str, str]], text: str) -> None:
    """What is quoted below the last words is left out, what they answer stays."""
    assert wording.own_and_quoted(parts) == text


def test_long_quotations_are_shortened() -> None:
    """Of a whole mail above the answer only the end is repeated."""
    quotation = "".join(f"> line {n}\n" for n in range(100))
    text = wording.own_and_quoted([("quoted", quotation), ("own", "Yes.\n")])
    assert text.splitlines()[0] == "> […]"
    assert len(text.splitlines()) == wording.MOST_QUOTED + 1


def test_pictures_are_described_not_loaded() -> None:
    """Markdown with a picture gives its description; headings go below the mail's own."""
    made = wording.written("# News\n\n## More\n\n![A chart](https://x.example/p.png)")
    assert "<img" not in made["html"]
    assert "A chart" in made["html"]
    assert "<h2>News</h2>" in made["html"]
    assert "<h3>More</h3>" in made["html"]


@pytest.mark.parametrize(
    ("things", "said"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_joined(things: list[str], said: str) -> None:
    """Things in a row as one says them."""
    assert wording.joined(things) == said


def test_extract_ends_with_a_word() -> None:
    """A cut text says that it is cut."""
    assert wording.extract("a b  c\n d") == "a b c d"
    cut = wording.extract("word " * 100, 30)
    assert cut.endswith("word…")
    assert len(cut) <= 31


def test_nothing_passes_for_a_slot() -> None:
    """Somebody who writes a marker must not get the reader's leave link into a mail."""
    from message import mould

    forged = mould.marker("leave_url")
    assert wording.without_markers(f"a {forged} b") != f"a {forged} b"
    assert not re.search(r"Xslot([0-9a-f]{2})+Z", wording.without_markers(forged))

"""Answers inside of a quotation that marks nothing are told as their author says above."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from message.quoting import own_words, split
from message.quoting.inserted import hue

HEAD = (
    "From: Rachel Imrie <rachel@stane.example>\nSent: 04 June 2026 09:12\n"
    "To: Colin Veitch <colin@stane.example>\nSubject: Open points\n\n"
)
ASKED = ("Who can see the recordings?", "How long do we keep them?")
ANSWERED = ["Only the social worker.", "Thirty days, then they go."]
SPACED = "\n\n".join(
    text for pair in zip(ASKED, ANSWERED, strict=True) for text in pair
)  # fmt: skip
TIGHT = "".join(f"{one}\n[{{0}}] {two}\n" for one, two in zip(ASKED, ANSWERED, strict=True))
LINES = "".join(f"{one}\n{two}\n" for one, two in zip(ASKED, ANSWERED, strict=True))


def own(said: str, below: str, html: str | None = None) -> list[str]:
    """The own words above the quotation and inside of it, by line."""
    text = f"{said}\n\n{HEAD}{below}\n\nRegards\nRachel\n"
    passages = split(text, author="Colin Veitch", html=html)
    assert "".join(passage.text for passage in passages) == text
    return [line for line in own_words(passages).splitlines() if line]


def painted(style: str, tag: str = "span") -> str:
    """The message in HTML, with its answers in a style."""
    pairs = zip(ASKED, ANSWERED, strict=True)
    return "".join(
        f"<p>{one}</p><p><{tag} {style}>{two}</{tag}></p>" for one, two in pairs
    )  # fmt: skip


@pytest.mark.parametrize(
    "said",
    ["See my replies after each of your questions below.", "Svar nedan i texten.",
     "Meine Antworten stehen direkt unter den Fragen.", "My comments are in-line.",
     "Mes réponses sont ci-dessous.", "Mae fy atebion isod."],
)  # fmt: skip
def test_below_each_question(said: str) -> None:
    """Said so above, what stands below several questions is an answer."""
    assert own(said, SPACED) == [said, *ANSWERED]
    assert own(said, LINES) == [said, *ANSWERED]


@pytest.mark.parametrize(
    ("said", "below"),
    [
        ("Thanks, all clear.", SPACED),
        ("See my answer below.", f"{ASKED[0]}\n\nWe need to know by Friday."),
        ("See my answers below.", f"{ASKED[0]}\n\n{ASKED[1]}\n\nMany thanks,"),
        ("I read this in red ink.", SPACED),
        ("Is [URGENT] still in the subject?", TIGHT.format("JK")),
    ],
)
def test_what_nobody_announced_is_quoted(said: str, below: str) -> None:
    """What somebody asked, and went on to say, stays theirs."""
    assert own(said, below) == [said]


@pytest.mark.parametrize(
    ("said", "tag"),
    [("See my notes below, marked [JK].", "JK"), ("Some notes.", "CV"), ("Some notes.", "Colin")],
)
def test_behind_a_name_in_brackets(said: str, tag: str) -> None:
    """Named above, or the author's own name or initials."""
    answers = [f"[{tag}] {words}" for words in ANSWERED]
    assert own(said, TIGHT.format(tag)) == [said, *answers]


def test_what_lies_deeper_was_there_before() -> None:
    """Answers of the last round, behind the same name and in a colour spoken of then."""
    red = painted('style="color:red"')
    assert own("Notes.", f"Older.\n\n{HEAD}{TIGHT.format('CV')}", red) == ["Notes."]
    assert own("In red.", f"In red.\n\n{HEAD}{SPACED}", red) == ["In red."]
    assert own("Now red.", f"In blue.\n\n{HEAD}{SPACED}", red) == ["Now red.", *ANSWERED]


@pytest.mark.parametrize("sign", [">>", "**", "-->", "##"])
def test_behind_a_sign(sign: str) -> None:
    """Of which the text above speaks; in a quotation with marks of its own it says nothing."""
    answers = [f"{sign} {words}" for words in ANSWERED]
    below = "\n".join(line for pair in zip(ASKED, answers, strict=True) for line in pair)
    assert own(f"Mine start with {sign}", below)[1:] == (ANSWERED if sign == ">>" else answers)
    assert own("Thanks.", below) == ["Thanks."]
    marked = "".join(f"> {line}\n" for line in below.splitlines())
    assert own(f"Mine start with {sign}", marked)[1:] == []


def test_whose_colour_it_is() -> None:
    """Mine, not yours, last week's or that of a file; any, where answers stand below."""
    red = painted('style="color:red"')
    for said in ("I added mine in green, yours are in red.", "The red ones are from last week.",
                 "Changes are in red in the attached file."):  # fmt: skip
        assert own(said, SPACED, red) == [said]
    for said in ("I've typed into your email.", "I've replied in red within your email."):
        assert own(said, SPACED, red) == [said, *ANSWERED]


def test_minutes_are_not_answers() -> None:
    """Where others have their initials too, the author spoke in a meeting."""
    said = "One correction: Tom asked, not me."
    below = "[CV] How long are drafts kept?\n[PH] Thirty days.\n[CV] So be it."
    assert own(said, below) == [said]


def test_a_wrapped_answer_goes_on() -> None:
    """A full line goes on in small letters; a short one does not."""
    long = "[CV] Only the social worker who made it, and her manager when she is away on leave or"
    below = f"{ASKED[0]}\n{long}\nfor longer.\nand how long is it kept?\n[CV] Thirty days.\nfor now"
    assert own("Notes.", below) == ["Notes.", long, "for longer.", "[CV] Thirty days."]


@pytest.mark.parametrize(
    ("said", "style"),
    [
        ("My answers are in red.", 'style="color:red"'),
        ("Meine Antworten in Rot.", "style='mso-x:y;color:#C00000'"),
        ("I've answered in blue.", 'style="color: rgb(0, 0, 255);"'),
        ("Antwoorden in het groen.", 'style="font-size:12pt; color: rgb(12, 136, 42)"'),
    ],
)
def test_in_a_colour(said: str, style: str) -> None:
    """The colour that is named above, however HTML says it, with a text beside it or not."""
    assert own(said, SPACED, painted(style)) == [said, *ANSWERED]
    assert own("All clear.", SPACED, painted(style)) == ["All clear."]


def test_in_a_colour_of_old() -> None:
    """<font> too; another colour than that is somebody else's."""
    assert own("In red.", SPACED, painted('color="#ff0000"', "font")) == ["In red.", *ANSWERED]
    assert own("In red.", SPACED, painted('color="blue"', "font")) == ["In red."]


def test_a_quotation_all_in_that_colour() -> None:
    """Is as it was sent."""
    html = f'<div style="color:red">{painted("")}<p>Regards</p><p>Rachel</p></div>'
    html += f'<div style="color:red">{HEAD.replace("<", "&lt;")}</div>'
    assert own("Thanks for the red one.", SPACED, html) == ["Thanks for the red one."]


def test_typed_into_what_outlook_quotes() -> None:
    """It renames the classes of what it quotes, and so tells the rest, whatever is said above."""
    quoted, typed = '<div class="x_elementToProof">', '<div class="elementToProof">'
    html = "".join(
        f"{quoted}{one}</div>{typed}{two}</div>"
        for one, two in zip(ASKED, ANSWERED, strict=True)
    )  # fmt: skip
    assert own("Hello Rachel,", SPACED, html) == ["Hello Rachel,", *ANSWERED]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("red", "red"), ("#c00", "red"), ("rgb(192,0,0)", "red"), ("#0070C0", "blue"),
     ("#00B050", "green"), ("#7030A0", "purple"), ("yellow", "yellow"),
     ("rgba(0, 0, 255, .9)", "blue"),
     ("black", None), ("windowtext", None), ("#333333", None), ("white", None), ("#12", None),
     ("rgb(9999,0,0)", None), ("", None)],
)  # fmt: skip
def test_colours(value: str, expected: str | None) -> None:
    """Those that people name; black, grey and what is no colour are none."""
    assert hue(value) == expected


@given(
    st.lists(st.sampled_from([HEAD, SPACED, TIGHT, "In red below.", "> x\n", "\n"]), max_size=6),
    st.lists(st.sampled_from(["<p>", "</p>", '<span style="color:red">', "<font color=",
                              '<div class="x_elementToProof">', '<div class="elementToProof">',
                              ANSWERED[0], "\x00", "\ud800", "<?xml encoding='x'?>"]), max_size=8),
)  # fmt: skip
def test_i35_whatever_the_html_nothing_is_lost(text: list[str], html: list[str]) -> None:
    """The passages together are the text."""
    joined = "\n".join(text)
    passages = split(joined, author="Colin Veitch", html="".join(html))
    assert "".join(passage.text for passage in passages) == joined

"""Own words told from all else, over 800 replies from some 170 mail programs in 60 languages."""

from collections.abc import Callable
from typing import Any

import pytest

from archive.letters import _body
from message.parse import parse
from message.quoting import Passage, own_words, split
from tests.written.mail import bare, folded, written

#: How many must be told apart exactly. In a bare text, without a header, nobody knows the author's
#: name; what is passed on, and a message that is a signature only, we show where others hide it.
FLOORS = {
    "replies_text": 169, "replies_html": 85, "replies_mixed": 189, "replies_text_2": 91,
    "replies_mixed_2": 99, "replies_mixed_3": 74,
}  # fmt: skip
#: Own words that are not shown as such: the very words of a disclaimer, a law that the author
#: quotes; in a quotation without marks the second paragraph of an answer, and the end of a line.
#: They are folded, not lost.
HIDDEN = {
    "disclaimer-words-as-topic.eml", "033_own_line_ends_wrote.txt", "w15-same-line-red.eml",
    "w05-name-brackets-two-para.eml", "x12-plain-nomark-partial-hard.eml",
}  # fmt: skip


def passages_of(case: dict[str, Any]) -> list[Passage]:
    """A case taken apart as the archive does it."""
    if case["file"].endswith(".txt"):
        text = case["raw"].decode().replace("\r\n", "\n")
        passages = split(text)
    else:
        message = parse(case["raw"])
        text = _body(message)
        passages = split(text, author=message.author_name, html=message.html)
    assert "".join(passage.text for passage in passages) == text
    return passages


@pytest.mark.parametrize("name", FLOORS)
def test_own_words(name: str) -> None:
    """The words that somebody newly wrote, no more and no less; the score is printed."""
    same: Callable[[str], str] = folded if name.startswith("replies_text") else bare
    exact, otherwise = 0, []
    for case in written(name):
        if same(own_words(passages_of(case))) == same(case["own_words"]):
            exact += 1
        else:
            otherwise.append(case["file"])
    print(f"\n{name}: {exact} of {exact + len(otherwise)} exact\n  otherwise: {otherwise}")
    assert exact >= FLOORS[name]


@pytest.mark.parametrize("name", FLOORS)
def test_i35_no_words_of_the_author_are_hidden(name: str) -> None:
    """I35: what else is shown with them, each paragraph of theirs is."""
    hidden = []
    for case in written(name):
        shown = bare(own_words(passages_of(case)))
        pieces = (bare(piece) for piece in case["own_words"].split("\n\n"))
        if any(piece not in shown for piece in pieces):
            hidden.append(case["file"])
    assert set(hidden) <= HIDDEN

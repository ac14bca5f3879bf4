"""Which item somebody names in their own words; what fits two items, or none, is not guessed."""

import pytest

from archive import mentions
from archive.targets import Item

TITLES = (
    "AI Network: procurement", "AI Network: chatbots on council websites", "Copilot licences",
    "Transcription of committee meetings", "Note taking in social care",
    "A policy template for generative AI", "Update from Socitm",
)  # fmt: skip
ITEMS = [Item(n, 1, None, None, title) for n, title in enumerate(TITLES, 1)]
COMMON = ("ai", "network", "digest", "february", "2027")


@pytest.mark.parametrize(
    ("words", "item"),
    [
        ("Re item 4: we do.", 4),
        ("Item 4 - we do.", 4),
        ("#4: we do.", 4),
        ("[#4] we do.", 4),
        ("Hello all,\nabout point 4, we do.", 4),
        ("We do (item 4).", 4),
        ("Zu Punkt 3: wir auch.", 3),
        ("Ynghylch eitem 3: ni hefyd.", 3),
        ("re the transcription item: we do.", 4),
        ("We liked the transcribing question.", 4),
        ("Copilot licences: we pay 20.", 3),
        ("Copilot - we pay 20.", 3),
        ("Socitm: is it free?", 7),
        ("See you at the procurement session.", 1),
        ("On the policy template: ours is short.", 6),
        ("I can send our policy template.", 6),
        ("Regarding note taking in social care, we tried it.", 5),
        # Nothing of that names an item.
        ("Thanks, great digest!", None),
        ("Item 14 was fine.", None),
        ("Number 4 Privet Drive has no AI.", None),
        ("#1 fan here!", None),
        ("In the ranking we are #4", None),
        ("We came out as number 3 - after Leeds.", None),
        ("To number 3: we pay 20.", 3),
        ("Number 3: we pay 20.", 3),
        ("Item 3 and item 5: yes.", None),
        ("At this point 3 councils agree.", None),
        ("I was in committee meetings all day.", None),
        ("We use Copilot for note taking.", None),
        ("Great to see the AI Network growing.", None),
        ("The AI session was good.", None),
        ("On Monday we meet.", None),
        ("The update was good.", None),
        ("Re item 3: yes.\n\n\n\nMore:\nItem 5: yes.", None),
        ("", None),
    ],
)
def test_mentioned(words: str, item: int | None) -> None:
    """By number, by title, by what an item is called; else not at all."""
    assert mentions.mentioned(ITEMS, words, COMMON) == item


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ("[#6] ours is short", 6), ("Item 6: ours is short", 6), ("Copilot licences", 3),
        ("Copilot: 20", 3), ("Ours is short", None), ("Note: it is short", None), ("", None),
    ],
)  # fmt: skip
def test_opened_by(line: str, item: int | None) -> None:
    """A line announces an item at its beginning only."""
    assert mentions.opened_by(ITEMS, line) == item


@pytest.mark.parametrize(
    ("line", "item"), [("3 - 20 pounds", 3), ("3. yes", 3), ("3.5 hours", None), ("30 - x", None)]
)
def test_listed(line: str, item: int | None) -> None:
    """A bare number counts at the beginning of a line, with a sign behind it."""
    assert mentions.listed(ITEMS, line) == item

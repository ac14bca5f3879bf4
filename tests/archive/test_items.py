"""Which item of a digest an answer is about: quotation, number, name; nothing is guessed."""

import pytest

from archive import items
from archive.items import Answer, sort_out
from archive.targets import Item
from message import quoting

DIGEST = "AI Network: digest of February 2027"
LICENCES = Item(
    1, 1, 11, 101, "Copilot licences",
    "What do you pay per head? We were quoted 24 pounds a month for the whole council.",
)  # fmt: skip
NOTES = Item(
    2, 1, 12, 102, "Note taking in social care",
    "Magic notes saved our social workers hours a week. Has anybody an assessment of the risks?",
)  # fmt: skip
PARKING = Item(
    3, 1, 13, 103, "Parking fines",
    "A model drafts the answers to appeals against parking fines. The officers sign every one.",
)  # fmt: skip
ITEMS = [LICENCES, NOTES, PARKING]
TEXT = f"""AI Network, February 2027

In this digest:
1. Copilot licences
2. Note taking in social care
3. Parking fines

## Copilot licences [#1]
Anna Archer (Ashford): {LICENCES.words}

## Note taking in social care [#2]
Ben Brook (Bexhill): {NOTES.words}

## Parking fines [#3]
Dora Dale (Calder): {PARKING.words}

You get this digest because you are a member of the network.
"""
WROTE = "On Tue, 2 Feb 2027 at 09:30, AI Network wrote:"


def quoted(text: str) -> str:
    """A text with the marks of a quotation."""
    return "".join(f"> {line}\n" for line in text.splitlines())


def section(item: Item) -> str:
    """An item as the digest shows it."""
    start = TEXT.index(f"## {item.title}")
    return TEXT[start : TEXT.index("\n\n", start)] + "\n"


def until(item: Item) -> str:
    """The digest down to the end of an item."""
    return TEXT[: TEXT.index(section(item)) + len(section(item))]


def after(item: Item) -> str:
    """The digest from the end of an item."""
    return TEXT[TEXT.index(section(item)) + len(section(item)) :]


def sorted_out(
    text: str, subject: str = f"Re: {DIGEST}", given: list[Item] | None = None
) -> list[Answer]:
    """The answers in a message."""
    return sort_out(ITEMS if given is None else given, subject, DIGEST, quoting.split(text))


def numbers(text: str, subject: str = f"Re: {DIGEST}") -> list[int | None]:
    """The items that a message answers."""
    return [answer.number for answer in sorted_out(text, subject)]


@pytest.mark.parametrize(
    ("what", "text", "expected"),
    [
        ("below the quoted item", f"{quoted(section(NOTES))}\nWe tried it.\n", [2]),
        ("above the quoted item", f"We tried it.\n\n{WROTE}\n{quoted(section(NOTES))}", [2]),
        (
            "inside the whole digest",
            f"{WROTE}\n{quoted(until(NOTES))}\nWe tried it.\n\n{quoted(after(NOTES))}",
            [2],
        ),
        (
            "inside an item",
            f"{quoted(until(LICENCES))}{quoted('## Note taking in social care [#2]')}"
            f"{quoted('Ben Brook (Bexhill): Magic notes saved our social workers hours a week.')}"
            f"\nHere too.\n\n{quoted(after(NOTES))}",
            [2],
        ),
        (
            "under two items",
            f"{quoted(until(LICENCES))}\n20 pounds.\n\n{quoted(section(NOTES))}\nWe tried it.\n",
            [1, 2],
        ),
        (
            "under two items, with a greeting and a closing",
            f"Hello all, my answers are below.\n\n{WROTE}\n{quoted(until(LICENCES))}\n20 pounds."
            "\n\n"
            f"{quoted(section(PARKING))}\nWe do the same.\n\n"
            f"{quoted('You get this digest because')}\nKind regards,\nJane Smith\n",
            [1, 3],
        ),
        (
            "the heading of the next item is still quoted",
            f"{quoted(section(NOTES))}{quoted('## Parking fines')}\nWe tried it.\n",
            [2],
        ),
        ("above everything: nobody can tell", f"We tried it.\n\n{WROTE}\n{quoted(TEXT)}", []),
        ("nothing quoted: nobody can tell", "We tried it.\n", []),
        ("quoted is what we do not know", f"{quoted('Something else.')}\nWe tried it.\n", []),
        ("a visible number in the own words", "[#3] We do the same.\n", [3]),
        ("a visible number among the quoted", f"Same here.\n\n{quoted('[#2]')}", [2]),
        ("a number that is no item", "[#4821] We do the same.\n", []),
        ("the title in the first line", "On note taking in social care: we tried it.\n", [2]),
    ],
)
def test_by_text(what: str, text: str, expected: list[int]) -> None:
    """Top, bottom and inline answers, trimmed and whole quotations."""
    assert numbers(text) == expected, what


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (f"Re: {DIGEST}", []),
        (f"Re: {DIGEST} [#2]", [2]),
        ("[#3]", [3]),
        ("Re: Note taking in social care", [2]),
        ("Parking fines", [3]),
        ("A question of my own", [None]),
        ("Re: something else", []),
        ("", []),
    ],
)
def test_by_subject(subject: str, expected: list[int | None]) -> None:
    """A number or a title in the subject tells; a new subject is a topic of its own."""
    assert numbers("We tried it.\n", subject) == expected


def test_the_only_item() -> None:
    """A digest with one discussion leaves no doubt."""
    (answer,) = sorted_out("We tried it.\n", given=[PARKING])
    assert (answer.number, answer.reason) == (3, items.ONLY)


def test_nothing_is_lost_in_parting() -> None:
    """The parts of a message put together are the message."""
    text = (
        f"Hello!\n\n{WROTE}\n{quoted(until(LICENCES))}\n20 pounds.\n\n{quoted(section(NOTES))}\n"
        f"We tried it.\n\n{quoted(after(NOTES))}\nRegards\n"
    )
    answers = sorted_out(text)
    assert [answer.number for answer in answers] == [1, 2]
    assert "".join(p.text for answer in answers for p in answer.passages) == text
    own = [quoting.own_words(list(answer.passages)) for answer in answers]
    assert "20 pounds." in own[0]
    assert "We tried it." in own[1]
    assert "20 pounds." not in own[1]


SECTIONS = {
    0: "AI Network, February 2027\nIn this digest there are three items for you.\n"
    "You get this digest because you are a member of the network.",
    **{item.number: f"[#{item.number}] {item.title}\nBy somebody of another council\n{item.words}"
       for item in ITEMS},
}  # fmt: skip


@pytest.mark.parametrize(
    ("what", "text", "expected"),
    [
        ("below the whole: nobody can tell", f"{quoted(TEXT)}\nWe tried it.\n", []),
        ("below the last item, the end cut", f"{quoted(until(PARKING))}\nWe tried it.\n", [3]),
        (
            "between a heading and its text",
            f"{quoted(until(LICENCES))}{quoted('## Note taking in social care [#2]')}"
            f"\nHere too.\n\n{quoted(NOTES.words)}{quoted(after(NOTES))}",
            [2],
        ),
        ("another number than what is quoted", f"[#1] No.\n\n{quoted(section(NOTES))}", []),
        ("two items by number", "[#1] 20 pounds.\n\n[#3] The same here.\n", [1, 3]),
        ("two items by bare numbers", "1 - 20 pounds\n3 - the same here\n", [1, 3]),
        ("one's own list", "1. we tried it\n2. it works\n", []),
        (
            "the subject in the quotation names an item",
            f"Good to know.\n\n> Subject: {DIGEST}: Copilot licences and 2 more\n",
            [],
        ),
    ],
)
def test_with_the_digest_at_hand(what: str, text: str, expected: list[int]) -> None:
    """What stood in the digest besides the items tells where an answer does not belong."""
    digest = f"{DIGEST}: Copilot licences and 2 more"
    answers = sort_out(ITEMS, f"Re: {digest}", digest, quoting.split(text), SECTIONS)
    assert [answer.number for answer in answers] == expected, what
    if answers:
        assert "".join(p.text for answer in answers for p in answer.passages) == text


def test_what_two_items_share_tells_neither() -> None:
    """The same sentence in two items recognises none of them."""
    twins = [
        Item(n, 1, n, n, f"Vote {n}", "Please answer by the end of the week with yes or no.")
        for n in (1, 2)
    ]
    text = f"{quoted('Please answer by the end of the week with yes or no.')}\nYes.\n"
    assert sorted_out(text, given=twins) == []

"""Harder answers to a digest: other programs, tempting words, chains, and what nobody can tell.

Written down after the product had learned the plainer ones, to see what it has learned.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from message.parse import Message
from tests.archive.digest_replies import clients, sheet
from tests.archive.digest_replies.cases import (
    IOS,
    NO_REFERENCE,
    PHONE,
    QUESTION,
    SUBJECT,
    TO_LIST,
    Case,
    Shape,
    above_item,
    bare,
    below,
    below_item,
    inline,
    inside,
    top,
    with_banner,
)
from tests.archive.digest_replies.clients import (
    APPLE,
    GMAIL,
    GMAIL_MOBILE,
    IPHONE,
    K9,
    MUTT,
    OUTLOOK,
    OUTLOOK_GERMAN,
    OUTLOOK_MAC,
    OUTLOOK_MOBILE,
    OUTLOOK_WEB,
    SAMSUNG,
    THUNDERBIRD,
    YAHOO,
    Piece,
    Program,
)
from tests.archive.digest_replies.month import (
    BEN,
    CHATBOTS,
    LICENCES,
    NOTES,
    POLICY,
    PROCUREMENT,
    PRODUCTIVITY,
    TRANSCRIPTION,
    UPDATE,
    Month,
)
from tests.archive.digest_replies.sheet import Block


def continued(answers: dict[str, str]) -> Shape:
    """Each answer typed on behind the last word of an item's text."""

    def shape(month: Month, blocks: list[Block]) -> list[Piece]:
        out = list(blocks)
        for title, words in answers.items():
            number = month.numbers[title]
            at = max(
                place
                for place, block in enumerate(out)
                if block.item == number and "Answer this item" not in block.text
            )
            block = out[at]
            html = block.html.replace("</p>", f" <span>{words}</span></p>")
            out[at] = Block(number, html, f"{block.text} {words}")
        return ["See below.", out]

    return shape


def sentences(answers: Sequence[tuple[str, str]]) -> Shape:
    """Each answer below a sentence, all else deleted."""

    def shape(month: Month, blocks: list[Block]) -> list[Piece]:
        pieces: list[Piece] = []
        for said, words in answers:
            pieces += [[Block(0, f"<p>{said}</p>", said)], words]
        return pieces

    return shape


def above_items(words: str, *titles: str) -> Shape:
    """Above some items, all else deleted."""

    def shape(month: Month, blocks: list[Block]) -> list[Piece]:
        return [words, sheet.of_item(blocks, *(month.numbers[title] for title in titles))]

    return shape


def head_only(words: str) -> Shape:
    """Above what the program says of the quotation, which is deleted but for its first line."""
    return lambda month, blocks: [words, [blocks[0]]]


def on_top_of(first: str, words: str) -> Shape:
    """A second answer above one's first."""

    def shape(month: Month, blocks: list[Block]) -> list[Piece]:
        told = "On Wed, 3 Feb 2027 at 08:15, Dora Dale <dora@calder.example> wrote:"
        quoted = sheet.marked(sheet.whole_text(blocks))
        return [f"{words}\n\n{told}\n{sheet.marked(f'{first}{quoted}', None)}"]

    return shape


def chained(shape: Shape, words: str) -> Shape:
    """Above somebody else's answer with theirs, in a program that marks nothing."""

    def wrapped(month: Month, blocks: list[Block]) -> list[Piece]:
        head = (
            "From: Dora Dale <dora@calder.example>\nSent: 03 February 2027 08:15\n"
            "To: Ben Brook <ben@bexhill.example>\nSubject: RE: AI Network digest, February 2027\n"
        )
        return [f"{words}\n\n{head}", *shape(month, blocks)]

    return wrapped


def _text_only(program: Program) -> Program:
    """The program set to plain text."""

    def write(received: Message, pieces: Sequence[Piece]) -> tuple[str, str | None]:
        return program.write(received, pieces)[0], None

    return replace(program, write=write, has_html=False)


def harder() -> Iterator[Case]:
    """All of them."""
    yield from _other_programs()
    yield from _tempting()
    yield from _told_otherwise()
    yield from _under_titles()
    yield from _chains()


def _other_programs() -> Iterator[Case]:
    words = "Brilliant round-up."
    yield Case("praise", "nothing in particular", OUTLOOK_MAC, top(words), QUESTION)
    words = "Yes, 18 pounds via the county deal."
    yield Case(
        "typed on behind the text", "inline, one item", OUTLOOK_MAC,
        continued({LICENCES: words}), {LICENCES: words},
    )  # fmt: skip
    words = "Ours is done, I will ask whether I may share it"
    yield Case(
        "above one item", "trimmed to one item", SAMSUNG, above_item(NOTES, words), {NOTES: words}
    )
    words = "Have you asked the unions yet?"
    yield Case(
        "below one item", "inline, one item", YAHOO,
        inline({POLICY: words}, first="Hi Ben,"), {POLICY: words},
    )  # fmt: skip
    words = "We tried five, and the cheapest was best."
    yield Case(
        "below one item", "inline, one item", K9, inline({TRANSCRIPTION: words}),
        {TRANSCRIPTION: words},
    )  # fmt: skip
    words = "Only where a person checks."
    yield Case(
        "below the last item", "inline, one item", OUTLOOK, inline({PRODUCTIVITY: words}),
        {PRODUCTIVITY: words},
    )  # fmt: skip
    words = "That is my impression too."
    yield Case(
        "below the last item, the end cut", "inline, one item", GMAIL,
        inline({PRODUCTIVITY: words}, cut=True), {PRODUCTIVITY: words},
    )  # fmt: skip
    words = "Two of us from Calder will be there."
    yield Case(
        "below the first item", "inline, one item", OUTLOOK_WEB,
        with_banner(inline({PROCUREMENT: words}, first="See in the text.")), {PROCUREMENT: words},
    )  # fmt: skip
    yield Case(
        "one word below an item", "inline, one item", OUTLOOK,
        inline({NOTES: "Yes."}, first="See below."), {NOTES: "Yes."},
    )  # fmt: skip
    words = "24 pounds a month for all staff is what they wanted from us too."
    yield Case(
        "with words of the question", "inline, one item", OUTLOOK, inline({LICENCES: words}),
        {LICENCES: words},
    )  # fmt: skip
    words = "Our lawyers want one by Easter."
    yield Case(
        "rewritten links, below one item", "inline, one item", OUTLOOK,
        inline({NOTES: words}), {NOTES: words}, change=clients.wrapped_links,
    )  # fmt: skip
    words = "Looks good, is there a Welsh version?"
    yield Case(
        "below one item, all else cut", "trimmed to one item", GMAIL_MOBILE,
        below_item(UPDATE, words), {UPDATE: words},
    )  # fmt: skip
    pair = {LICENCES: "Not this year.", POLICY: "Parts of ours, the pictures mostly."}
    yield Case(
        "plain text, in the digest", "inline, several items", _text_only(OUTLOOK),
        inline(pair), pair,
    )  # fmt: skip
    yield Case(
        "below a sentence of two items", "inline, several items", THUNDERBIRD,
        sentences(
            [
                ("Has anybody got a better price through a framework?", pair[LICENCES]),
                ("Who has a policy that officers actually read?", pair[POLICY]),
            ]
        ),
        pair,
    )  # fmt: skip
    words = "The clerk of the council would like to hear more."
    yield Case(
        "below a title alone", "trimmed to one item", APPLE,
        sentences([(f"[#4] {TRANSCRIPTION}", words)]), {TRANSCRIPTION: words},
    )  # fmt: skip
    yield Case("in the table, two items", "inline, several items", GMAIL_MOBILE, inside(pair), pair)


def _tempting() -> Iterator[Case]:
    for program, words in (
        (SAMSUNG, "I was in committee meetings all day, and will read it tomorrow."),
        (YAHOO, "At this point 3 councils have told us the same."),
        (GMAIL, "Great to see the AI Network growing!"),
        (OUTLOOK, "We use Copilot for note taking."),
        (OUTLOOK, "On Monday we meet the supplier, more after that."),
        (OUTLOOK_WEB, "Does anybody have a recording of the AI session?"),
        (OUTLOOK_MOBILE, f"For the policy team here this is useful, thanks{IOS}"),
        (IPHONE, f"Agree with all of it{PHONE}"),
        (MUTT, "Item 14 was the best, joking aside."),
    ):
        yield Case(f"says {words[:30]!r}", "tempting words", program, top(words), QUESTION)
    yield Case("below all", "bottom, all quoted", OUTLOOK_GERMAN, below("Vielen Dank!"), QUESTION)
    yield Case("below all", "bottom, all quoted", YAHOO, below("So much to read."), QUESTION)
    yield Case(
        "above two items", "tempting words", THUNDERBIRD,
        above_items("We are at the same point.", LICENCES, POLICY), QUESTION,
    )  # fmt: skip
    yield Case(
        "above nothing but the head", "tempting words", OUTLOOK_WEB,
        head_only("Interesting, let us talk."), QUESTION,
    )  # fmt: skip


def _told_otherwise() -> Iterator[Case]:
    yield Case(
        "one item quoted, another named", "contradiction", OUTLOOK,
        above_item(LICENCES, "Re item 4: ask the county."), QUESTION,
    )  # fmt: skip
    yield Case(
        "number of a closed item", "closed item", IPHONE,
        bare(f"[#7] how many cameras are there?{PHONE}"), QUESTION,
    )  # fmt: skip
    yield Case(
        "words for a closed item", "closed item", GMAIL,
        top("About the enforcement pilot: how many cameras?"), QUESTION,
    )  # fmt: skip
    yield Case(
        "the same, by one who may", "named in words", OUTLOOK,
        top("Re item 6: I will collect what you send me."),
        {POLICY: "I will collect what you send me."}, sender=BEN,
    )  # fmt: skip
    yield Case(
        "in Welsh, by number", "named in words", OUTLOOK,
        top("Ynghylch eitem 4: rydym yn cyhoeddi'r cofnodion yn unig."),
        {TRANSCRIPTION: "rydym yn cyhoeddi'r cofnodion yn unig."},
    )  # fmt: skip
    words = "the bit on enforcement is what my manager asked for."
    yield Case(
        "forwarded to the list", "named in words", GMAIL,
        top(f"On the policy template: {words}"), {POLICY: words},
        fields={**TO_LIST, "Subject": f"Fwd: {SUBJECT}"},
    )  # fmt: skip
    words = "21 if you buy five hundred"
    yield Case(
        "no reference, list's address, title as subject", "subject", OUTLOOK_MOBILE,
        bare(f"{words}{IOS}"), {LICENCES: words},
        fields={**NO_REFERENCE, **TO_LIST, "Subject": f"RE: {LICENCES}"},
    )  # fmt: skip
    pair = {LICENCES: "we pay 20", NOTES: "happy to share ours"}
    yield Case(
        "two lines with numbers", "visible reference", IPHONE,
        bare(f"3 - we pay 20\n5 - happy to share ours{PHONE}"), pair,
    )  # fmt: skip


def _under_titles() -> Iterator[Case]:
    """What the digest itself advises: the item's title above the answer."""
    two = {LICENCES: "We pay 20 a head.", POLICY: "Ours has four rules."}
    three = {**two, NOTES: "The pilot ended well."}
    for program in (OUTLOOK, OUTLOOK_WEB, GMAIL, IPHONE, THUNDERBIRD, YAHOO):
        mixed = inline({POLICY: two[POLICY]}, first=f"{LICENCES}\n{two[LICENCES]}")
        yield Case("one above, one inline", "title above the answer", program, mixed, two)
        for answers in (two, three, {POLICY: two[POLICY]}, {CHATBOTS: "I will come."}):
            typed = "\n\n".join(f"{title}\n{words}" for title, words in answers.items())
            kind = "title above the answer"
            yield Case(f"{len(answers)}, nothing quoted", kind, program, bare(typed), answers)
            yield Case(f"{len(answers)}, all quoted", kind, program, top(typed), answers)
            greeted = f"Hello all,\n\n{typed}\n\nBest wishes\nDora"
            yield Case(f"{len(answers)}, greeted", kind, program, top(greeted), answers)


def _chains() -> Iterator[Case]:
    own: dict[str, str | None] = {
        "In-Reply-To": "<an-earlier-one@calder.example>",
        "References": "<an-earlier-one@calder.example>",
    }
    yield Case(
        "above one's own first answer", "chain", GMAIL,
        on_top_of("Thanks for this.\n\n", "Forgot to say: see you in Leeds."), QUESTION, fields=own,
    )  # fmt: skip
    theirs = inline({NOTES: "Dora's words, which are not Ben's."}, first="See below.")
    yield Case(
        "above a colleague's answers", "chain", OUTLOOK,
        chained(theirs, "Dora, can you send it to me?"), QUESTION, sender=BEN, fields=own,
    )  # fmt: skip


_EVERY = (
    OUTLOOK, OUTLOOK_GERMAN, OUTLOOK_MAC, OUTLOOK_WEB, OUTLOOK_MOBILE, SAMSUNG, YAHOO,
    GMAIL, GMAIL_MOBILE, APPLE, IPHONE, K9, THUNDERBIRD, MUTT,
)  # fmt: skip
_OPEN = (PROCUREMENT, CHATBOTS, LICENCES, TRANSCRIPTION, NOTES, POLICY, UPDATE, PRODUCTIVITY)
_SAID = (
    "We did that last spring and would do it again.", "Not here, I am sorry to say.",
    "Who would have thought?", "Ring me about it: extension 4412.", "Yes!", "See our website.",
    "Three people, two months, no regrets so far.", "Our leader has just said no to it.",
)  # fmt: skip


def swept(month: Month) -> Iterator[Case]:
    """Each program with each way to stand next to an item, for half of the items and pairs."""
    for turn, program in enumerate(_EVERY):
        yield Case("all", "whole, above", program, top("Well done, everybody."), QUESTION)
        yield Case("all", "whole, below", program, below("Well done, everybody."), QUESTION)
        for place, title in enumerate(_OPEN):
            if (place + turn) % 2:
                continue
            words = _SAID[(place + turn) % len(_SAID)]
            said = {title: words}
            yield Case(title, "above, trimmed", program, above_item(title, words), said)
            yield Case(title, "below, trimmed", program, below_item(title, words), said)
            yield Case(title, "inline", program, inline(said), said)
            yield Case(title, "inline, cut", program, inline(said, first="Hello,", cut=True), said)
            if program.has_html:
                yield Case(title, "within", program, inside(said, first="See below."), said)
            other = _OPEN[(place + 1 + turn) % len(_OPEN)]
            pair = {one: _SAID[_OPEN.index(one)] for one in _OPEN if one in (title, other)}
            if len(pair) == 2:
                yield Case(title, "inline, two", program, inline(pair, last="Dora"), pair)

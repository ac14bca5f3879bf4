"""Sixty-odd answers to a digest, and where a person who reads them would put each.

What is expected was written down from the letters alone: an item's title with words that must stand
in the post there, or one of QUESTION, HELD, NEW and NOTHING.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage

from core import addresses, tokens
from core.tokens import Purpose
from message.parse import Message
from tests.archive.digest_replies import clients, sheet
from tests.archive.digest_replies.clients import (
    APPLE,
    GMAIL,
    GMAIL_MOBILE,
    IPHONE,
    MUTT,
    OUTLOOK,
    OUTLOOK_GERMAN,
    OUTLOOK_MOBILE,
    OUTLOOK_WEB,
    THUNDERBIRD,
    Piece,
    Program,
)
from tests.archive.digest_replies.month import (
    BEN,
    CHATBOTS,
    CLOSED,
    DORA,
    EVE,
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

QUESTION, HELD, NEW, NOTHING = "question", "held", "new", "nothing"
Expected = str | dict[str, str]
Shape = Callable[[Month, list[Block]], list[Piece]]

IOS = "\n\nGet Outlook for iOS<https://aka.ms/o0ukef>"
ANDROID = "\n\nGet Outlook for Android<https://aka.ms/AAb9ysg>"
PHONE = "\n\nSent from my iPhone"
CARD = "\n\nKind regards\nDora\n\nDora Dale\nDigital Lead\nCalder Council\n01632 960 123"
DISCLAIMER = (
    "\n\nThis email and any attachments are confidential and intended solely for the use of the "
    "individual to whom they are addressed. If you have received this email in error please notify "
    "the sender. Calder Council may monitor emails for security purposes."
)
BANNER = (
    "CAUTION: This email originated from outside of the council. Do not click links or open "
    "attachments unless you recognise the sender and know the content is safe."
)


@dataclass(frozen=True, slots=True)
class Case:
    """An answer, by whom and with what it is written, and where it belongs."""

    what: str
    kind: str
    program: Program
    shape: Shape
    expected: Expected
    sender: str = DORA
    fields: dict[str, str | None] = field(default_factory=dict)
    #: An item whose own reply address it is written to.
    to: str = ""
    change: Callable[[EmailMessage], EmailMessage] = lambda made: made

    def write(self, month: Month, plain: bool = True) -> bytes:
        """The answer as it arrives, with or without plain text beside the HTML."""
        received = month.copy_of(self.sender)
        pieces = self.shape(month, self.program.blocks(received))
        fields = {**self.fields, **self._address(month, received)}
        made = clients.message(self.program, received, self.sender, pieces, **fields)
        if not plain:
            html = next(part for part in made.walk() if part.get_content_subtype() == "html")
            assert isinstance(html, EmailMessage)
            content = html.get_content()
            made.clear_content()
            made.set_content(content, subtype="html")
        return self.change(made).as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def _address(self, month: Month, received: Message) -> dict[str, str | None]:
        if not self.to:
            return {}
        whole = addresses.recognise(received.reply_to[0].address)
        assert whole is not None
        assert whole.token is not None
        token = tokens.read(whole.token, Purpose.REPLY)
        own = tokens.make(Purpose.REPLY, token.ids[0], month.numbers[self.to], made=token.made)
        address = addresses.of("ai-network", own)
        shown = self.fields.get("To") or "{}"
        return {"To": shown.format(address), "In-Reply-To": None, "References": None}


# --- how an answer stands to what is quoted -----------------------------------------------------


def bare(words: str) -> Shape:
    """Nothing quoted."""
    return lambda month, blocks: [words]


def top(words: str) -> Shape:
    """Above the whole digest."""
    return lambda month, blocks: [words, blocks]


def below(words: str) -> Shape:
    """Below the whole digest."""
    return lambda month, blocks: [blocks, words]


def above_item(title: str, words: str) -> Shape:
    """Above one item, all else deleted."""
    return lambda month, blocks: [words, sheet.of_item(blocks, month.numbers[title])]


def below_item(title: str, words: str) -> Shape:
    """Below one item, all else deleted."""
    return lambda month, blocks: [sheet.of_item(blocks, month.numbers[title]), words]


def inline(answers: dict[str, str], first: str = "", last: str = "", cut: bool = False) -> Shape:
    """Each answer below its item, in the whole digest (or, `cut`, only in those items)."""

    def shape(month: Month, blocks: list[Block]) -> list[Piece]:
        pieces: list[Piece] = [first] if first else []
        rest: Sequence[Block] = blocks
        for title, words in answers.items():
            number = month.numbers[title]
            part = sheet.of_item(rest, number) if cut else sheet.until(rest, number)
            rest = rest[len(sheet.until(rest, number)) :]
            pieces += [part, words]
        if rest and not cut:
            pieces.append(list(rest))
        return [*pieces, last] if last else pieces

    return shape


def inside(answers: dict[str, str], first: str = "") -> Shape:
    """Each answer in a line of its own below its item, within the quotation and marked like it."""

    def shape(month: Month, blocks: list[Block]) -> list[Piece]:
        out = list(blocks)
        for title, words in answers.items():
            number = month.numbers[title]
            out.insert(len(sheet.until(out, number)), Block(number, f"<p>{words}</p>", words))
        return [first, out] if first else [out]

    return shape


def under_heading(title: str, words: str) -> Shape:
    """Between the heading of an item and its text."""

    def shape(month: Month, blocks: list[Block]) -> list[Piece]:
        at = next(n for n, block in enumerate(blocks) if block.item == month.numbers[title])
        return [blocks[: at + 1], words, blocks[at + 1 :]]

    return shape


def sentence(words_of_item: str, words: str) -> Shape:
    """Below some words of an item that were marked with the mouse before "Reply"."""
    return lambda month, blocks: [[Block(0, f"<p>{words_of_item}</p>", words_of_item)], words]


def with_banner(shape: Shape) -> Shape:
    """The digest came with the gateway's warning on top."""

    def bannered(month: Month, blocks: list[Block]) -> list[Piece]:
        return shape(month, [Block(0, f"<p>{BANNER}</p>", BANNER), *blocks])

    return bannered


def disclaimed(shape: Shape) -> Shape:
    """The sender's gateway puts its disclaimer below everything."""
    return lambda month, blocks: [*shape(month, blocks), DISCLAIMER.strip()]


# --- the letters --------------------------------------------------------------------------------

SUBJECT = (
    "AI Network digest, February 2027: AI Network: procurement, AI Network: chatbots on council "
    "websites and 7 more"
)
NO_REFERENCE: dict[str, str | None] = {"In-Reply-To": None, "References": None}
TO_LIST: dict[str, str | None] = {"To": "AI Network <ai-network@lists.example.org>"}
_AWAY: dict[str, str | None] = {
    "Subject": f"Automatic reply: {SUBJECT}", "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "All",
}  # fmt: skip


def cases() -> Iterator[Case]:
    """All letters, program by program."""
    yield from _outlook_classic()
    yield from _outlook_web()
    yield from _outlook_mobile()
    yield from _gmail()
    yield from _apple()
    yield from _text_programs()


def _outlook_classic() -> Iterator[Case]:
    yield Case(
        "thanks for the whole",
        "nothing in particular",
        OUTLOOK,
        top(f"Thanks, great digest!{CARD}"),
        QUESTION,
    )
    yield Case(
        "above one item",
        "trimmed to one item",
        OUTLOOK,
        above_item(LICENCES, f"We pay 21.40 through the national framework.{CARD}"),
        {LICENCES: "We pay 21.40 through the national framework."},
    )
    yield Case(
        "in red below one item",
        "inline, one item",
        OUTLOOK,
        inline(
            {NOTES: "Yes, ours was signed off in January and I can share it."},
            first=f"Please see my answer below in red.{CARD}",
        ),
        {NOTES: "Yes, ours was signed off in January and I can share it."},
    )
    yield Case(
        "in red below two items",
        "inline, several items",
        OUTLOOK,
        inline(
            {
                LICENCES: "Twenty-two here, on a three year deal.",
                TRANSCRIPTION: "We only draft with it and delete the recording.",
            },
            first="Hi all, see below in red.",
        ),
        {
            LICENCES: "Twenty-two here, on a three year deal.",
            TRANSCRIPTION: "We only draft with it and delete the recording.",
        },
    )
    yield Case(
        "names the item above all",
        "named in words",
        OUTLOOK,
        top(f"Re the transcription item: we trialled two products last autumn.{CARD}"),
        {TRANSCRIPTION: "we trialled two products last autumn."},
    )
    yield Case(
        "the item's title as subject",
        "subject",
        OUTLOOK,
        top(f"Ours went up to 26 at renewal.{CARD}"),
        {LICENCES: "Ours went up to 26 at renewal."},
        fields={"Subject": f"RE: {LICENCES}"},
    )
    yield Case(
        "banner, disclaimer, below one item",
        "inline, one item",
        OUTLOOK,
        disclaimed(with_banner(inline({POLICY: "Ours is one page and lives on the intranet."}))),
        {POLICY: "Ours is one page and lives on the intranet."},
        fields={"Subject": f"RE: [EXTERNAL] {SUBJECT}"},
    )
    yield Case(
        "links rewritten by the gateway",
        "trimmed to one item",
        OUTLOOK,
        disclaimed(above_item(TRANSCRIPTION, "Two microphones per table solved it for us.")),
        {TRANSCRIPTION: "Two microphones per table solved it for us."},
        change=clients.wrapped_links,
    )
    yield Case(
        "links rewritten, whole digest",
        "nothing in particular",
        OUTLOOK,
        disclaimed(with_banner(top("Lots to read here, thank you Carol."))),
        QUESTION,
        change=clients.wrapped_links,
    )
    yield Case(
        "link of an item",
        "reply address",
        OUTLOOK,
        bare(f"Happy to send you our assessment.{CARD}"),
        {NOTES: "Happy to send you our assessment."},
        to=NOTES,
        fields={"Subject": f"Re: {NOTES}"},
    )
    yield Case(
        "German, by number",
        "named in words",
        OUTLOOK_GERMAN,
        top("Zu Punkt 3: bei uns sind es 22 Euro.\n\nViele Grüße\nDora"),
        {LICENCES: "bei uns sind es 22 Euro."},
    )
    yield Case(
        "German, below one item",
        "inline, one item",
        OUTLOOK_GERMAN,
        inline({TRANSCRIPTION: "Wir nehmen das Protokoll nur als Entwurf."}),
        {TRANSCRIPTION: "Wir nehmen das Protokoll nur als Entwurf."},
    )
    yield Case(
        "passed on in German, answered by no member",
        "not a member",
        OUTLOOK_GERMAN,
        top("Das klingt spannend, wir machen mit."),
        HELD,
        sender=EVE,
        fields={"Subject": f"AW: WG: {SUBJECT}"},
    )
    yield Case(
        "out of office",
        "automatic",
        OUTLOOK,
        bare("I am away until 15 February. For urgent matters please call 01632 960 124."),
        NOTHING,
        fields=_AWAY,
    )


def _outlook_web() -> Iterator[Case]:
    yield Case(
        "thanks to all",
        "nothing in particular",
        OUTLOOK_WEB,
        top("Thanks to everybody who wrote this month."),
        QUESTION,
    )
    yield Case(
        "below one item",
        "inline, one item",
        OUTLOOK_WEB,
        inline({LICENCES: "Nineteen, but only for two hundred people."}),
        {LICENCES: "Nineteen, but only for two hundred people."},
    )
    yield Case(
        "below three items",
        "inline, several items",
        OUTLOOK_WEB,
        inline(
            {
                LICENCES: "We have not bought any yet.",
                NOTES: "Our assessment is with the information officer.",
                POLICY: "I will send you ours.",
            },
            first="My answers are in the text below.",
        ),
        {
            LICENCES: "We have not bought any yet.",
            NOTES: "Our assessment is with the information officer.",
            POLICY: "I will send you ours.",
        },
    )
    yield Case(
        "above a partner's update",
        "trimmed to one item",
        OUTLOOK_WEB,
        above_item(UPDATE, "Is there a version for parish councils?"),
        {UPDATE: "Is there a version for parish councils?"},
    )
    yield Case(
        "all trimmed, names the item",
        "named in words",
        OUTLOOK_WEB,
        bare("re the transcription item: our clerks correct every draft by hand."),
        {TRANSCRIPTION: "our clerks correct every draft by hand."},
    )
    yield Case(
        "a meeting's title as subject",
        "subject",
        OUTLOOK_WEB,
        top("Will the session be recorded?"),
        {PROCUREMENT: "Will the session be recorded?"},
        fields={"Subject": f"RE: {PROCUREMENT}"},
    )
    yield Case(
        "number in the own words",
        "visible reference",
        OUTLOOK_WEB,
        top("[#6] We have one that fits on a postcard."),
        {POLICY: "We have one that fits on a postcard."},
    )
    yield Case(
        "address of an item in capitals",
        "reply address",
        OUTLOOK_WEB,
        bare("We publish the transcript next to the minutes."),
        {TRANSCRIPTION: "We publish the transcript next to the minutes."},
        to=TRANSCRIPTION,
        fields={"Subject": ""},
        change=_shouted,
    )
    yield Case(
        "below the whole digest",
        "bottom, all quoted",
        OUTLOOK_WEB,
        below("Happy to share ours."),
        QUESTION,
    )


def _shouted(made: EmailMessage) -> EmailMessage:
    """The address in capitals, and as its own display name, as address books make it."""
    address = str(made["To"])
    del made["To"]
    local, _, domain = address.rpartition("@")
    made["To"] = f'"{address}" <{local.upper()}@{domain}>'
    return made


def _outlook_mobile() -> Iterator[Case]:
    yield Case(
        "no reference, by number",
        "named in words",
        OUTLOOK_MOBILE,
        top(f"Item 5: we have one and will send it round.{IOS}"),
        {NOTES: "we have one and will send it round."},
        fields=NO_REFERENCE,
    )
    yield Case(
        "no reference, list's address, thanks",
        "nothing in particular",
        OUTLOOK_MOBILE,
        top(f"Very useful, thanks all{IOS}"),
        QUESTION,
        fields={**NO_REFERENCE, **TO_LIST, "Subject": f"RE: {SUBJECT}"},
    )
    yield Case(
        "no reference, list's address, one item",
        "trimmed to one item",
        OUTLOOK_MOBILE,
        above_item(TRANSCRIPTION, f"We gave up on it after a month.{IOS}"),
        {TRANSCRIPTION: "We gave up on it after a month."},
        fields={**NO_REFERENCE, **TO_LIST, "Subject": f"RE: {SUBJECT}"},
    )
    yield Case(
        "link of an item",
        "reply address",
        OUTLOOK_MOBILE,
        bare(f"Can two of us come?{IOS}"),
        {CHATBOTS: "Can two of us come?"},
        to=CHATBOTS,
        fields={"Subject": f"Re: {CHATBOTS}"},
    )
    yield Case(
        "names the meeting",
        "named in words",
        OUTLOOK_MOBILE,
        top(f"Count me in for the procurement session.{IOS}"),
        {PROCUREMENT: "Count me in for the procurement session."},
    )
    yield Case(
        "all trimmed, nothing said",
        "nothing in particular",
        OUTLOOK_MOBILE,
        bare(f"Yes from us too.{ANDROID}"),
        QUESTION,
    )
    yield Case(
        "below one item",
        "inline, one item",
        OUTLOOK_MOBILE,
        inline(
            {TRANSCRIPTION: "Ask Northgate, they did this with hybrid meetings."},
            first=f"See below{ANDROID}",
        ),
        {TRANSCRIPTION: "Ask Northgate, they did this with hybrid meetings."},
    )
    yield Case(
        "a new subject",
        "new topic",
        OUTLOOK_MOBILE,
        top(f"Is anybody using drones to inspect roofs?{ANDROID}"),
        NEW,
        fields={"Subject": "Drones for roof inspections"},
    )


def _gmail() -> Iterator[Case]:
    yield Case("thanks", "nothing in particular", GMAIL, top("Thanks!"), QUESTION)
    yield Case(
        "below one item",
        "inline, one item",
        GMAIL,
        inline({TRANSCRIPTION: "The chamber's own sound system was the problem here."}),
        {TRANSCRIPTION: "The chamber's own sound system was the problem here."},
    )
    yield Case(
        "below two items",
        "inline, several items",
        GMAIL,
        inline(
            {
                LICENCES: "Ours came with the desktop deal.",
                POLICY: "Have a look at the one from Kingston.",
            },
            first="Hello both,",
            last="Best wishes\nDora",
        ),
        {
            LICENCES: "Ours came with the desktop deal.",
            POLICY: "Have a look at the one from Kingston.",
        },
    )
    yield Case(
        "below one item, all else cut",
        "trimmed to one item",
        GMAIL,
        below_item(NOTES, "We stopped at the pilot, I can say why."),
        {NOTES: "We stopped at the pilot, I can say why."},
    )
    yield Case(
        "in the table, below one item",
        "inline, one item",
        GMAIL,
        inside({NOTES: "Our assessment took four months."}, first="Answer below."),
        {NOTES: "Our assessment took four months."},
    )
    yield Case(
        "in the table, below two items",
        "inline, several items",
        GMAIL,
        inside(
            {LICENCES: "Nobody here would pay that.", UPDATE: "Where can we get it?"},
            first="Two answers below.",
        ),
        {LICENCES: "Nobody here would pay that.", UPDATE: "Where can we get it?"},
    )
    yield Case(
        "some words of an item",
        "trimmed to one item",
        GMAIL,
        sentence(
            "Which product copes with several speakers in a large chamber", "None that we tried."
        ),
        {TRANSCRIPTION: "None that we tried."},
    )
    yield Case(
        "all trimmed, names the item",
        "named in words",
        GMAIL,
        bare("Copilot licences: we pay 21 pounds for the finance team only."),
        {LICENCES: "we pay 21 pounds for the finance team only."},
    )
    yield Case(
        "below an item that she may not read",
        "closed item",
        GMAIL,
        inline({CLOSED: "Nine of ten is better than ours."}),
        QUESTION,
    )
    yield Case(
        "below the same item, by one who may",
        "closed item",
        GMAIL,
        inline({CLOSED: "Ten of ten since Monday."}),
        {CLOSED: "Ten of ten since Monday."},
        sender=BEN,
    )
    yield Case(
        "closed and open item together",
        "closed item",
        GMAIL,
        inline({POLICY: "Two pages here.", CLOSED: "And what did the cameras cost?"}),
        QUESTION,
    )
    yield Case(
        "names the item",
        "named in words",
        GMAIL_MOBILE,
        top("About the policy template - ours is in plain English, two pages."),
        {POLICY: "ours is in plain English, two pages."},
    )
    yield Case(
        "nothing said", "nothing in particular", GMAIL_MOBILE, bare("What a month!"), QUESTION
    )
    yield Case(
        "above one item",
        "trimmed to one item",
        GMAIL_MOBILE,
        above_item(PRODUCTIVITY, "How did they measure it?"),
        {PRODUCTIVITY: "How did they measure it?"},
    )
    yield Case(
        "link of an item",
        "reply address",
        GMAIL_MOBILE,
        bare("Ours has a flow chart."),
        {POLICY: "Ours has a flow chart."},
        to=POLICY,
        fields={"Subject": f"Re: {POLICY}"},
    )


def _apple() -> Iterator[Case]:
    yield Case(
        "below one item",
        "inline, one item",
        APPLE,
        inline({TRANSCRIPTION: "We ask every speaker to say their name first."}),
        {TRANSCRIPTION: "We ask every speaker to say their name first."},
    )
    yield Case(
        "some words of an item",
        "trimmed to one item",
        APPLE,
        sentence(
            "Has anybody got a better price through a framework?", "Yes, through the northern one."
        ),
        {LICENCES: "Yes, through the northern one."},
    )
    yield Case(
        "below the whole digest",
        "bottom, all quoted",
        APPLE,
        below("Looking forward to it."),
        QUESTION,
    )
    yield Case(
        "below a heading, above the text",
        "inline, one item",
        APPLE,
        under_heading(NOTES, "Our foster carers asked for the same."),
        {NOTES: "Our foster carers asked for the same."},
    )
    yield Case(
        "by number, with a disclaimer",
        "named in words",
        APPLE,
        disclaimed(top("Re item 4 - the county has a contract that districts can use.")),
        {TRANSCRIPTION: "the county has a contract that districts can use."},
    )
    yield Case(
        "thanks", "nothing in particular", IPHONE, top(f"Really useful, thank you{PHONE}"), QUESTION
    )
    yield Case(
        "below one item",
        "inline, one item",
        IPHONE,
        inline({LICENCES: "25 until April, then we will see."}, last=PHONE.strip()),
        {LICENCES: "25 until April, then we will see."},
    )
    yield Case(
        "link of an item",
        "reply address",
        IPHONE,
        bare(f"Is it free?{PHONE}"),
        {UPDATE: "Is it free?"},
        to=UPDATE,
        fields={"Subject": f"Re: {UPDATE}"},
    )
    yield Case(
        "above one item",
        "trimmed to one item",
        IPHONE,
        above_item(POLICY, f"Please share what you find{PHONE}"),
        {POLICY: "Please share what you find"},
    )
    yield Case(
        "the item's title as subject, nothing quoted",
        "subject",
        IPHONE,
        bare(f"Same experience here, seven hours a week{PHONE}"),
        {NOTES: "Same experience here, seven hours a week"},
        fields={"Subject": f"Re: {NOTES}"},
    )


def _text_programs() -> Iterator[Case]:
    yield Case(
        "below one item",
        "inline, one item",
        THUNDERBIRD,
        inline({NOTES: "There is a template on the regulator's pages."}),
        {NOTES: "There is a template on the regulator's pages."},
    )
    yield Case(
        "below three items, the rest cut",
        "inline, several items",
        THUNDERBIRD,
        inline(
            {
                LICENCES: "Too dear for us.",
                TRANSCRIPTION: "We publish both.",
                POLICY: "Ask the unions first.",
            },
            cut=True,
            last="-- \nDora Dale",
        ),
        {
            LICENCES: "Too dear for us.",
            TRANSCRIPTION: "We publish both.",
            POLICY: "Ask the unions first.",
        },
    )
    yield Case(
        "below one item, all else cut",
        "trimmed to one item",
        THUNDERBIRD,
        below_item(PRODUCTIVITY, "Forty minutes would be a lot here."),
        {PRODUCTIVITY: "Forty minutes would be a lot here."},
    )
    yield Case(
        "speaks of an item above all",
        "named in words",
        THUNDERBIRD,
        top("I can send you our policy template, it is two pages long."),
        {POLICY: "I can send you our policy template, it is two pages long."},
    )
    yield Case(
        "answered by no member",
        "not a member",
        THUNDERBIRD,
        inline({LICENCES: "We are about to buy some."}),
        HELD,
        sender=EVE,
    )
    yield Case(
        "below one item, the rest cut",
        "inline, one item",
        MUTT,
        inline({TRANSCRIPTION: "Publish it, the public will ask anyway."}, cut=True),
        {TRANSCRIPTION: "Publish it, the public will ask anyway."},
    )
    yield Case(
        "two items by number, nothing quoted",
        "visible reference",
        MUTT,
        bare("[#3] 22 pounds.\n\n[#6] Ours is on our website.\n\n-- \nDora"),
        {LICENCES: "22 pounds.", POLICY: "Ours is on our website."},
    )
    yield Case(
        "address of a closed item, passed on",
        "closed item",
        MUTT,
        bare("I heard about the cameras."),
        HELD,
        to=CLOSED,
        fields={"Subject": f"Re: {CLOSED}"},
    )
    yield Case(
        "vacation",
        "automatic",
        MUTT,
        bare("I am not at work this week."),
        NOTHING,
        fields={
            "Subject": f"Re: {SUBJECT}",
            "Auto-Submitted": "auto-replied",
            "Precedence": "bulk",
        },
    )

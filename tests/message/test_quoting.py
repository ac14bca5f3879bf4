"""Own words, quotation, signature and what nobody wrote, told apart."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from message.quoting import answered_items, html, own_words, split

QUOTE = "> Shall we meet on Tuesday?\n> Jo\n"
HEADS = [
    "On Tue, 2 Feb 2027 at 09:30, Jo Field <jo@swindon.example> wrote:",
    "On 2 Feb 2027, at 09:30, Jo Field\n<jo@swindon.example> wrote:",
    "On Tue, Feb 2, 2027 at 9:30 AM Jo Field <\njo@swindon.example>\nwrote:",
    "Am 02.02.2027 um 09:30 schrieb Jo Field:",
    "Le mar. 2 févr. 2027 à 09:30, Jo Field <jo@swindon.example> a écrit :",
    "El mar, 2 feb 2027 a las 9:30, Jo Field (<jo@swindon.example>) escribió:",
    "Op di 2 feb. 2027 om 09:30 schreef Jo Field <jo@swindon.example>:",
    "Den tis 2 feb. 2027 kl 09:30 skrev Jo Field <jo@swindon.example>:",
    "W dniu 2.02.2027 o 09:30, Jo Field pisze: napisał:",
    "Il giorno mar 2 feb 2027 alle ore 09:30 Jo Field <jo@swindon.example> ha scritto:",
    "Em ter., 2 de fev. de 2027 às 09:30, Jo Field <jo@swindon.example> escreveu:",
    "ti 2. helmik. 2027 klo 9.30 Jo Field (jo@swindon.example) kirjoitti:",
    "2027年2月2日(火) 9:30 Jo Field <jo@swindon.example>:",
    "Ar Maw, 2 Chwef 2027 am 09:30, ysgrifennodd Jo Field <jo@swindon.example>:",
    "---- On Tue, 02 Feb 2027 09:30:00 +0000 jo@swindon.example wrote ----",
    "Field Jo <jo@swindon.example> ezt írta (időpont: 2027. febr. 2., K, 9:30):",
    "În mar., 2 feb. 2027 la 09:30, Jo Field <jo@swindon.example> a\nscris:",
    "вт, 2 лют. 2027 р. о 09:30 Jo Field <jo@swindon.example> пише:",
    "uto, 2. velj 2027. u 09:30 Jo Field <jo@swindon.example> napisala je:",
    "Jo Field <jo@swindon.example> 于2027年2月2日周二 09:30写道：",
    "Jo Field ---02/02/2027 09:30:12---All, shall we meet?",
    ">>> Jo Field 02/02/2027 9:30 AM >>>",
]
#: Languages of which we know no word: a time, a name with an address, a colon, a quotation below.
ANY_LANGUAGE = [
    "Quoting Jo Field <jo@swindon.example>:",
    "Missatge de Jo Field <jo@swindon.example> del dia dt., 2 de febr. 2027\na les 9:30:",
    "\u202bבתאריך יום ג׳, 2 בפבר׳ 2027 ב-9:30 מאת \u202aJo Field\u202c\u200f "
    "<\u202ajo@swindon.example\u202c\u200f>:\u202c",
    "Jo Field <jo@swindon.example> — 02.02.2027 09:30 — xyzzy:",
    "Je Mar, 02 Feb 2027 09:30:44 +0100, Jo Field skribis:",
    "Երկ, 2 փետ, 2027 թ. 09:30, Jo Field <jo@swindon.example> գրել է՝",
]
BLOCKS = [
    "From: Jo Field <jo@swindon.example>\nSent: 02 February 2027 09:30\n"
    "To: AI Network <ai-network@lists.example.org>\nSubject: RE: Meeting\n",
    "________________________________\nFrom: Jo Field <jo@swindon.example>\n"
    "Sent: Tuesday, February 2, 2027 9:30 AM\nTo: Anna\nSubject: Meeting\n",
    "Von: Jo Field <jo@swindon.example>\nGesendet: Dienstag, 2. Februar 2027 09:30\n"
    "An: Anna\nBetreff: AW: Meeting\n",
    "De : Jo Field <jo@swindon.example>\nEnvoyé : mardi 2 février 2027 09:30\n"
    "À : Anna\nObjet : RE: Meeting\n",
    "*From:* Jo Field [mailto:jo@swindon.example]\n*Sent:* 02 February 2027 09:30\n"
    "*To:* Anna\n*Subject:* Meeting\n",
    "-----Original Message-----\nFrom: Jo Field\nSent: 02 February 2027 09:30\nTo: Anna\n",
    "-----Ursprüngliche Nachricht-----\nVon: Jo Field\nAn: Anna\nBetreff: Meeting\n",
    "-------- Original message --------\nFrom: Jo Field <jo@swindon.example>\n"
    "Date: 02/02/2027 09:30 (GMT+00:00)\nTo: Anna\nSubject: Meeting\n",
    "-- Reply above this line --\n",
    "From/Oddi wrth: Jo Field <jo@swindon.example>\nSent/Anfonwyd: 2 February 2027 09:30\n"
    "To/At: Anna\nSubject/Testun: RE: Meeting\n",
    "  Original Message  \nFrom: Jo Field\nSent: Tuesday, 2 February 2027 09:30\nTo: Anna\n",
    '"Jo Field" <jo@swindon.example>\n02/02/2027 09:30\n\nTo\n"Anna" <anna@x.example>\ncc\n\n'
    "Subject\nMeeting\n",
    "Xyzzy: Jo Field <jo@swindon.example>\nPlugh: 2 xyz 2027 09:30\nPlover: Anna\n",
]


def own(text: str) -> str:
    """The own words of a text."""
    return own_words(split(text))


@pytest.mark.parametrize("head", [*HEADS[:-1], *ANY_LANGUAGE])
def test_answer_above_a_marked_quotation(head: str) -> None:
    """The line that says who wrote goes with the quotation, in many languages and wrapped."""
    text = f"Yes, Tuesday suits us.\n\n{head}\n\n{QUOTE}"
    passages = split(text)
    assert [passage.kind for passage in passages] == ["own", "quoted"]
    assert own(text) == "Yes, Tuesday suits us."
    assert head in passages[1].text


@pytest.mark.parametrize("head", [*HEADS, *BLOCKS])
def test_answer_above_an_unmarked_quotation(head: str) -> None:
    """Without marks everything below the head is quoted."""
    assert own(f"Yes, Tuesday suits us.\n\n{head}\n\nShall we meet?\n\nJo\n") == (
        "Yes, Tuesday suits us."
    )


def test_answers_between_quotations_stay_and_know_what_they_answer() -> None:
    """Inline answers are own words, each with the quotation above it."""
    text = f"{HEADS[0]}\n> Is it safe?\n\nYes.\n\n> Is it cheap?\n\nNo.\n\n-- \nAnna\n"
    assert own(text) == "Yes.\n\nNo."
    answers = answered_items(split(text))
    assert [words for words, _ in answers] == ["Yes.", "No."]
    assert "safe" in answers[0][1]
    assert answers[1][1] == "> Is it cheap?\n\n"


def test_an_answer_above_goes_with_the_quotation_below() -> None:
    """A top-posted answer is about what is quoted below it."""
    assert answered_items(split(f"Yes.\n\n{HEADS[0]}\n{QUOTE}"))[0][1].endswith(QUOTE)


def test_answer_below_the_quotation() -> None:
    """Bottom posting: what stands below the marks is own."""
    assert own(f"{HEADS[0]}\n{QUOTE}Tuesday is fine.\n") == "Tuesday is fine."


@pytest.mark.parametrize(
    ("below", "kind"),
    [
        ("-- \nAnna Archer\nAshford Council\n", "signature"),
        ("--\nAnna Archer\n", "signature"),
        ("Kind regards\n\nAnna Archer\nDigital lead | Ashford Council\n01234 5678\n", "signature"),
        ("Cofion cynnes,\nAnna\n", "signature"),
        ("Mit freundlichen Grüßen\nAnna Archer\n", "signature"),
        ("Sent from my iPhone\n", "signature"),
        ("Get Outlook for iOS<https://aka.ms/o0ukef>\n", "signature"),
        ("Sent from Outlook for Android\n", "signature"),
        ("Anfonwyd o fy iPhone\n", "signature"),
        ("This email and any attachments are confidential and intended solely for the person to "
         "whom they are addressed.\n", "folded"),
        ("If you have received this email in error please notify the sender.\n", "folded"),
        ("Niniejsza wiadomość jest przeznaczona wyłącznie dla adresata i może zawierać informacje "
         "poufne.\n", "folded"),
        ("iPhoneから送信\n", "signature"),
        ("Outlook für iOS beziehen\n", "signature"),
        ("Yahoo Mail: Search, organise, conquer\n", "signature"),
        ("_______________________________________________\nAI mailing list\n"
         "ai@lists.example.org\nhttps://lists.example.org/listinfo/ai\n", "folded"),
    ],
)  # fmt: skip
def test_what_stands_below(below: str, kind: str) -> None:
    """Signatures, programs' footers, disclaimers and lists' footers are told from own words."""
    text = f"We use it for minutes.\n\n{below}"
    passages = split(text)
    assert [passage.kind for passage in passages] == ["own", kind]
    assert own(text) == "We use it for minutes."


@pytest.mark.parametrize(
    "banner",
    [
        "[EXTERNAL]\n\n",
        "OFFICIAL\n\n",
        "Classification: OFFICIAL-SENSITIVE\n\n",
        "LET OP: Deze e-mail is afkomstig van buiten de organisatie. Klik niet op links.\n\n",
        "CAUTION: This email came to us from outside.\n\n",
        "CAUTION: This email originated from outside of the organisation. Do not click links.\n\n",
        "You don't often get email from jo@swindon.example. Learn why this is important\n\n",
        "This Message Is From an External Sender\nThis message came from outside the council.\n\n",
    ],
)
def test_what_a_gateway_wrote_above(banner: str) -> None:
    """Warnings of gateways are folded away."""
    passages = split(f"{banner}Hello all, who uses it?\n")
    assert [passage.kind for passage in passages] == ["folded", "own"]


@pytest.mark.parametrize(
    "text",
    [
        "One: here is what I have.\n\n- first\n- second\n\n1. Performance\n2. Memory\n",
        "On the surface, this looks like a quotation but it is not.\nOn average, it works.\n",
        "The data comes From: our database, not From: external sources.\n",
        "Invitation:\n\nDate: Wednesday 3 March 2027\nTime: 10:00\nAddress: 130 Fox St\n",
        "Leave:\nFrom: Monday 1 March\nTo: Friday 5 March\n",
        "| Council | Cost |\n|---------|------|\n| A | 3 |\n| B | 4 |\n\n----\n\nThat is all.\n",
        "Here is the fix -- this is not a signature.\n\nIt works.\n",
        "Sent from my desk, is much easier than my phone.\n",
        "As regards the timeline, we should be done by Friday.\n\nWith regards to money, no.\n",
        "In 2024 the minister wrote:\n\nCouncils should publish what they use. We do.\n",
        ">From now on we meet on Mondays.\n",
        "Visit us:\n>>> >>> http://www.example.org <<<\nand click.\n",
        "Does anybody have a text such as 'this email is confidential'? Ours is too long.\n",
        "Thanks!\n\nPS the room has changed to B2.\n",
        "FYI\n\n---------- Forwarded message ---------\nFrom: Jo <jo@swindon.example>\n"
        "Date: Tue, 2 Feb 2027 at 09:30\nSubject: News\nTo: Anna\n\nThe text.\n",
    ],
)  # fmt: skip
def test_i35_what_people_write_stays(text: str) -> None:
    """I35: lists, tables, prose with "From:" or "wrote", and what is passed on are own words."""
    assert [passage.kind for passage in split(text)] == ["own"]


@pytest.mark.parametrize(
    "text",
    [
        "The survey says:\n\n> 50% have a policy\n> 30% have a register\n>= 3 staff are trained\n",
        "* up to 4 years\n\n> 25k goes through our board, which meets once,\non 8 December.\n",
        "Try it:\n\n>>> from tokens import count\n>>> count('Swindon')\n7\n\nIt works.\n",
        "Each record has:\n\nFrom: name of the sender\nSent: the date\nTo: leave it empty\n"
        "Subject: without any Re:\n\nOthers are refused.\n",
        "On Monday 12 October 2026 at 9:00 we wrote:\nthe assistant decides nothing.\n",
        "Sent from my iPhone\nis the most frequent sentence that we get.\n",
        'Is this right?\n\n"Dear resident,\n\nWe have your report.\n\nYours sincerely\n\n'
        'The Highways Team"\n\nI am not sure that the plain English group will like these words.\n',
        "Minutes:\n\nDate: 5 November 2025\nSubject: Water\nFrom: 18:30\nTo: 19:45\n\nRent held.\n",
        "From: London\nTo: Swansea\nDate: Thursday 20 November 2025\n\nCoach C has seats left.\n",
        "Name: Talia\nDate: 20 November 2025\nFrom: 9 am\nTo: 4 pm\nSubject: Clay\n\nIs it on?\n",
        "Open File > Account Settings\n> Change > More Settings and it is there.\n",
        "Try:\n\n>>> round(2.5)\n2\n>>> 0.1 + 0.2\n0.30000000000000004\n",
        "Bugs Closed\n\nNo. 846 in the archive, see https://bugs.example/846, by Jo\n",
        "Thanks, that is all that we wanted to know.\n",
        "Who chairs? I would say:\n\nAlice Brown\n",
    ],
)  # fmt: skip
def test_i35_what_looks_like_marks_stays(text: str) -> None:
    """I35: figures with signs, prompts, fields of a form and letters to others are own words."""
    assert [passage.kind for passage in split(text)] == ["own"]


@pytest.mark.parametrize(
    "below",
    [
        "Jo\n", "Jo Field\n", "Cllr J. Field, MBE\n", "JF\n", "*Jo Field*\nSwindon Council\n",
        "Thanks,\nJo\n", "Best, Jo\n", "Liebe Grüße, Jo Field\n", "Hwyl,\nJo\n",
        "Diolch / Thanks\nJo\n",
        "Many thanks\nJo\n\nJo Field\nDigital lead, Swindon Council\n"
        "Please consider the environment.\n",
        "Kind regards\nJo\n\n-- \nSwindon Council, Euclid Street\n",
        "Xyzzy plugh,\nJo\n", "J.F.\n", "Jo Field MBA\nDigital lead\n", "Cofion / Regards\nJo\n",
        "Jo Field | Digital lead | Swindon Council\nPronouns: she/her\n",
        "Yours sincerely\n\nJo Field (Mrs)\nDigital lead\nSwindon Council\n01793 445500\n\n"
        "All information that you send us may be disclosed under the Freedom of Information Act.\n",
        "---\nJo Field\n01793 445500\n", "Jo\n\nSent from my iPhone\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "author", ["Jo Field", "Field, Jo (Swindon)", "Dr Jo Field via AI Network"]
)
def test_the_name_of_the_author_begins_a_signature(below: str, author: str) -> None:
    """Whose name From tells is known again below, with whatever stands on the card."""
    passages = split(f"We use it for minutes.\n\n{below}", author=author)
    assert [passage.kind for passage in passages] == ["own", "signature"]


def test_the_author_is_told_by_the_head_of_the_quotation() -> None:
    """One of those to whom the quoted message went answers it."""
    block = "From: Jo <jo@x.example>\nSent: 2 February 2027 09:30\nTo: Anna Archer\nSubject: Hi\n"
    assert own(f"Ask me again in March!\n\nAnna Archer\n\n{block}\nDid you try it?\n") == (
        "Ask me again in March!"
    )


@pytest.mark.parametrize(
    "below",
    [
        "Jo Field\nDigital lead\nSwindon Council\n01793 445500\n",
        "Jo Field | Digital lead | Swindon Council\njo@swindon.example\n",
    ],
)
def test_a_card_is_known_by_what_stands_on_it(below: str) -> None:
    """Where nobody tells the author's name, a number or an office makes a card of a name."""
    assert own(f"We use it for minutes.\n\n{below}") == "We use it for minutes."


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Yes.\n\nKind regards\nJo\n\nP.S. The room is B2.\n", "Yes.\n\nP.S. The room is B2."),
        ("Yes.\n\nCheers,\nJo\n\nQuine, of course, read the Herald, and not the Globe, as far as "
         "anybody knows.\n", "Quine, of course"),
        ("I have the key.\n\nCheers\nJo\n\nDoes the alarm still end in 7?\n",
         "I have the key.\n\nDoes the alarm still end in 7?"),
        ("Yes.\n\nThanks,\nJo\n\nfrom qt import app\nx = app()\nx.run()\nx.end()\n", "x.run()"),
    ],
)  # fmt: skip
def test_an_afterthought_stays(text: str, wanted: str) -> None:
    """What is written below the name is no card."""
    assert wanted in own_words(split(text, author="Jo Field"))


def test_what_a_signed_text_is_put_in() -> None:
    """RFC 9580 §7: the armour of a clear-signed message is folded away."""
    text = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nPlease compare it.\n\n"
        "-----BEGIN PGP SIGNATURE-----\n\niHUEARYI\n=Xy7z\n-----END PGP SIGNATURE-----\n"
    )
    assert own(text) == "Please compare it."


@pytest.mark.parametrize("line", ["----- Mail original -----", "-----Original-Nachricht-----",
                                  "--------- 원본 메일 ---------", "--- Original ---"])  # fmt: skip
def test_a_drawn_line_that_names_the_original(line: str) -> None:
    """In whatever words: below it stands what is answered."""
    assert own(f"Tuesday.\n\n{line}\nWhich day?\n\nJo\n") == "Tuesday."


def test_initials_mark_quotations() -> None:
    """ "JF> Is it safe?": told from a stray sign by being there twice."""
    text = "JF> Is it safe?\nYes.\n\nJF> Is it cheap?\nNo.\n"
    assert own(text) == "Yes.\n\nNo."
    assert [passage.kind for passage in split("A> B is what we need.\n")] == ["own"]
    assert own("Jane> Which?\nJane> Mine works.\n\nThe mail package.\n") == "The mail package."
    assert [passage.kind for passage in split("SQL> select 1;\nSQL> quit\n")] == ["own"]


def test_i35_a_post_is_never_emptied() -> None:
    """I35: with nothing above, what stands below a head may be the answer, and is kept."""
    assert "Czesc Anno" in own("Od: Jan <jan@x.example>\nWysłano: środa, 12:00\n\nCzesc Anno\n")
    assert own(f"{BLOCKS[0]}\nWhat do you think?\n") == "What do you think?"
    assert own("Kind regards\nAnna\n") == "Kind regards\nAnna"


def test_a_postscript_below_the_closing_stays() -> None:
    """What somebody adds below their name is no signature."""
    assert "room" in own("See you.\n\nKind regards\nAnna\n\nPS. Does the room have a screen?\n")


def test_words_and_attribution_in_one_line() -> None:
    """Some programs put the attribution behind the last own words."""
    text = "thanks On Wed, Apr 4, 2012 at 3:59 PM, bob@example.com wrote:\n> Hi\n"
    assert own(text) == "thanks"


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("<p>Yes.</p><div class='gmail_quote'>On Tue, 2 Feb 2027 at 09:30, Jo &lt;jo@x.example&gt; "
         "wrote:<blockquote class='gmail_quote'>Shall we?</blockquote></div>", "Yes."),
        ("<div>Yes.</div><hr><div id='divRplyFwdMsg'><b>From:</b> Jo &lt;jo@x.example&gt;<br>"
         "<b>Sent:</b> 02 February 2027 09:30<br><b>To:</b> Anna<br><b>Subject:</b> Hi</div>"
         "<div>Shall we?</div>", "Yes."),
        ("<p>Above</p><blockquote type='cite'>A?</blockquote><p>Between</p>"
         "<blockquote type='cite'>B?</blockquote><p>Below</p>", "Above\n\nBetween\n\nBelow"),
        ("<blockquote>All of it</blockquote>", "All of it"),
        ("<p>The law says:</p><blockquote>Two months.</blockquote><p>You gave one.</p>"
         "<blockquote type='cite'>Leave by May.</blockquote>",
         "The law says:\n\nTwo months.\n\nYou gave one."),
        ("</blockquote><p>Yes.</p><blockquote><blockquote>deep", "Yes."),
    ],
)  # fmt: skip
def test_html_keeps_its_quotations_marked(source: str, wanted: str) -> None:
    """Quoted blocks of HTML become marked lines."""
    assert own(html.to_text(source)) == wanted


PIECES = st.sampled_from(
    [*HEADS, *BLOCKS, QUOTE, "-- \n", "Yes.\n", "\n", "\r\n", "> > x\n", "Kind regards\n", "\x0c",
     "Sent from my iPhone\n", "This email is confidential.\n", "____\n", "\u2028", "\x00", ">"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=40), max_size=30))
def test_the_passages_are_the_text(pieces: list[str]) -> None:
    """Whatever the text: put together, the passages are the text again."""
    text = "".join(pieces)
    passages = split(text)
    assert "".join(passage.text for passage in passages) == text
    assert all(passage.text for passage in passages)
    assert all(one.kind != two.kind for one, two in pairwise(passages))
    answered_items(passages)
    html.to_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "On " * 200_000, "> " * 200_000, "On Tue, 2 Feb 2027 " + "a" * 500_000 + " wrote:\n",
        "\n" * 200_000, "From: a@b\n" * 20_000, "wrote:\n" * 30_000, "-" * 500_000,
        "On 2 Feb 2027, at 09:30, <\n" * 20_000, "Kind regards\n" * 20_000,
        "This email " + "is " * 100_000,
    ],
    ids=range(10),
)  # fmt: skip
def test_huge_texts_take_no_time(text: str) -> None:
    """No pattern makes it slow."""
    started = time.process_time()
    split(text)
    assert time.process_time() - started < 5

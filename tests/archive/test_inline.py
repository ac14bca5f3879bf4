"""Answers between the lines of an unmarked quotation are told by the post that is quoted."""

import pytest
from sqlalchemy import select

from archive import intake
from archive.models import Post
from core import database, settings
from core.events import PostArrived
from tests.archive.letters import TRUSTED, arrive, file, mail, mailing, post
from tests.conftest import Network

ANNA = "Anna Archer <anna@ashford.example>"
BEN = "Ben Brook <ben@bexhill.example>"
ASKED = """Dear all,

Before the next meeting I would like to know three things from each of you.

How many licences do you have in your council at the moment, and who pays for them?

Which committee looks at the register of uses, and how often does it meet?

May officers use the free version of the tools at home?

Kind regards
Anna

--{blank}
Anna Archer
Digital lead
Ashford Council
""".replace("{blank}", " ")
HEAD = """From: Anna Archer via AI Network <anna@lists.example.org>
Sent: 2 February 2027 09:00
To: AI Network <ai-network@lists.example.org>
Subject: Three things

CAUTION: This email came from outside the organisation.

"""
FOOT = "\n________\nYou get this because you are a member of AI Network.\n"
ABOVE = "Hi Anna, my answers are below.\n\nBen\n\n"


def answered(**answers: str) -> str:
    """What was asked, with answers in paragraphs of their own below a line that ends so."""
    text = ASKED
    for end, words in answers.items():
        line = next(one for one in ASKED.splitlines() if one.endswith(f"{end}?"))
        text = text.replace(line, f"{line}\n\n{words}")
    return text


INLINE = answered(them="Eleven, and Housing pays.", meet="The AI Governance Group.", home="No.")


@pytest.fixture(autouse=True)
def _trusting(network: Network, moment: object) -> None:
    settings.use(settings.current().model_copy(update={"trusted_authserv_ids": [TRUSTED]}))
    network.person("Anna Archer", "anna@ashford.example", network.main)
    network.person("Ben Brook", "ben@bexhill.example", network.main)


@pytest.fixture
def asked(network: Network) -> int:
    """Anna's post."""
    return file(mail(ANNA, "Three things", ASKED, message_id="asked@x.example"), network.main)[0]


def own_words(text: str, network: Network, answers: str = "asked@x.example") -> str:
    """The own words of Ben's answer as filed."""
    letter = mail(BEN, "Re: Three things", text, minute=5, In_Reply_To=f"<{answers}>")
    (found,) = file(letter, network.main)
    return post(found).own_words


@pytest.mark.usefixtures("asked")
def test_answers_between_the_lines_are_own_words(network: Network) -> None:
    """Each of them; neither the gateway's warning nor our footer, which the post has not."""
    assert own_words(ABOVE + HEAD + INLINE + FOOT, network).splitlines()[::2] == [
        "Hi Anna, my answers are below.", "Eleven, and Housing pays.", "The AI Governance Group.",
        "No.",
    ]  # fmt: skip


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("quoted", [HEAD + ASKED + FOOT, HEAD + ASKED[:200], FOOT])
def test_what_is_only_quoted_stays_quoted(network: Network, quoted: str) -> None:
    """A quotation with nothing in it, one that breaks off, and none at all."""
    assert own_words(ABOVE + quoted, network).startswith("Hi Anna, my answers are below.")
    assert "licences" not in own_words(ABOVE + quoted + " ", network)


def test_an_answer_to_our_copy_is_told_apart_too(network: Network, asked: int) -> None:
    """It refers to the mailing that carried the post."""
    with database.transaction() as session:
        copy, _ = mailing(session, "post", network.main, about=asked, subject="Three things")
    words = own_words(ABOVE + HEAD + INLINE + FOOT, network, answers=copy.message_id)
    assert "Eleven, and Housing pays." in words


@pytest.mark.usefixtures("asked")
def test_many_at_once_are_told_apart_alike(network: Network) -> None:
    """Filed together with others it has the same words as alone."""
    with database.transaction() as session:
        first = mail(BEN, "Re: Things", ABOVE + HEAD + INLINE, In_Reply_To="<asked@x.example>")
        second = mail(BEN, "Re: Others", "Alone.", In_Reply_To="<x@y.example>")
        numbers = [arrive(session, one, network.main) for one in (first, second)]
        intake.file_posts(session, [PostArrived(number) for number in numbers])
        found = select(Post.own_words).where(Post.incoming_id == numbers[0])
        assert "The AI Governance Group." in (session.scalar(found) or "")

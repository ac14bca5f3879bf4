"""A private answer: a member answers an author alone, and neither learns the other's address."""

from email.message import EmailMessage

from sqlalchemy import func, select

from archive.models import Post
from core import database
from message.address import Mailbox
from message.parse import Message
from tests.journeys.conftest import House, list_address, mailbox, until
from tests.journeys.letters import answer, letter

ANNA = mailbox("Anna Archer", "anna@ashford.example")
BEN = mailbox("Ben Brook", "ben@bexhill.example")
DORA = mailbox("Dora Dale", "dora@calder.example")


def to_the_sender(received: Message, sender: Mailbox, text: str) -> EmailMessage:
    """What a mail client writes to From and not to Reply-To, as an answer."""
    made = answer(received, sender, text)
    assert received.from_ is not None
    made.replace_header("To", received.from_.address)
    return made


def test_answers_between_two_stay_between_two(house: House) -> None:
    """Given a post that all have got, when Ben writes to its From and Anna answers him, then each
    has one private mail, Dora has none, and the archive holds the post alone."""
    for one in (ANNA, BEN, DORA):
        house.network.person(one.name, one.address, house.network.main, mode="each")
    house.write(letter(ANNA, list_address(), "Copilot licences", "What do you pay per head?"))
    (copy,) = house.letters(BEN.address, "Copilot licences")
    house.write(to_the_sender(copy, BEN, "Between us: 24 pounds."))
    private = house.letters(ANNA.address, "Re: Copilot licences")[-1]
    assert "Between us: 24 pounds." in private.text
    assert private.from_ is not None
    assert private.from_.name == "Ben Brook (Bexhill Council) via AI Network"
    house.write(answer(private, ANNA, "Thank you, nobody will know."))
    back = house.letters(BEN.address, "Re: Copilot licences")[-1]
    assert "Thank you, nobody will know." in back.text
    for mail, hidden in ((private, BEN.address), (back, ANNA.address)):
        assert hidden not in f"{mail.raw!r}{mail.text}{mail.html}"
    until(lambda: len(house.letters_of(DORA.address)) == 1, "Dora got the post, and nothing else")
    with database.reading() as session:
        assert session.scalar(select(func.count(Post.id))) == 1

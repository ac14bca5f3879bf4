"""What comes back by itself: bounces are recorded, absence notes are not posted."""

from sqlalchemy import select

from archive.models import Post
from core import database
from mailer.models import Delivery, Incoming
from tests.journeys.conftest import House, mailbox, until
from tests.journeys.letters import answer, bounce, out_of_office
from tests.journeys.test_newsletter import send_newsletter

ANNA = mailbox("Anna Archer", "anna@ashford.example")


def verdicts() -> list[str | None]:
    """What was made of the mail that came, in order."""
    with database.reading() as session:
        return list(session.scalars(select(Incoming.verdict).order_by(Incoming.id)))


def test_bounce_is_recorded(house: House) -> None:
    """Given a copy that a council's server returns, then the ledger says so, and the member is
    not switched off by one report."""
    person = house.network.person(ANNA.name, ANNA.address, house.network.main)
    send_newsletter(house)
    (copy,) = house.letters(ANNA.address, "March news")
    assert copy.return_path
    report = bounce(copy, copy.return_path, ANNA.address)
    house.write(report, to=copy.return_path)

    def bounced() -> Delivery | None:
        with database.reading() as session:
            return session.scalars(
                select(Delivery).where(
                    Delivery.person_id == person, Delivery.bounced_at.is_not(None)
                )
            ).first()

    delivery = until(bounced, "the bounce in the ledger")
    assert delivery is not None
    assert "5.1.1" in (delivery.bounce or "")
    assert verdicts() == ["bounce"]
    with database.reading() as session:
        assert len(list(session.scalars(select(Post)))) == 1


def test_out_of_office_is_not_posted(house: House) -> None:
    """Given a member on leave, when her server answers the newsletter, then nothing is posted and
    nobody is answered; a real answer after it is."""
    house.network.person(ANNA.name, ANNA.address, house.network.main)
    send_newsletter(house)
    (copy,) = house.letters(ANNA.address, "March news")
    house.write(out_of_office(copy, ANNA))
    until(lambda: verdicts() == ["automatic"], "the note is recognised")
    house.write(answer(copy, ANNA, "I am back, and I have a question."))
    until(lambda: verdicts() == ["automatic", "post"], "the answer is a post")

    def words() -> list[str]:
        with database.reading() as session:
            return [p.own_words for p in session.scalars(select(Post).order_by(Post.id))][1:]

    until(lambda: len(words()) == 1, "one post beside the newsletter")
    assert "on leave" not in words()[0]

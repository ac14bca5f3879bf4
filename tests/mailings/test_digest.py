"""The digest: what is new since the last one, each item with an address that answers it."""

import datetime as dt
import re

import pytest

from archive import targets
from core import clock, database, tokens
from core.events import DigestDue
from core.tokens import Purpose
from mailer.models import Delivery
from meetings import changes, contributions, minutes
from message.parse import Message
from subscribers.models import MailingList
from tests.conftest import Network
from tests.mailings.conftest import Write, letters, mailings, react


def due(network: Network) -> DigestDue:
    """A digest is due now."""
    return DigestDue(network.main, clock.now())


@pytest.fixture
def month(network: Network, write_post: Write) -> Network:
    """A month with two discussions, a coming meeting, an update and a summary."""
    anna = network.person("Anna Archer", "anna@ashford.example", network.main)
    ben = network.person("Ben Brook", "ben@bexhill.example", network.main)
    network.person("Dora Dale", "dora@calder.example", network.main, mode="monthly")
    first = write_post(network.main, anna, "Copilot licences", "What do you pay per head?")
    write_post(network.main, ben, "Re: Copilot licences", "About 24 pounds.", parent=first)
    write_post(network.main, ben, "Note taking in social care", "Magic notes saved us hours.")
    day = clock.now().date() + dt.timedelta(weeks=4)
    with database.transaction() as session:
        list_ = session.get_one(MailingList, network.main)
        times = (dt.datetime.combine(day, dt.time(10)), dt.datetime.combine(day, dt.time(11, 30)))
        meeting = changes.create(session, list_, "AI Network: procurement", *times, by=None)
        changes.announce(session, meeting.id)
        ago = [time - dt.timedelta(weeks=5) for time in times]
        past = changes.create(session, list_, "AI Network: productivity", *ago, by=None)
        minutes.publish_summary(session, past.id, "## Said\n\n**Kingston** showed magic notes.")
        contributions.add_update(session, list_.id, "Socitm", words="A new guide is out.")
    return network


def digest(network: Network) -> Message:
    """The digest as Dora gets it."""
    react("digest", due(network))
    return letters("digest")["dora@calder.example"]


def test_digest(month: Network) -> None:
    """Those who chose a digest get everything of the month, in both forms."""
    event = due(month)
    react("digest", event)
    assert len(mailings("digest")) == 1
    found = letters("digest")
    assert set(found) == {"dora@calder.example"}
    mail = found["dora@calder.example"]
    assert mail.html is not None
    for words in (
        "Copilot licences", "Note taking in social care", "Ben Brook (Bexhill Council)",
        "AI Network: procurement", "10am to 11:30am", "Update from Socitm", "A new guide is out.",
        "Kingston showed magic notes.", "[#1]", "[#5]",
    ):  # fmt: skip
        assert words in mail.text
        assert words in mail.html
    assert "2 new posts" in " ".join(mail.text.split())
    assert mail.get("Auto-Submitted") == "auto-generated"


def test_i14_each_item_has_its_address(month: Network) -> None:
    """The address below an item is that of the item, and a target says where answers belong."""
    mail = digest(month)
    items = re.findall(r"\[#(\d)\] (.+)", mail.text)
    addresses = re.findall(r"ai-network\+([a-z2-7]{30,})@lists\.example\.org", mail.text)
    assert len(items) == 5
    with database.reading() as session:
        for (number, title), address in zip(items, addresses, strict=False):
            token = tokens.read(address, Purpose.REPLY)
            delivery = session.get_one(Delivery, token.ids[0])
            target = next(
                one for one in targets.targets_of(session, delivery.mailing_id)
                if one.item == token.ids[1]
            )  # fmt: skip
            assert (str(target.item), target.title) == (number, title)
            if title == "Copilot licences":
                assert target.thread_id is not None
                assert target.words in mail.text
    assert f"mailto:ai-network+{addresses[0]}@lists.example.org?subject=Re%3A" in (mail.html or "")


def test_nothing_twice(month: Network) -> None:
    """The next digest tells only what came after this one; with nothing new there is none."""
    digest(month)
    clock.turn(dt.timedelta(weeks=5))
    try:
        react("digest", due(month))
    finally:
        clock.turn(-dt.timedelta(weeks=5))
    assert len(mailings("digest")) == 1


def test_lists_without_discussion(month: Network) -> None:
    """Where nobody can answer, nobody is asked to."""
    with database.transaction() as session:
        session.get_one(MailingList, month.main).announce_only = True
    text = digest(month).text
    assert "Answer this item" not in text
    assert "You can answer" not in text

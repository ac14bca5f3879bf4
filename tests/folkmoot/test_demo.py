"""The demo: facts of the page, people made up, twice is once."""

import re

from sqlalchemy import func, select

from archive.models import Post, Thread
from core import clock, database
from folkmoot import demo, demo_facts
from meetings.models import Meeting
from subscribers.models import Address, MailingList, Organisation, Person, Role, Subscription


def counted() -> dict[str, int]:
    """How many rows of each kind there are."""
    tables = (Organisation, Person, Address, Subscription, MailingList, Meeting, Thread, Post)
    with database.reading() as session:
        return {
            t.__name__: session.scalar(select(func.count()).select_from(t)) or 0 for t in tables
        }


def test_it_fills_an_empty_network_and_twice_is_once(db: str) -> None:
    """Organisations, members, meetings and discussions are there, and stay as they are."""
    demo.fill()
    once = counted()
    assert once["Organisation"] == len(demo_facts.ORGANISATIONS)
    assert once["Person"] == len(demo_facts.MEMBERS) + 1
    assert once["MailingList"] == 2
    assert once["Meeting"] == len(demo_facts.PAST_MEETINGS) + 1
    letters = len(demo_facts.NETWORK_LETTERS) + len(demo_facts.SUBGROUP_LETTERS)
    assert once["Post"] >= letters
    demo.fill()
    assert counted() == once


def test_the_discussion_is_threaded(db: str) -> None:
    """Answers stand below what they answer; each thread has its subject."""
    demo.fill()
    with database.reading() as session:
        posts = {p.message_id: p for p in session.scalars(select(Post))}
    for letter in (*demo_facts.NETWORK_LETTERS, *demo_facts.SUBGROUP_LETTERS):
        if letter.answers:
            child = posts[demo.message_id(letter.key)]
            assert child.parent_id == posts[demo.message_id(letter.answers)].id
            assert child.own_words.strip()
            assert letter.quote.splitlines()[0] not in child.own_words


def test_somebody_coordinates_and_a_meeting_is_to_come(db: str) -> None:
    """There is a coordinator, and one meeting lies ahead."""
    demo.fill()
    with database.reading() as session:
        roles = session.scalars(select(Person).where(Person.role == Role.COORDINATOR)).all()
        ahead = session.scalars(select(Meeting).where(Meeting.starts_at > clock.now())).all()
        past = session.scalars(select(Meeting).where(Meeting.summary != "")).all()
    assert [person.name for person in roles] == [demo_facts.COORDINATOR.name]
    assert [meeting.title for meeting in ahead] == [demo_facts.COMING_TITLE]
    assert len(past) == len(demo_facts.PAST_MEETINGS)


def test_no_address_of_the_demo_can_reach_anyone() -> None:
    """RFC 2606 §2: every domain ends in .example."""
    domains = [domain for _, domain in demo_facts.ORGANISATIONS.values()]
    addresses = [m.address for m in (*demo_facts.MEMBERS, demo_facts.COORDINATOR)]
    assert all(re.fullmatch(r"[a-z]+\.example", domain) for domain in domains)
    assert all(address.partition("@")[2] in domains for address in addresses)


def test_a_network_with_members_of_its_own_is_left_alone(network: object) -> None:
    """The demo goes into an empty network only."""
    import pytest

    before = counted()
    with pytest.raises(demo.NotEmpty):
        demo.fill()
    assert counted() == before

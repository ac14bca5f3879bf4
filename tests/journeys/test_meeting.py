"""A meeting: announced with an invitation, answered from the calendar, by page, never twice."""

import datetime as dt

from sqlalchemy import select

from core import clock, database
from meetings import changes
from meetings.models import Meeting, Rsvp
from subscribers import lists
from tests.journeys.conftest import House, link_in, mailbox, until
from tests.journeys.letters import calendar_answer

ANNA = mailbox("Anna Archer", "anna@ashford.example")
BEN = mailbox("Ben Brook", "ben@bexhill.example")


def announce(house: House) -> int:
    """Plan a meeting six weeks ahead and announce it; returns its id."""
    day = clock.now().date() + dt.timedelta(weeks=6)
    with database.transaction() as session:
        list_ = lists.by_name(session, "ai-network")
        assert list_ is not None
        meeting = changes.create(
            session, list_, "AI Network: procurement",
            dt.datetime.combine(day, dt.time(10)), dt.datetime.combine(day, dt.time(11, 30)),
            theme="Procurement", description="Five councils on buying well.",
            join_link="https://teams.example/meet/123", by=house.network.coordinator,
        )  # fmt: skip
        changes.announce(session, meeting.id)
        return meeting.id


def answers(meeting: int) -> dict[int, tuple[str, str]]:
    """Each person's answer and where it came from."""
    with database.reading() as session:
        found = session.scalars(select(Rsvp).where(Rsvp.meeting_id == meeting))
        return {rsvp.person_id: (rsvp.answer, rsvp.source) for rsvp in found}


def test_announcement_and_answers(house: House) -> None:
    """Given an announced meeting, when one accepts in her calendar and another declines on the
    page, then both answers stand in one ledger, and opening links changed nothing."""
    anna = house.network.person(ANNA.name, ANNA.address, house.network.main)
    ben = house.network.person(BEN.name, BEN.address, house.network.main)
    meeting_id = announce(house)
    (hers,) = house.letters(ANNA.address, "procurement")
    (his,) = house.letters(BEN.address, "procurement")
    assert hers.calendars[0].method == "REQUEST"
    flat = hers.calendars[0].text.replace("\n ", "")
    assert flat.count("ATTENDEE") == 1
    assert ANNA.address in flat
    assert BEN.address not in flat
    assert "10am to 11:30am" in hers.text
    house.write(calendar_answer(hers, ANNA, "ACCEPTED"))
    until(lambda: answers(meeting_id).get(anna) == ("yes", "calendar"), "her calendar's answer")
    link = link_in(his, "/rsvp/")
    assert house.page(link).status == 200
    assert ben not in answers(meeting_id)
    assert house.page(link.partition("?")[0], {"answer": "no"}).status in (200, 303)
    assert answers(meeting_id)[ben] == ("no", "page")
    with database.reading() as session:
        assert session.get_one(Meeting, meeting_id).sequence == 0

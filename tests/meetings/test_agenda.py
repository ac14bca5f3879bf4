"""What is to come, what was, who contributes, and the calendar object."""

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from core import clock, database
from meetings import agenda, changes, contributions, minutes
from meetings.contributions import Part
from meetings.models import Meeting
from message import itip
from message.itip import Party
from subscribers.models import MailingList
from tests.conftest import Network

LINK = "https://teams.example/meet/123"


@pytest.fixture
def session(network: Network, moment: dt.datetime) -> Iterator[Session]:
    """A transaction over the small network."""
    with database.transaction() as session:
        yield session


def plan(session: Session, list_id: int, day: int, title: str = "March", **texts: str) -> Meeting:
    """A meeting of a list, so many days from the moment of the tests."""
    start = dt.datetime(2027, 2, 2, 14) + dt.timedelta(days=day)
    list_ = session.get_one(MailingList, list_id)
    end = start + dt.timedelta(minutes=90)
    return changes.create(session, list_, title, start, end, by=None, **texts)


def test_what_is_to_come(session: Session, network: Network, moment: dt.datetime) -> None:
    """Announced ones of that list, the next first; plans for coordinators only."""
    later, sooner = plan(session, network.main, 9), plan(session, network.main, 3)
    hidden, gone = plan(session, network.main, 5), plan(session, network.main, 6)
    elsewhere = plan(session, network.sub, 4)
    for meeting in (later, sooner, gone, elsewhere):
        changes.announce(session, meeting.id)
    changes.cancel(session, gone.id, by=None)
    now = clock.now()
    assert agenda.coming(session, network.main, now) == [sooner, later]
    assert agenda.coming(session, network.main, now, planned=True) == [sooner, hidden, later]
    assert agenda.coming(session, network.main, sooner.ends_at) == [later]
    assert agenda.past(session, network.main) == []


def test_what_was(session: Session, network: Network, moment: dt.datetime) -> None:
    """The latest first; what never took place is not there."""
    first, second = plan(session, network.main, 1), plan(session, network.main, 2)
    dropped = plan(session, network.main, 1)
    for meeting in (first, second, dropped):
        changes.announce(session, meeting.id)
    changes.cancel(session, dropped.id, by=None)
    old = plan(session, network.main, -30)
    plan(session, network.main, -20)  # planned, never announced
    minutes.publish_summary(session, old.id, "What was said.")
    with clock.turned(moment + dt.timedelta(days=3)):
        assert agenda.past(session, network.main) == [second, first, old]


def test_a_summary_is_published_once_and_corrected(session: Session, network: Network) -> None:
    """The digest tells it once; a correction is no news."""
    meeting = plan(session, network.main, -1)
    before = clock.now()
    minutes.publish_summary(session, meeting.id, " First. ")
    first = meeting.summary_at
    minutes.publish_summary(session, meeting.id, "Corrected.")
    assert (meeting.summary, meeting.summary_at) == ("Corrected.", first)
    now = clock.now()
    assert minutes.summaries_between(session, network.main, before, now) == [meeting]
    assert minutes.summaries_between(session, network.main, now, now) == []
    assert minutes.summaries_between(session, network.sub, before, now) == []


def test_summaries_that_cannot_be(session: Session, network: Network) -> None:
    """Of a meeting to come, a cancelled one, none at all, or without words."""
    ahead, off = plan(session, network.main, 1), plan(session, network.main, -1)
    changes.cancel(session, off.id, by=None)
    was = plan(session, network.main, -1)
    for number, text in ((ahead.id, "x"), (off.id, "x"), (999, "x"), (was.id, " ")):
        with pytest.raises(minutes.CannotPublish):
            minutes.publish_summary(session, number, text)


def test_contributions(session: Session, network: Network) -> None:
    """Speakers stand with their meeting; updates of no meeting wait for the digest."""
    meeting = plan(session, network.main, 5)
    before = clock.now()
    crook = contributions.add_speaker(
        session, meeting.id, "Professor\nCrook", organisation="Oxford", words="Models"
    )
    here = contributions.add_update(
        session, network.main, "Socitm", words="A guide", meeting_id=meeting.id
    )
    waits = contributions.add_update(session, network.main, "ADPH", words="A survey")
    assert crook.who == "Professor Crook"
    assert contributions.of_meeting(session, meeting.id, Part.SPEAKER) == [crook]
    assert contributions.of_meeting(session, meeting.id, Part.UPDATE) == [here]
    now = clock.now()
    assert contributions.updates_between(session, network.main, before, now) == [waits]
    assert contributions.updates_between(session, network.sub, before, now) == []
    for _ in range(2):
        contributions.remove(session, crook.id)
    assert contributions.of_meeting(session, meeting.id, Part.SPEAKER) == []


def test_contributions_that_cannot_be(session: Session, network: Network) -> None:
    """Of nobody, to nothing, without words, to a meeting of another list."""
    meeting = plan(session, network.main, 5)
    with pytest.raises(contributions.BadContribution):
        contributions.add_speaker(session, meeting.id, " ")
    with pytest.raises(contributions.BadContribution):
        contributions.add_speaker(session, 999, "Somebody")
    with pytest.raises(contributions.BadContribution):
        contributions.add_update(session, network.main, "Socitm", words=" ")
    with pytest.raises(contributions.BadContribution):
        contributions.add_update(
            session, network.sub, "Socitm", words="x", meeting_id=meeting.id
        )  # fmt: skip


ORGANIZER = Party("AI Network", "ai-network+XslotZ@lists.example.org")
ATTENDEE = Party("Xslot1Z", "Xslot2Z")


def test_c14_the_join_link_is_where_clients_look(session: Session, network: Network) -> None:
    """Alone on a line of the description, in the place, and as a field of its own."""
    meeting = plan(session, network.main, 5, theme="Buying", description="Come.", join_link=LINK)
    contributions.add_speaker(session, meeting.id, "Crook", organisation="Oxford", words="Models")
    session.refresh(meeting)
    invitation = agenda.invitation_for(meeting, ORGANIZER, ATTENDEE)
    assert LINK in invitation.description.splitlines()
    assert invitation.location == f"Microsoft Teams {LINK}"
    assert invitation.join_link == LINK
    for words in ("Theme: Buying", "Come.", "Crook, Oxford, Models", f"/meetings/{meeting.id}"):
        assert words in invitation.description


def test_c4_c6_the_object_of_announcement_change_and_end(
    session: Session, network: Network
) -> None:
    """Same UID and organizer, SEQUENCE up, DTSTAMP new, the link gone when it is off."""
    meeting = plan(session, network.main, 5, join_link=LINK)
    changes.announce(session, meeting.id)
    first = agenda.invitation_for(meeting, ORGANIZER, ATTENDEE)
    changes.change(session, meeting.id, place="Town hall", by=None)
    second = agenda.invitation_for(meeting, ORGANIZER, ATTENDEE)
    changes.cancel(session, meeting.id, by=None)
    last = agenda.invitation_for(meeting, ORGANIZER, ATTENDEE)
    assert {each.uid for each in (first, second, last)} == {meeting.uid}
    assert {each.organizer for each in (first, second, last)} == {ORGANIZER}
    assert [each.sequence for each in (first, second, last)] == [0, 1, 2]
    assert first.stamp < second.stamp < last.stamp
    assert LINK not in itip.cancel(last)
    assert "STATUS:CANCELLED" in itip.cancel(last)
    assert "SEQUENCE:2" in itip.cancel(last)


def test_c1_the_request_names_one_attendee(session: Session, network: Network) -> None:
    """And the markers of the mould stand where the mailing fills them."""
    meeting = plan(session, network.main, 5)
    text = itip.request(agenda.invitation_for(meeting, ORGANIZER, ATTENDEE))
    assert text.count("ATTENDEE") == 1
    assert "mailto:Xslot2Z" in text
    assert "mailto:ai-network+XslotZ@lists.example.org" in text

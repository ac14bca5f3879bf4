"""Invitations and changes: each copy is one person's, and calendars hear of each change once."""

import datetime as dt
import re

from core import clock, database, tokens
from core.events import MailingPlanned, MeetingAnnounced
from core.tokens import Purpose
from meetings import changes, contributions
from message import itip
from message.parse import Message
from subscribers.models import MailingList
from tests.conftest import Network
from tests.mailings.conftest import letters, mailings, react


def planned(network: Network) -> int:
    """A meeting in four weeks, announced."""
    day = clock.now().date() + dt.timedelta(weeks=4)
    with database.transaction() as session:
        meeting = changes.create(
            session, session.get_one(MailingList, network.main), "AI Network: procurement",
            dt.datetime.combine(day, dt.time(10)), dt.datetime.combine(day, dt.time(11, 30)),
            theme="Procurement", description="Five councils on buying well.",
            join_link="https://teams.example/meet/123", by=None,
        )  # fmt: skip
        contributions.add_speaker(session, meeting.id, "Nigel Crook", organisation="Oxford Brookes")
        changes.announce(session, meeting.id)
        return meeting.id


def tell(meeting: int) -> None:
    """Both kinds react to the event, twice, in the less lucky order."""
    for kind in ("change", "invitation", "change"):
        react(kind, MeetingAnnounced(meeting))


def flat(mail: Message) -> str:
    """The calendar object, unfolded."""
    (calendar,) = mail.calendars
    return calendar.text.replace("\r\n", "\n").replace("\n ", "")


def test_invitation(network: Network) -> None:
    """Each copy has exactly its own ATTENDEE, and answers go to an address of its own."""
    anna = network.person('Anna "AJ" Archer, PhD', "anna@ashford.example", network.main)
    network.person("Siân Brook", "sian@bexhill.example", network.main, mode="none")
    meeting = planned(network)
    tell(meeting)
    (mailing,) = mailings("invitation")
    assert mailings("change") == []
    assert mailing.pointless_after is not None
    found = letters("invitation")
    assert set(found) == {"anna@ashford.example", "sian@bexhill.example"}
    for address, mail in found.items():
        assert mail.calendars[0].method == "REQUEST"
        assert re.findall(r"ATTENDEE.*:mailto:(\S+)", flat(mail)) == [address]
        assert "10am to 11:30am (UK time)" in mail.text
        assert "https://teams.example/meet/123" in mail.text
        assert "Nigel Crook" in mail.text
    mine = found["anna@ashford.example"]
    assert 'CN="Anna AJ Archer PhD"' in flat(mine)
    organizer = re.search(r"ORGANIZER.*:mailto:ai-network\+([a-z2-7]+)@", flat(mine))
    link = re.search(r"/rsvp/([a-z2-7]+)", mine.text)
    assert organizer is not None
    assert link is not None
    assert organizer.group(1) == link.group(1)
    assert tokens.read(link.group(1), Purpose.RSVP).ids == (anna, meeting)
    answer = itip.read_answer(mine.calendars[0].text)
    assert answer is not None
    assert answer.sequence == 0


def test_change_and_cancellation(network: Network) -> None:
    """A new time goes out with the next SEQUENCE, below the announcement; so does the end."""
    from archive import filing

    network.person("Anna Archer", "anna@ashford.example", network.main)
    meeting = planned(network)
    tell(meeting)
    (announced,) = mailings("invitation")
    with database.transaction() as session:
        filing.file_mailing(session, MailingPlanned(announced.id))
        start = dt.datetime.combine(clock.now().date() + dt.timedelta(weeks=5), dt.time(14))
        changes.change(session, meeting, starts=start, by=None)
    tell(meeting)
    assert len(mailings("change")) == 1
    mail = letters("change")["anna@ashford.example"]
    assert mail.in_reply_to == (announced.message_id,)
    assert mail.calendars[0].method == "REQUEST"
    assert "SEQUENCE:1\n" in flat(mail)
    assert "2pm to 3:30pm" in mail.text
    assert mail.subject.startswith("Changed: AI Network: procurement")
    with database.transaction() as session:
        changes.cancel(session, meeting, by=None)
    tell(meeting)
    assert len(mailings("change")) == 2
    mail = letters("change")["anna@ashford.example"]
    assert mail.calendars[0].method == "CANCEL"
    assert "SEQUENCE:2\n" in flat(mail)
    assert "is cancelled" in mail.text
    assert "/rsvp/" not in mail.text
    assert "teams.example" not in mail.text


def test_a_correction_of_words_is_no_news(network: Network) -> None:
    """What does not matter to a calendar is not mailed."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    meeting = planned(network)
    tell(meeting)
    with database.transaction() as session:
        changes.change(session, meeting, description="Six councils.", by=None)
    tell(meeting)
    assert mailings("change") == []


def test_too_late_to_invite(network: Network) -> None:
    """A reaction that runs after the meeting began invites nobody."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    meeting = planned(network)
    clock.turn(dt.timedelta(weeks=6))
    try:
        tell(meeting)
    finally:
        clock.turn(-dt.timedelta(weeks=6))
    assert mailings("invitation") == []

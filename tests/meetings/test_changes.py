"""Planning, announcing, changing and cancelling meetings."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, database
from core.events import MeetingAnnounced
from core.outbox import EventRow
from meetings import changes
from meetings.models import Meeting, MeetingState
from subscribers.models import MailingList
from tests.conftest import Network

TEN = dt.datetime(2027, 3, 2, 10)
NOON = dt.datetime(2027, 3, 2, 12)


@pytest.fixture
def session(network: Network, moment: dt.datetime) -> Iterator[Session]:
    """A transaction over the small network."""
    with database.transaction() as session:
        yield session


def plan(
    session: Session, starts: dt.datetime = TEN, ends: dt.datetime = NOON, **texts: Any
) -> Meeting:
    """Plan a meeting of the main list."""
    list_ = session.scalar(select(MailingList).where(MailingList.name == "ai-network"))
    assert list_ is not None
    values = {"title": "AI Network: procurement", "join_link": "https://teams.example/1"} | texts
    return changes.create(session, list_, starts=starts, ends=ends, by=None, **values)


def announced(session: Session) -> int:
    """How often a meeting went out."""
    wanted = select(EventRow.id).where(EventRow.name == MeetingAnnounced.__name__)
    return len(session.scalars(wanted).all())


def test_c12_wall_time_and_zone_are_kept_and_instants_follow(session: Session) -> None:
    """In summer London's 10am is 9 UTC, in winter 10."""
    winter = plan(session)
    assert (winter.starts_wall, winter.zone) == ("2027-03-02T10:00", "Europe/London")
    assert winter.starts_at == dt.datetime(2027, 3, 2, 10, tzinfo=dt.UTC)
    summer = plan(session, dt.datetime(2027, 6, 1, 10), dt.datetime(2027, 6, 1, 11, 30))
    assert summer.starts_at == dt.datetime(2027, 6, 1, 9, tzinfo=dt.UTC)
    assert changes.wall_times(summer)[1] == dt.datetime(2027, 6, 1, 11, 30)


@pytest.mark.parametrize(
    ("starts", "ends", "fault", "words"),
    [
        (dt.datetime(2027, 3, 28, 1, 30), dt.datetime(2027, 3, 28, 3), clock.NoSuchTime,
         "does not exist"),
        (dt.datetime(2027, 3, 28, 0, 30), dt.datetime(2027, 3, 28, 1, 30), clock.NoSuchTime,
         "does not exist"),
        (dt.datetime(2027, 10, 31, 1, 30), dt.datetime(2027, 10, 31, 3), clock.AmbiguousTime,
         "happens twice"),
        (NOON, TEN, changes.BadMeeting, "ends before"),
        (TEN, TEN, changes.BadMeeting, "ends before"),
    ],
)  # fmt: skip
def test_c12_times_that_cannot_be_meant(
    session: Session, starts: dt.datetime, ends: dt.datetime, fault: type[Exception], words: str
) -> None:
    """Refused in a sentence, when planning and when changing."""
    with pytest.raises(fault, match=words):
        plan(session, starts, ends)
    meeting = plan(session)
    with pytest.raises(fault, match=words):
        changes.change(session, meeting.id, starts=starts, ends=ends, by=None)


def test_c12_new_rules_of_the_zone_move_the_instant_not_the_wall_time(session: Session) -> None:
    """As if the meeting had been planned when summer time began elsewhere."""
    meeting, other = plan(session), plan(session)
    changes.announce(session, meeting.id)
    meeting.starts_at -= dt.timedelta(hours=1)
    meeting.ends_at -= dt.timedelta(hours=1)
    assert changes.follow_zone(session) == 1
    assert meeting.starts_at == other.starts_at
    assert meeting.starts_wall == "2027-03-02T10:00"
    assert (meeting.sequence, announced(session)) == (1, 2)


@pytest.mark.parametrize(
    "texts",
    [
        {"title": " "}, {"title": "x" * 201}, {"place": "x" * 201},
        {"join_link": "http://teams.example/1"}, {"join_link": "teams.example"},
        {"join_link": "https://a.example/\nX:y"}, {"join_link": "javascript:alert(1)"},
    ],
)  # fmt: skip
def test_texts_that_no_meeting_can_have(session: Session, texts: dict[str, Any]) -> None:
    """Each refused in a sentence."""
    with pytest.raises(changes.BadMeeting):
        plan(session, **texts)


def test_texts_are_one_line_but_the_description(session: Session) -> None:
    """A title with line ends would break out of its field of the invitation."""
    meeting = plan(session, title=" AI\r\nNetwork ", description="One\n\ntwo ")
    assert (meeting.title, meeting.description) == ("AI Network", "One\n\ntwo")


def test_c3_the_uid_names_no_host_or_person_and_never_changes(session: Session) -> None:
    """Over a life of five changes and the end."""
    meeting, other = plan(session), plan(session)
    uid = meeting.uid
    assert len(uid) == 36
    assert "@" not in uid
    assert uid != other.uid
    changes.announce(session, meeting.id)
    for day in range(1, 6):
        changes.change(session, meeting.id, starts=TEN + dt.timedelta(days=day), by=None)
    changes.cancel(session, meeting.id, by=None)
    assert (meeting.uid, meeting.sequence) == (uid, 6)


EDITS: list[tuple[dict[str, Any], int]] = [
    ({"starts": dt.datetime(2027, 3, 2, 9, 30)}, 1),
    ({"ends": dt.datetime(2027, 3, 2, 11, 30)}, 1),
    ({"starts": TEN + dt.timedelta(days=7), "ends": NOON + dt.timedelta(days=7)}, 1),
    ({"place": "Town hall"}, 1),
    ({"join_link": "https://teams.example/2"}, 1),
    ({"join_link": ""}, 1),
    ({"starts": TEN, "ends": NOON, "place": "Microsoft Teams"}, 0),
    ({"title": "AI Network: buying well"}, 0),
    ({"theme": "Buying"}, 0),
    ({"description": "Come all"}, 0),
    ({}, 0),
]


@pytest.mark.parametrize(("edit", "sequence"), EDITS)
def test_c4_what_raises_the_sequence(session: Session, edit: dict[str, Any], sequence: int) -> None:
    """Times, place and link do, once they were announced; and then all are told."""
    meeting, hidden = plan(session), plan(session)
    changes.announce(session, meeting.id)
    for each in (meeting, hidden):
        changes.change(session, each.id, by=None, **edit)
    assert (meeting.sequence, hidden.sequence) == (sequence, 0)
    assert announced(session) == 1 + sequence
    assert meeting.starts_wall == hidden.starts_wall


def test_moving_the_start_moves_the_whole(session: Session) -> None:
    """The meeting stays as long as it was."""
    meeting = plan(session)
    changes.change(session, meeting.id, starts=TEN + dt.timedelta(hours=2), by=None)
    assert (meeting.starts_wall, meeting.ends_wall) == ("2027-03-02T12:00", "2027-03-02T14:00")


def test_announcing_and_cancelling_twice_is_once(session: Session) -> None:
    """C4: a CANCEL has a SEQUENCE of its own."""
    meeting = plan(session)
    for _ in range(2):
        changes.announce(session, meeting.id)
    assert (meeting.state, meeting.sequence, announced(session)) == ("announced", 0, 1)
    for _ in range(2):
        changes.cancel(session, meeting.id, by=None)
    assert (meeting.state, meeting.sequence, announced(session)) == ("cancelled", 1, 2)


def test_a_plan_that_nobody_knows_is_dropped_quietly(session: Session) -> None:
    """No mail about what was never announced."""
    meeting = plan(session)
    changes.cancel(session, meeting.id, by=None)
    assert (meeting.state, announced(session)) == (MeetingState.CANCELLED, 0)


def test_what_can_no_longer_be_done(session: Session, moment: dt.datetime) -> None:
    """With a cancelled, past or unknown meeting."""
    cancelled, over = plan(session), plan(session)
    changes.cancel(session, cancelled.id, by=None)
    with pytest.raises(changes.BadMeeting, match="cancelled"):
        changes.announce(session, cancelled.id)
    with pytest.raises(changes.BadMeeting, match="cancelled"):
        changes.change(session, cancelled.id, place="x", by=None)
    with pytest.raises(changes.BadMeeting, match="no meeting"):
        changes.announce(session, 999)
    with pytest.raises(TypeError):
        changes.change(session, over.id, colour="red", by=None)
    with (
        clock.turned(moment + dt.timedelta(days=60)),
        pytest.raises(changes.BadMeeting, match="over"),
    ):
        changes.announce(session, over.id)

"""Lateness: what stopped hours ago is held for a decision; what was put off on purpose is not."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, database
from core.outbox import EventRow
from mailer import claims, lateness, ledger, settling
from mailer.models import Mailing, MailingState, State, Trouble
from mailer.settling import Outcome
from tests.mailer.conftest import Planned, rows, state_of

ZONE = "Europe/London"


def approved(mailing: int) -> int:
    """Make it one that a person approved."""
    with database.transaction() as session:
        session.get_one(Mailing, mailing).approved_at = clock.now()
    return mailing


def hold() -> list[int]:
    """Look, as a worker does before it sends."""
    with database.transaction() as session:
        return lateness.hold_late(session)


def send(count: int, *outcome: object) -> None:
    """Send so many copies."""
    with database.transaction() as session:
        taken = claims.claim(session, "w", count)
    said = outcome or (State.ACCEPTED, "250 2.0.0", "taken")
    with database.transaction() as session:
        settling.settle(session, [Outcome(one.id, *said) for one in taken])  # type: ignore[arg-type]


def told() -> int:
    """How often a mailing was said to be in trouble."""
    with database.reading() as session:
        return session.query(EventRow).filter_by(name="MailingInTrouble").count()


@pytest.mark.parametrize(
    ("now", "late"),
    [
        ("2027-02-02 09:30", False),
        ("2027-02-02 12:59", False),
        ("2027-02-02 13:01", True),  # more than four hours
        ("2027-02-02 20:30", True),
        ("2027-02-03 23:00", True),
    ],
)
def test_what_is_late(now: str, late: bool) -> None:
    """By day after four hours."""
    at = dt.datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(ZONE))
    assert lateness.is_late(dt.datetime(2027, 2, 2, 9, tzinfo=dt.UTC), at, ZONE) is late


@given(st.integers(0, 23), st.integers(0, 10 * 60))
def test_at_night_an_hour_is_enough(hour: int, minutes: int) -> None:
    """What was chosen for the night goes out at night; what slipped into it is asked about."""
    now = dt.datetime(2027, 2, 2, hour, 30, tzinfo=dt.UTC)
    late = lateness.is_late(now - dt.timedelta(minutes=minutes), now, ZONE)
    assert late is (minutes > (240 if 7 <= hour < 20 else 60))


def test_a_newsletter_that_stopped_is_held_and_told_once(
    planned: Planned, moment: dt.datetime
) -> None:
    """The worker comes back late at night: nothing goes out before somebody says so."""
    mailing = approved(planned(4))
    send(1)
    assert hold() == []
    clock.turn(dt.timedelta(hours=37))
    with database.transaction() as session:
        assert lateness.hold_late(session, used_up=lambda _: True) == []
    assert hold() == [mailing]
    assert hold() == []
    with database.reading() as session:
        held = session.get_one(Mailing, mailing)
        assert (held.state, held.trouble) == (MailingState.PAUSED, Trouble.LATE)
        assert held.trouble_at is not None
        assert held.trouble_at - moment < dt.timedelta(minutes=1)
        assert not claims.anything_due(session)
    assert told() == 1


def test_the_decision_holds(planned: Planned, moment: dt.datetime) -> None:
    """Whoever lets it go on is not asked again at once."""
    mailing = approved(planned(4))
    clock.turn(dt.timedelta(hours=37))
    assert hold() == [mailing]
    with database.transaction() as session:
        assert ledger.resume(session, mailing).trouble is None
    assert hold() == []
    send(4)
    assert state_of(mailing) == MailingState.FINISHED
    assert told() == 1


def test_what_went_out_meanwhile_makes_it_current(planned: Planned, moment: dt.datetime) -> None:
    """A mailing that takes a day but moves is not late."""
    mailing = approved(planned(4))
    for _ in range(3):
        clock.turn(dt.timedelta(hours=3))
        send(1)
        assert hold() == []
    assert state_of(mailing) == MailingState.SENDING


@pytest.mark.parametrize("why", ["greylisted", "held by a limit", "not approved", "paused"])
def test_what_waits_on_purpose_is_not_late(
    planned: Planned, why: str, moment: dt.datetime
) -> None:  # fmt: skip
    """Put off by the reader's server or till later by us, made by an event, or paused."""
    mailing = planned(2) if why == "not approved" else approved(planned(2))
    if why == "greylisted":
        send(2, State.DEFERRED, "451 4.7.1", "later", "transient")
    with database.transaction() as session:
        if why == "held by a limit":
            settling.hold(session, clock.now() + dt.timedelta(days=3))
        if why == "paused":
            ledger.pause(session, mailing)
    clock.turn(dt.timedelta(hours=37))
    assert hold() == []


def test_a_relay_that_was_away_for_long(planned: Planned, moment: dt.datetime) -> None:
    """Copies that were held from minute to minute for hours are late all the same."""
    mailing = approved(planned(3))
    for _ in range(5):
        send(2, State.DEFERRED, None, "refused", settling.RELAY_AWAY)
        with database.transaction() as session:
            settling.hold(session, clock.now() + settling.HOLD[settling.RELAY_AWAY])
        clock.turn(dt.timedelta(hours=1, minutes=10))
    assert hold() == [mailing]
    assert [row.attempts for row in rows(mailing)] == [0, 0, 0]

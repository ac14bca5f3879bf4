"""Watching: a mailing that stands still is told once; one that waits for a reason is not."""

import datetime as dt

import pytest

from core import clock, database, settings
from core.outbox import EventRow
from mailer import claims, ledger, settling
from mailer.models import Delivery, Mailing, State, Trouble
from mailer.settling import Outcome
from mailer.watching import Watch
from tests.mailer.conftest import Planned, rows


def look(watch: Watch) -> list[int]:
    """One look."""
    with database.transaction() as session:
        return watch.look(session)


def looks(watch: Watch, minutes: int) -> list[int]:
    """A look each minute for so long; gives all that was told of."""
    told = []
    for _ in range(minutes):
        clock.turn(dt.timedelta(minutes=1))
        told += look(watch)
    return told


def settle(count: int, *outcome: object) -> None:
    """Send so many copies."""
    with database.transaction() as session:
        taken = claims.claim(session, "w", count)
    said = outcome or (State.ACCEPTED, "250 2.0.0", "taken")
    with database.transaction() as session:
        settling.settle(session, [Outcome(one.id, *said) for one in taken])  # type: ignore[arg-type]


def trouble_of(mailing: int) -> str | None:
    """What is wrong with a mailing."""
    with database.reading() as session:
        return session.get_one(Mailing, mailing).trouble


def told() -> int:
    """How often a mailing was said to be in trouble."""
    with database.reading() as session:
        return session.query(EventRow).filter_by(name="MailingInTrouble").count()


def test_a_stall_is_told_once_and_a_second_one_again(planned: Planned, moment: dt.datetime) -> None:
    """Not before a quarter of an hour; forgotten when it moves; told anew when it stops anew."""
    mailing, watch = planned(5), Watch()
    assert looks(watch, 15) == []
    assert trouble_of(mailing) is None
    assert looks(watch, 2) == [mailing]
    assert trouble_of(mailing) == Trouble.STALLED
    assert looks(watch, 60) == []
    settle(1)
    assert looks(watch, 1) == []
    assert trouble_of(mailing) is None
    assert looks(watch, 20) == [mailing]
    assert told() == 2


def test_what_moves_is_not_told(planned: Planned, moment: dt.datetime) -> None:
    """One copy in ten minutes is slow, and moves."""
    planned(12)
    watch = Watch()
    for _ in range(10):
        assert looks(watch, 10) == []
        settle(1)


@pytest.mark.parametrize("why", ["paused", "brake", "limit", "greylisted", "service", "not yet"])
def test_what_waits_on_purpose_does_not_stall(
    planned: Planned, why: str, moment: dt.datetime
) -> None:  # fmt: skip
    """Each of these waits for a reason that somebody knows."""
    later = clock.now() + dt.timedelta(hours=3) if why == "not yet" else None
    mailing = planned(3, bulk=why != "service", not_before=later)
    with database.transaction() as session:
        if why == "paused":
            ledger.pause(session, mailing)
        if why == "limit":
            settling.hold(session, clock.now() + dt.timedelta(hours=3))
    if why == "brake":
        settings.use(settings.current().model_copy(update={"sending": False}))
    if why == "greylisted":
        for wait in (6, 31, 0):
            settle(3, State.DEFERRED, "451 4.7.1", "later", "transient")
            clock.turn(dt.timedelta(minutes=wait))
    assert looks(Watch(), 40) == []
    assert told() == 0


def test_a_relay_that_is_away_is_a_stall(planned: Planned, moment: dt.datetime) -> None:
    """Copies are taken up and put back without end: nothing moves."""
    mailing, watch, found = planned(9), Watch(), []
    for _ in range(20):
        settle(2, State.DEFERRED, None, "refused", settling.RELAY_AWAY)
        with database.transaction() as session:
            settling.hold(session, clock.now() + settling.HOLD[settling.RELAY_AWAY])
        found += looks(watch, 1)
    assert found == [mailing]


def test_waiting_for_others_that_move_is_no_stall(planned: Planned, moment: dt.datetime) -> None:
    """The one behind moves with the one before it, until that stops too."""
    first, second, watch = planned(9, priority=3), planned(2, priority=5), Watch()
    for _ in range(8):
        assert looks(watch, 5) == []
        settle(1)
    assert looks(watch, 20) == [first, second]


def test_what_goes_before_does_not_move_with_what_goes_behind(
    planned: Planned, moment: dt.datetime
) -> None:  # fmt: skip
    """The urgent one stands still though a lesser one moves: something is wrong with it."""
    lesser, urgent, watch, found = planned(9, priority=5), planned(2, priority=3), Watch(), []
    for row in rows(lesser)[:8]:
        with database.transaction() as session:
            copy = session.get_one(Delivery, row.id)
            copy.state, copy.settled_at = State.ACCEPTED, clock.now()
        found += looks(watch, 3)
    assert found == [urgent]


def test_a_budget_that_is_used_up_is_no_stall(planned: Planned, moment: dt.datetime) -> None:
    """Nothing moves till tomorrow, and that is meant; the quarter of an hour begins after it."""
    mailing, spent = planned(5), [True]
    watch = Watch(lambda _session: spent[0])
    assert looks(watch, 60) == []
    spent[0] = False
    assert looks(watch, 15) == []
    assert looks(watch, 2) == [mailing]


def test_time_away_does_not_count(planned: Planned, moment: dt.datetime) -> None:
    """Who slept for hours has seen nothing stand still."""
    mailing, watch = planned(5), Watch()
    assert look(watch) == []
    clock.turn(dt.timedelta(hours=8))
    assert look(watch) == []
    assert looks(watch, 14) == []
    assert looks(watch, 3) == [mailing]
    assert len(rows(mailing)) == 5

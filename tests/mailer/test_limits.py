"""Budgets of sending: no window holds more than the limit says, whoever asks and however often."""

import datetime as dt
import threading

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import delete

from core import database
from mailer import limits
from mailer.limits import Limit
from mailer.models import Budget

NOW = dt.datetime(2027, 2, 2, 9, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["30/min", "1/s", "10000/day", "5/hour"])
def test_a_limit_reads_as_it_is_written(text: str) -> None:
    """And is written back the same."""
    assert str(Limit.parse(text)) == text


def test_other_words_for_the_same() -> None:
    """People write minutes in several ways."""
    assert Limit.parse(" 30 / Minute ") == Limit.parse("30/m") == Limit.parse("30/min")


@pytest.mark.parametrize("text", ["", "30", "0/min", "-3/min", "30/week", "many/min", "30/min/s"])
def test_what_is_no_limit(text: str) -> None:
    """The error says how one is written."""
    with pytest.raises(ValueError, match="30/min"):
        Limit.parse(text)


@how(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(1, 40),
    steps=st.lists(st.tuples(st.integers(-20, 30), st.integers(1, 12)), min_size=5, max_size=60),
)
def test_o35_no_window_holds_more(db: str, count: int, steps: list[tuple[int, int]]) -> None:
    """Whatever is asked when, each time in a transaction of its own, also if a clock is set back
    a little."""
    limit = Limit(count, dt.timedelta(minutes=1))
    with database.transaction() as session:
        session.execute(delete(Budget))
    now, sent = NOW, list[dt.datetime]()
    for seconds, wanted in steps:
        now = max(now + dt.timedelta(seconds=seconds), NOW)
        at = max([now, *sent[-1:]])  # what left earlier left by the clock as it was then
        with database.transaction() as session:
            grant = limits.take(session, {"route:x": (limit, wanted)}, at)["route:x"]
        sent += [at] * grant.granted
        assert grant.granted <= wanted
        assert (grant.next_at is None) == (grant.granted == wanted)
    for start in sent:
        assert sum(start <= at < start + limit.period for at in sent) <= count


def test_what_is_told_as_the_next_moment_is_one(db: str) -> None:
    """At that moment one more may go, and not a moment before."""
    limit = Limit.parse("30/min")
    with database.transaction() as session:
        first = limits.take(session, {"k": (limit, 10)}, NOW)["k"]
    assert (first.granted, first.next_at) == (3, NOW + limit.interval)
    assert first.next_at is not None
    for at, wanted in ((first.next_at - dt.timedelta(microseconds=1), 0), (first.next_at, 1)):
        with database.transaction() as session:
            assert limits.take(session, {"k": (limit, 1)}, at)["k"].granted == wanted


def test_what_is_not_used_is_given_back(db: str) -> None:
    """Then it can be taken again."""
    limit = Limit.parse("30/min")
    with database.transaction() as session:
        assert limits.take(session, {"k": (limit, 3)}, NOW)["k"].granted == 3
        limits.give_back(session, "k", limit, 2)
    with database.transaction() as session:
        assert limits.take(session, {"k": (limit, 3)}, NOW)["k"].granted == 2


def test_a_clock_that_was_wrong_does_not_block_for_long(db: str) -> None:
    """A budget spoken for until next year, by a clock that ran ahead, opens within a period."""
    limit = Limit.parse("30/min")
    with database.transaction() as session:
        session.add(Budget(key="k", full_at=NOW + dt.timedelta(days=365)))
    with database.transaction() as session:
        grant = limits.take(session, {"k": (limit, 1)}, NOW)["k"]
    assert grant.granted == 0
    assert grant.next_at is not None
    assert grant.next_at <= NOW + limit.period


def test_o35_two_workers_share_a_budget(db: str) -> None:
    """Asked at once from two sides, no more is granted than to one."""
    limit = Limit.parse("100/min")
    got: list[int] = []
    with database.transaction() as session:
        limits.take(session, {"k": (limit, 0)}, NOW)

    def ask() -> None:
        for _ in range(10):
            with database.transaction() as session:
                got.append(limits.take(session, {"k": (limit, 1)}, NOW)["k"].granted)

    workers = [threading.Thread(target=ask) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(got) == limit.burst


def test_the_last_copy_is_told_honestly() -> None:
    """The slowest of speed, routes and domains decides."""
    slow, fast = Limit.parse("30/min"), Limit.parse("6000/min")
    minutes = dt.timedelta(minutes=1)

    def when(
        pending: int, per_domain: dict[str, int], of_routes: list[Limit | None],
        of_domains: dict[str, Limit], speed: float | None,
    ) -> dt.timedelta:  # fmt: skip
        found = limits.eta(pending, per_domain, of_routes, of_domains, speed, NOW)
        assert found is not None
        return found - NOW

    assert 9 * minutes < when(280, {}, [slow], {}, 50.0) < 11 * minutes
    assert when(280, {}, [slow, None], {}, 7.0) == dt.timedelta(seconds=40)
    assert 8 * minutes < when(280, {"b.example": 250}, [fast], {"*": slow}, None) < 10 * minutes
    assert limits.eta(280, {}, [None], {}, None, NOW) is None
    assert limits.eta(0, {}, [slow], {}, None, NOW) == NOW

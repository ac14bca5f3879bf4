"""Digests come due by London wall time, once, also after days of silence."""

import datetime as dt

import pytest

from core import clock, database, outbox
from core.events import DigestDue
from tests.conftest import Network
from workers import schedule

ZONE = "Europe/London"


@pytest.mark.parametrize(
    ("year", "month", "instant"),
    [
        (2027, 1, "2027-01-05T09:00:00+00:00"),
        (2027, 6, "2027-06-01T08:00:00+00:00"),  # 9am in summer
        (2027, 4, "2027-04-06T08:00:00+00:00"),
        (2027, 11, "2027-11-02T09:00:00+00:00"),
    ],
)
def test_first_tuesday_at_nine_on_the_wall(year: int, month: int, instant: str) -> None:
    """The wall time stays, the instant follows the season."""
    assert schedule.digest_time(year, month, ZONE).isoformat() == instant


def test_latest_digest_time_looks_back_over_the_month() -> None:
    """Before this month's day, last month's counts, also in January."""
    early = dt.datetime(2027, 1, 5, 8, 59, tzinfo=dt.UTC)
    assert schedule.latest_digest_time(early, ZONE).date() == dt.date(2026, 12, 1)
    assert schedule.latest_digest_time(early + dt.timedelta(minutes=1), ZONE).date() == dt.date(
        2027, 1, 5
    )


def test_p12_a_digest_is_due_once(db: str) -> None:
    """Many looks, and a gap of weeks, still make one digest a list and month."""
    with clock.turned(dt.datetime(2027, 1, 20, tzinfo=dt.UTC)):
        Network()
    for day in ("2027-02-01", "2027-02-02", "2027-02-03", "2027-04-20", "2027-04-21"):
        now = dt.datetime.fromisoformat(f"{day}T12:00:00+00:00")
        with database.transaction() as session:
            schedule.record_due(session, now)
    with database.reading() as session:
        rows = session.query(outbox.EventRow).order_by(outbox.EventRow.id).all()
    due = [DigestDue.from_json(row.facts) for row in rows]
    assert [(d.list, f"{d.until:%Y-%m-%d}") for d in due] == [
        (1, "2027-02-02"),
        (2, "2027-02-02"),
        (1, "2027-04-06"),
        (2, "2027-04-06"),
    ]

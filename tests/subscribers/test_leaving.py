"""Leaving: at once, once, with the way back open for a month."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from core import clock, database
from core.events import Left
from core.outbox import EventRow
from subscribers import leaving
from subscribers.models import Consent, Standing
from tests.conftest import Network


@pytest.fixture
def anna(network: Network, moment: dt.datetime) -> int:
    """A member of both lists, with a consent for the main one."""
    person = network.person("Anna", "anna@ashford.example", network.main, network.sub)
    with database.transaction() as session:
        session.add(
            Consent(
                person_id=person,
                list_id=network.main,
                wording="words",
                evidence="form",
                given_at=clock.now(),
            )
        )
    return person


def times_left() -> int:
    """How often somebody left."""
    with database.reading() as session:
        wanted = select(func.count(EventRow.id)).where(EventRow.name == Left.__name__)
        return session.scalar(wanted) or 0


def test_leaving_twice_is_leaving_once(network: Network, anna: int) -> None:
    """One event, one withdrawal; the other list is not touched."""
    for how in ("one-click", "mail"):
        with database.transaction() as session:
            left = leaving.leave(session, anna, network.main, how)
            assert left is not None
            assert (left.state, left.left_how) == (Standing.LEFT, "one-click")
    assert times_left() == 1
    with database.reading() as session:
        (consent,) = session.scalars(select(Consent))
        assert consent.withdrawn_at is not None
        left = leaving.leave(session, anna, network.sub, "page")
        assert left is not None
        assert left.left_how == "page"


def test_who_was_never_on_a_list_cannot_leave_it(network: Network, anna: int) -> None:
    """Nothing happens."""
    with database.transaction() as session:
        assert leaving.leave(session, network.coordinator, network.main, "mail") is None
    assert times_left() == 0


def test_undo_within_thirty_days(network: Network, anna: int, moment: dt.datetime) -> None:
    """Back as before, with a new consent beside the withdrawn one; then leaving counts anew."""
    with database.transaction() as session:
        leaving.leave(session, anna, network.main, "mail")
    with clock.turned(moment + dt.timedelta(days=29)):
        for _ in range(2):
            with database.transaction() as session:
                back = leaving.undo(session, anna, network.main)
                assert (back.state, back.left_at) == (Standing.ACTIVE, None)
        with database.transaction() as session:
            consents = session.scalars(select(Consent).order_by(Consent.id)).all()
            assert [consent.withdrawn_at is None for consent in consents] == [False, True]
            assert consents[1].wording == "words"
            leaving.leave(session, anna, network.main, "mail")
    assert times_left() == 2


def test_undo_is_too_late_after_a_month(network: Network, anna: int, moment: dt.datetime) -> None:
    """The person is told to join again."""
    with database.transaction() as session:
        leaving.leave(session, anna, network.main, "mail")
    with (
        clock.turned(moment + dt.timedelta(days=31)),
        database.transaction() as session,
        pytest.raises(leaving.CannotUndo, match="30 days"),
    ):
        leaving.undo(session, anna, network.main)


def test_undo_of_nothing(network: Network) -> None:
    """Who never was on a list is not put on it."""
    with database.transaction() as session, pytest.raises(leaving.CannotUndo):
        leaving.undo(session, network.coordinator, network.main)

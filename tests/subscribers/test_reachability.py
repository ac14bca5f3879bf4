"""Whether mail gets through: many days of the same answer, never a policy or a full mailbox."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from core import clock, database
from core.events import AddressRefused, PersonSuspended
from core.outbox import EventRow
from message.refusals import Reason
from subscribers import reachability
from subscribers.models import Address, Person, Reach, Refusal, Standing, Subscription
from tests.conftest import Network


@pytest.fixture
def anna(network: Network, moment: dt.datetime) -> int:
    """A member of both lists, known to be reachable shortly before the first refusal."""
    with clock.turned(moment - dt.timedelta(hours=1)):
        return network.person("Anna", "anna@ashford.example", network.main, network.sub)


def address_of(person_id: int) -> int:
    """The id of a person's first address."""
    with database.reading() as session:
        return session.get_one(Person, person_id).addresses[0].id


def refuse(address_id: int, at: dt.datetime, reason: str = "mailbox", hard: bool = True) -> None:
    """A server refuses mail to an address at an instant."""
    with clock.turned(at), database.transaction() as session:
        reachability.judge(session, AddressRefused(address_id, reason, hard))


def states(person_id: int) -> tuple[str, set[str], int]:
    """Reach of the address, states of the subscriptions, number of suspensions told."""
    with database.reading() as session:
        reach = session.get_one(Person, person_id).addresses[0].reach
        found = session.scalars(
            select(Subscription.state).where(Subscription.person_id == person_id)
        )
        told = select(func.count(EventRow.id)).where(EventRow.name == PersonSuspended.__name__)
        return reach, set(found), session.scalar(told) or 0


def test_a_mailbox_refused_on_three_days_is_dead(anna: int, moment: dt.datetime) -> None:
    """Doubt from the first, suspension on the third day, told once."""
    address = address_of(anna)
    for day in (0, 30):
        refuse(address, moment + dt.timedelta(days=day))
        assert states(anna) == (Reach.DOUBTFUL, {Standing.ACTIVE}, 0)
    for day in (60, 61):
        refuse(address, moment + dt.timedelta(days=day))
        assert states(anna) == (Reach.DEAD, {Standing.SUSPENDED}, 1)
    with database.reading() as session:
        assert session.scalar(select(func.count(Refusal.id))) == 4


def test_many_refusals_of_one_day_are_one(anna: int, moment: dt.datetime) -> None:
    """A server that is wrong for an afternoon loses nobody; an event twice is as once."""
    address = address_of(anna)
    for minute in range(50):
        refuse(address, moment + dt.timedelta(minutes=minute))
    assert states(anna) == (Reach.DOUBTFUL, {Standing.ACTIVE}, 0)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason != Reason.MAILBOX])
@pytest.mark.parametrize("hard", [True, False])
def test_nothing_else_ever_suspends(
    anna: int, moment: dt.datetime, reason: Reason, hard: bool
) -> None:
    """A policy hits a whole council at once: an incident, not dead addresses."""
    for day in range(20):
        refuse(address_of(anna), moment + dt.timedelta(days=day), reason, hard)
    assert states(anna) == (Reach.OK, {Standing.ACTIVE}, 0)


def test_a_passing_refusal_of_the_mailbox_does_not_count(anna: int, moment: dt.datetime) -> None:
    """4xx is not the last word."""
    for day in range(20):
        refuse(address_of(anna), moment + dt.timedelta(days=day), "mailbox", hard=False)
    assert states(anna) == (Reach.OK, {Standing.ACTIVE}, 0)


def test_what_was_long_ago_does_not_count(anna: int, moment: dt.datetime) -> None:
    """One refusal a year means that mail got through in between."""
    for year in range(5):
        refuse(address_of(anna), moment + dt.timedelta(days=365 * year))
    assert states(anna)[1] == {Standing.ACTIVE}


def test_days_are_those_on_the_wall(anna: int, moment: dt.datetime) -> None:
    """Three refusals in one summer night in London are two days, though three in no zone."""
    night = dt.datetime(2027, 7, 1, 22, 30, tzinfo=dt.UTC)
    for minutes in (0, 60, 120):
        refuse(address_of(anna), night + dt.timedelta(minutes=minutes))
    assert states(anna)[0] == Reach.DOUBTFUL


def test_who_came_back_begins_anew(anna: int, moment: dt.datetime) -> None:
    """Refusals before the mailbox was proved to be good are forgotten."""
    address_id = address_of(anna)
    for day in range(3):
        refuse(address_id, moment + dt.timedelta(days=day))
    with clock.turned(moment + dt.timedelta(days=10)), database.transaction() as session:
        reachability.revive(session, session.get_one(Address, address_id))
    assert states(anna)[:2] == (Reach.OK, {Standing.ACTIVE})
    for day in (11, 12):
        refuse(address_id, moment + dt.timedelta(days=day))
    assert states(anna)[:2] == (Reach.DOUBTFUL, {Standing.ACTIVE})


def test_a_second_address_suspends_nobody(anna: int, moment: dt.datetime) -> None:
    """Mail goes to the first; that another is dead is noted and harms nothing."""
    with database.transaction() as session:
        other = Address(person_id=anna, mailbox="a@b.example", key="a@b.example")
        session.add(other)
        session.flush()
        other_id = other.id
    for day in range(4):
        refuse(other_id, moment + dt.timedelta(days=day))
    assert states(anna) == (Reach.OK, {Standing.ACTIVE}, 0)
    refuse(987654, moment)  # an address that is gone is no trouble


def test_who_left_is_not_suspended(network: Network, anna: int, moment: dt.datetime) -> None:
    """Leaving stays leaving, also when the mailbox comes back."""
    with database.transaction() as session:
        for subscription in session.scalars(select(Subscription)):
            if subscription.list_id == network.sub:
                subscription.state = Standing.LEFT
    for day in range(3):
        refuse(address_of(anna), moment + dt.timedelta(days=day))
    assert states(anna)[1] == {Standing.SUSPENDED, Standing.LEFT}
    with database.transaction() as session:
        reachability.revive(session, session.get_one(Person, anna).addresses[0])
    assert states(anna)[1] == {Standing.ACTIVE, Standing.LEFT}

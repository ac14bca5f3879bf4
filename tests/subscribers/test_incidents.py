"""A domain that refuses everybody: one incident, nobody suspended, closed when mail is taken."""

import datetime as dt
import itertools
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import clock, database
from core.events import AddressRefused, IncidentOpened, PersonSuspended
from core.outbox import EventRow
from mailer import acceptance, ledger
from mailer.models import Delivery, State
from message.refusals import Reason
from subscribers import incidents, reachability
from subscribers.audience import Recipient, named
from subscribers.models import (
    Decision,
    Incident,
    Leaver,
    Person,
    Reach,
    Refusal,
    Standing,
    Subscription,
)
from tests.conftest import Network

_numbers = itertools.count(1)
DAY = dt.timedelta(days=1)
WORDS = "550 5.7.1 sender domain has a poor reputation"


@dataclass
class Council:
    """People of one domain, by number of their first address."""

    network: Network
    people: list[int]
    addresses: list[int]


def council(
    network: Network, moment: dt.datetime, size: int, domain: str = "ashford.example"
) -> Council:
    """So many members at one domain."""
    with clock.turned(moment - DAY):
        people = [network.person(f"P{n}", f"p{n}@{domain}", network.main) for n in range(size)]
    with database.reading() as session:
        found = [session.get_one(Person, each).addresses[0].id for each in people]
    return Council(network, people, found)


def refuse(
    address: int, at: dt.datetime, reason: str = "policy", *, hard: bool = True, words: str = WORDS
) -> None:
    """A server refuses one copy, as the post room tells it."""
    with clock.turned(at), database.transaction() as session:
        row = Refusal(address_id=address, reason=reason, permanent=hard, at=at, words=words)
        session.add(row)
        session.flush()
        reachability.judge(session, AddressRefused(address, reason, hard, row.id))


def found() -> list[Incident]:
    """All incidents, the oldest first."""
    with database.reading() as session:
        return list(session.scalars(select(Incident).order_by(Incident.id)))


def recorded(event: type) -> int:
    """How often an event was recorded."""
    with database.reading() as session:
        counted = select(func.count(EventRow.id)).where(EventRow.name == event.__name__)
        return session.scalar(counted) or 0


def states() -> tuple[set[str], set[str]]:
    """How the members stand, and how their addresses do."""
    with database.reading() as session:
        standing = set(session.scalars(select(Subscription.state)))
        people = session.scalars(select(Person).join(Subscription))
        return standing, {person.addresses[0].reach for person in people}


def take(place: Council, who: int, at: dt.datetime, *, bounced: bool = False) -> None:
    """A server takes a copy for a member."""
    with clock.turned(at), database.transaction() as session:
        address = session.get_one(Person, place.people[who]).addresses[0].mailbox
        mailing = ledger.draft(
            session, "newsletter", list_id=place.network.main, about=None, bulk=True
        )
        ledger.plan(session, mailing, b"[]", named([Recipient(place.people[who], address, "", "")]))
        copy = session.scalars(select(Delivery).where(Delivery.mailing_id == mailing.id)).one()
        copy.state, copy.settled_at = State.ACCEPTED, at
        copy.bounced_at = at if bounced else None


def close_quiet(at: dt.datetime) -> int:
    """The tick at an instant."""
    with clock.turned(at), database.transaction() as session:
        return incidents.close_quiet(session, acceptance.was_accepted)


@pytest.mark.parametrize("reason", ["policy", "mailbox"])
def test_i21_a_domain_that_refuses_all_is_one_incident_and_suspends_nobody(
    network: Network, moment: dt.datetime, reason: str
) -> None:
    """Six people, three newsletters days apart: one incident, told once, with the first words."""
    place = council(network, moment, 6)
    for day in (0, 2, 5, 9):
        for address in place.addresses:
            refuse(address, moment + day * DAY, reason)
    (incident,) = found()
    assert (incident.domain, incident.reason) == ("ashford.example", reason)
    assert (incident.addresses, incident.words) == (6, WORDS)
    assert incident.last_at == moment + 9 * DAY
    assert recorded(IncidentOpened) == 1
    assert recorded(PersonSuspended) == 0
    assert states() == ({Standing.ACTIVE}, {Reach.OK})


@pytest.mark.parametrize(
    ("size", "refused", "opens"),
    [(2, 2, False), (3, 3, True), (4, 2, False), (5, 1, False), (5, 2, True), (6, 2, True),
     (7, 2, False), (40, 2, False), (40, 3, True)],
)  # fmt: skip
def test_how_many_make_an_incident(
    network: Network, moment: dt.datetime, size: int, refused: int, opens: bool
) -> None:
    """Three, or 30 % of at least five; one alone never is."""
    place = council(network, moment, size)
    for address in place.addresses[:refused]:
        refuse(address, moment)
        refuse(address, moment)
    assert len(found()) == opens


def test_some_of_many_who_left_are_no_incident(network: Network, moment: dt.datetime) -> None:
    """Three dead mailboxes of a large council are three leavers, and are suspended in the end."""
    place = council(network, moment, 12)
    for day in range(3):
        for address in place.addresses[:3]:
            refuse(address, moment + day * DAY, "mailbox")
    assert found() == []
    assert recorded(PersonSuspended) == 3


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.POLICY, Reason.MAILBOX}))
def test_other_reasons_are_no_incident(
    network: Network, moment: dt.datetime, reason: Reason
) -> None:
    """Full, too large, for now: each has its own cause."""
    for address in council(network, moment, 5).addresses:
        refuse(address, moment, reason)
    assert found() == []


def test_refusals_of_different_days_and_domains_do_not_add_up(
    network: Network, moment: dt.datetime
) -> None:
    """More than a day apart, or elsewhere, also at a domain whose name ends alike."""
    place, other = council(network, moment, 8), council(network, moment, 2, "notashford.example")
    refuse(place.addresses[0], moment)
    refuse(other.addresses[0], moment)
    refuse(other.addresses[1], moment)
    refuse(place.addresses[1], moment + dt.timedelta(hours=23))
    refuse(place.addresses[2], moment + dt.timedelta(hours=25))
    assert found() == []
    refuse(place.addresses[3], moment + dt.timedelta(hours=26))
    assert [each.addresses for each in found()] == [3]


def test_who_was_suspended_before_the_incident_was_seen_is_back(
    network: Network, moment: dt.datetime
) -> None:
    """The third day of one was the first of the others: it is their domain after all."""
    place = council(network, moment, 6)
    for day in (0, 20):
        refuse(place.addresses[0], moment + day * DAY, "mailbox")
    refuse(place.addresses[0], moment + 40 * DAY, "mailbox")
    assert states()[1] == {Reach.DEAD, Reach.OK}
    refuse(place.addresses[1], moment + 40 * DAY, "mailbox")
    assert states() == ({Standing.ACTIVE}, {Reach.DOUBTFUL, Reach.OK})
    with database.reading() as session:
        assert [each.decision for each in session.scalars(select(Leaver))] == [Decision.INCIDENT]


def test_mailboxes_that_go_unknown_join_the_open_incident(
    network: Network, moment: dt.datetime
) -> None:
    """First a policy, then nobody is known there: still one incident, one mail, nobody paused."""
    place = council(network, moment, 5)
    for day in (0, 20, 40):
        refuse(place.addresses[0], moment + day * DAY, "mailbox")
    for address in place.addresses:
        refuse(address, moment + 40 * DAY)
    assert recorded(PersonSuspended) == 1
    refuse(place.addresses[1], moment + 40 * DAY, "mailbox")
    (incident,) = found()
    assert (incident.reason, incident.addresses) == ("policy", 5)
    assert recorded(IncidentOpened) == 1
    assert states()[0] == {Standing.ACTIVE}


def test_a_dead_mailbox_counts_while_a_policy_is_amiss(
    network: Network, moment: dt.datetime
) -> None:
    """An incident of policy says nothing of one mailbox that is unknown on three days."""
    place = council(network, moment, 8)
    for address in place.addresses[1:]:
        refuse(address, moment)
    for day in range(3):
        refuse(place.addresses[0], moment + day * DAY, "mailbox")
    assert recorded(PersonSuspended) == 1


def test_an_incident_closes_a_day_after_mail_was_taken(
    network: Network, moment: dt.datetime
) -> None:
    """Not by time alone, not by a copy that bounced, not before a day has passed."""
    place = council(network, moment, 6)
    for address in place.addresses[:4]:
        refuse(address, moment)
    assert close_quiet(moment + 3 * DAY) == 0
    take(place, 5, moment + 3 * DAY, bounced=True)
    assert close_quiet(moment + 4.5 * DAY) == 0
    take(place, 5, moment + 5 * DAY)
    assert close_quiet(moment + 5.9 * DAY) == 0
    assert close_quiet(moment + 6.1 * DAY) == 1
    assert close_quiet(moment + 7 * DAY) == 0
    assert found()[0].closed_by is None
    for address in place.addresses[:4]:
        refuse(address, moment + 10 * DAY)
    assert len(found()) == 2  # refused anew: told anew


def test_unknown_mailboxes_are_known_again_when_one_of_them_gets_mail(
    network: Network, moment: dt.datetime
) -> None:
    """Mail to others at the domain was taken all the time, so it proves nothing."""
    place = council(network, moment, 6)
    for address in place.addresses[:4]:
        refuse(address, moment, "mailbox")
    take(place, 5, moment + DAY)
    assert close_quiet(moment + 3 * DAY) == 0
    take(place, 1, moment + DAY)
    assert close_quiet(moment + 3 * DAY) == 1


def test_a_coordinator_who_knows_that_they_left_makes_refusals_count(
    network: Network, moment: dt.datetime
) -> None:
    """After closing by hand the same people are suspended as others are, with no new incident."""
    place = council(network, moment, 5)
    for day in range(2):
        for address in place.addresses[:3]:
            refuse(address, moment + day * DAY, "mailbox")
    with database.transaction() as session:
        for _ in range(2):
            assert incidents.close(session, found()[0].id, network.coordinator) is not None
        assert incidents.close(session, 999, network.coordinator) is None
    for address in place.addresses[:3]:
        refuse(address, moment + 5 * DAY, "mailbox")
    assert len(found()) == 1
    assert recorded(PersonSuspended) == 3


@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4), st.integers(0, 96), st.sampled_from(["policy", "mailbox", "full"])
        ),
        max_size=14,
    )
)
def test_never_two_open_incidents_and_no_refusal_is_lost(
    network: Network, moment: dt.datetime, story: list[tuple[int, int, str]]
) -> None:
    """Whatever comes in whatever order: one open incident a domain, and its numbers are true."""
    domain = f"d{next(_numbers)}.example"
    place = council(network, moment, 5, domain)
    for who, hours, reason in sorted(story, key=lambda one: one[1]):
        refuse(place.addresses[who], moment + dt.timedelta(hours=hours), reason)
    with database.reading() as session:
        mine = select(Refusal).where(Refusal.address_id.in_(place.addresses))
        rows = list(session.scalars(mine))
        cases = list(session.scalars(select(Incident).where(Incident.domain == domain)))
    assert len(rows) == len(story)
    assert len(cases) <= 1
    inside = [row for row in rows if row.incident_id is not None]
    assert all(row.reason in {"policy", "mailbox"} for row in inside)
    if cases:
        assert cases[0].addresses == len({row.address_id for row in inside}) >= 2
        assert cases[0].last_at == max(row.at for row in inside)
    else:
        assert inside == []

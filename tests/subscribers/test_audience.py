"""Who gets a mailing, and the reason for each who does not."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from core import database
from subscribers import audience
from subscribers.audience import Excluded, Recipient
from subscribers.models import Address, Mode, Person, Reach, Role, Standing, Subscription
from tests.conftest import Network

_numbers = itertools.count(1)


def edit(person_id: int, **values: object) -> None:
    """Set columns of a person's only address."""
    with database.transaction() as session:
        for address in session.get_one(Person, person_id).addresses:
            for name, value in values.items():
                setattr(address, name, value)


def stand(person_id: int, state: Standing) -> None:
    """Set how a person stands on all lists."""
    with database.transaction() as session:
        for row in session.query(Subscription).filter_by(person_id=person_id):
            row.state = state


@dataclass(frozen=True)
class Answer:
    """What an audience answers."""

    recipients: tuple[Recipient, ...]
    excluded: tuple[Excluded, ...]


def asked(question: Callable[[Session], audience.Audience]) -> Answer:
    """Ask who is in an audience; its count is that of its recipients."""
    with database.reading() as session:
        found = question(session)
        answer = Answer(tuple(found.recipients(session)), tuple(found.excluded(session)))
        assert found.count(session) == len(answer.recipients)
    return answer


def members(list_id: int, modes: set[Mode] | None = None) -> Answer:
    """The audience of a list."""
    return asked(lambda session: audience.members_of(session, list_id, modes))


def test_members_with_the_reason_for_each_exclusion(network: Network) -> None:
    """Verified, reachable, active members get a copy; others are named, who left is not."""
    anna = network.person("Anna", "Anna@ashford.example", network.main)
    ben = network.person("Ben", "ben@bexhill.example", network.main)
    cat = network.person("Cat", "cat@calder.example", network.main)
    dan = network.person("Dan", "dan@unknown.example", network.main)
    eve = network.person("Eve", "eve@calder.example", network.main)
    nobody = network.person("No Address", "gone@calder.example", network.main)
    edit(ben, verified_at=None)
    edit(cat, reach=Reach.DEAD)
    stand(dan, Standing.SUSPENDED)
    stand(eve, Standing.LEFT)
    with database.transaction() as session:
        session.delete(session.get_one(Person, nobody).addresses[0])
    found = members(network.main)
    assert found.recipients == (Recipient(anna, "Anna@ashford.example", "Anna", "Ashford Council"),)
    assert found.excluded == (
        Excluded(ben, "ben@bexhill.example", "address not verified"),
        Excluded(cat, "cat@calder.example", "address unreachable"),
        Excluded(dan, "dan@unknown.example", "suspended"),
        Excluded(nobody, f"(person {nobody})", "no address"),
    )


def test_a_doubtful_address_still_gets_mail(network: Network) -> None:
    """Doubt is no reason: only mail that goes there can settle it."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    edit(anna, reach=Reach.DOUBTFUL)
    assert [each.person_id for each in members(network.main).recipients] == [anna]


def test_a_closed_list_is_for_councils_and_the_host(network: Network) -> None:
    """Partners and strangers on it get nothing, whoever put them there."""
    people = [
        network.person(name, f"{name}@{domain}", network.sub)
        for name, domain in (
            ("anna", "ashford.example"), ("host", "host.example"),
            ("pat", "partner.example"), ("olly", "unknown.example"),
        )
    ]  # fmt: skip
    found = members(network.sub)
    assert [each.person_id for each in found.recipients] == people[:2]
    assert {each.reason for each in found.excluded} == {"not a council"}
    assert [each.person_id for each in found.excluded] == people[2:]


def test_modes_choose_the_audience(network: Network) -> None:
    """Who takes posts in another way does not belong to it, not even as excluded."""
    each = network.person("Each", "each@ashford.example", network.main, mode=Mode.EACH)
    network.person("Month", "month@ashford.example", network.main, mode=Mode.MONTHLY)
    found = members(network.main, {Mode.EACH, Mode.DAILY})
    assert [recipient.person_id for recipient in found.recipients] == [each]
    assert found.excluded == ()
    assert members(network.main, set()).recipients == ()
    assert len(members(network.main).recipients) == 2


def test_mail_goes_to_the_first_address(network: Network) -> None:
    """One copy a person, however many addresses."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    with database.transaction() as session:
        session.add(Address(person_id=anna, mailbox="b@c.example", key="b@c.example"))
    assert [each.address for each in members(network.main).recipients] == ["anna@ashford.example"]


def test_moderators_or_else_coordinators(network: Network) -> None:
    """A list without a moderator who can be reached is looked after by the coordinators."""
    found = asked(lambda session: audience.moderators_of(session, network.main))
    assert [each.person_id for each in found.recipients] == [network.coordinator]
    mo = network.person("Mo", "mo@ashford.example", network.main, moderator=True)
    found = asked(lambda session: audience.moderators_of(session, network.main))
    assert [each.person_id for each in found.recipients] == [mo]
    edit(mo, reach=Reach.DEAD)
    found = asked(lambda session: audience.moderators_of(session, network.main))
    assert [each.person_id for each in found.recipients] == [network.coordinator]


def test_coordinators_or_else_operators(network: Network) -> None:
    """Somebody is told, as long as there is anybody."""
    olga = network.person("Olga", "olga@host.example", role=Role.OPERATOR)
    found = asked(lambda session: audience.coordinators(session))
    assert [each.person_id for each in found.recipients] == [network.coordinator]
    edit(network.coordinator, reach=Reach.DEAD)
    found = asked(lambda session: audience.coordinators(session))
    assert [each.person_id for each in found.recipients] == [olga]


@pytest.mark.parametrize("on_a_list", [True, False])
def test_one_person(network: Network, on_a_list: bool) -> None:
    """A goodbye reaches somebody who is on no list any more."""
    lists = (network.main,) if on_a_list else ()
    anna = network.person("Anna", "anna@ashford.example", *lists)
    found = asked(lambda _session: audience.one(anna))
    assert [each.person_id for each in found.recipients] == [anna]


def test_two_people_with_one_address_get_one_copy(network: Network) -> None:
    """The first gets it, in whatever case it is written; the second is left out with the reason."""
    anna = network.person("Anna", "anna@ashford.example")
    ben = network.person("Ben", "ben@ashford.example")
    those = [
        Recipient(anna, "Shared@ashford.example", "Anna", ""),
        Recipient(ben, "shared@Ashford.example", "Ben", ""),
        Recipient(anna, "other@ashford.example", "Anna", ""),
        Recipient(None, "SHARED@ashford.example", "", ""),
    ]
    found = asked(lambda _session: audience.named(those))
    assert found.recipients == (those[0],)
    assert found.excluded == (Excluded(ben, f"(person {ben})", "same address as somebody else"),)


def test_nobody(network: Network) -> None:
    """An audience may be empty."""
    assert asked(lambda _session: audience.named(())) == Answer((), ())
    assert members(network.sub) == Answer((), ())


def test_many_are_read_without_holding_them(network: Network) -> None:
    """The order is that of the people, also over several gulps."""
    everybody = [
        network.person(f"P{number}", f"p{number}@ashford.example", network.main)
        for number in range(5)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audience, "_AT_ONCE", 2)
        assert [each.person_id for each in members(network.main).recipients] == everybody


@given(
    st.lists(
        st.tuples(
            st.booleans(), st.booleans(), st.sampled_from(list(Reach)),
            st.sampled_from(list(Standing)),
        ),
        max_size=6,
    )
)  # fmt: skip
@how(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_everybody_on_a_list_gets_a_copy_or_a_reason(
    network: Network, people: list[tuple[bool, bool, Reach, Standing]]
) -> None:
    """Nobody is dropped silently, whatever holds of them; who left is none of the audience."""
    before = members(network.main)
    expected: dict[int, str | None] = {}
    for has_address, verified, reach, standing in people:
        number = next(_numbers)
        person = network.person(f"P{number}", f"any{number}@ashford.example", network.main)
        edit(person, reach=reach, **({} if verified else {"verified_at": None}))
        stand(person, standing)
        if not has_address:
            with database.transaction() as session:
                session.delete(session.get_one(Person, person).addresses[0])
        if standing != Standing.LEFT:
            expected[person] = (
                "no address" if not has_address
                else "address not verified" if not verified
                else "address unreachable" if reach == Reach.DEAD
                else "suspended" if standing == Standing.SUSPENDED else None
            )  # fmt: skip
    after = members(network.main)
    got: dict[int | None, str | None] = {each.person_id: None for each in after.recipients}
    got |= {each.person_id: each.reason for each in after.excluded}
    known = {each.person_id for each in before.recipients}
    known |= {each.person_id for each in before.excluded}
    assert {who: why for who, why in got.items() if who not in known} == expected
    assert len(after.recipients) + len(after.excluded) == len(got)

"""People whose mailbox is gone: told once a day, and what a coordinator decides holds."""

import datetime as dt

import pytest
from sqlalchemy import select

from core import clock, database
from core.events import AddressRefused, JoinConfirmed, LeaversFound
from core.outbox import EventRow
from message.refusals import Reason
from subscribers import joining, leavers, leaving, people, reachability, transfer
from subscribers.models import Leaver, MailingList, Person, Standing, Subscription
from tests.conftest import Network

DAY = dt.timedelta(days=1)


def lose(network: Network, moment: dt.datetime, name: str, domain: str = "ashford.example") -> int:
    """Somebody whose mailbox is refused on three days up to `moment`; returns the person's id."""
    with clock.turned(moment - 9 * DAY):
        person = network.person(name, f"{name.lower()}@{domain}", network.main, network.sub)
    for day in (4, 2, 0):
        refuse(person, moment - day * DAY)
    return person


def refuse(person: int, at: dt.datetime, reason: str = "mailbox", *, hard: bool = True) -> None:
    """Mail to somebody is refused."""
    with clock.turned(at), database.transaction() as session:
        address = session.get_one(Person, person).addresses[0].id
        reachability.judge(session, AddressRefused(address, reason, hard))


def tick(at: dt.datetime) -> bool:
    """The tick at an instant; whether coordinators are to be told."""
    with database.transaction() as session:
        return leavers.record_due(session, at)


def waiting() -> list[int]:
    """The persons about whom nothing was decided."""
    with database.reading() as session:
        return [each.person_id for each in leavers.waiting(session)]


def number(person: int) -> int:
    """The latest row about a person."""
    with database.reading() as session:
        theirs = select(Leaver.id).where(Leaver.person_id == person).order_by(Leaver.id.desc())
        return session.scalars(theirs).first() or 0


def standing(person: int) -> set[tuple[str, str | None]]:
    """How somebody stands on their lists."""
    with database.reading() as session:
        rows = session.scalars(select(Subscription).where(Subscription.person_id == person))
        return {(row.state, row.left_how) for row in rows}


def test_coordinators_are_told_once_a_day_of_all_since_the_last(
    network: Network, moment: dt.datetime
) -> None:
    """Not before nine on the wall, not of anybody twice, not at all where nobody is new."""
    nine = moment.replace(hour=9, minute=0)
    anna = lose(network, nine - dt.timedelta(hours=3), "Anna")
    assert not tick(nine - dt.timedelta(minutes=1))
    assert tick(nine)
    ben = lose(network, nine + dt.timedelta(hours=1), "Ben", "bexhill.example")
    cara = lose(network, nine + dt.timedelta(hours=2), "Cara", "calder.example")
    assert not tick(nine + dt.timedelta(hours=3))
    assert tick(nine + DAY)
    assert not tick(nine + 2 * DAY)
    with database.reading() as session:
        told = [
            [each.person_id for each in leavers.told(session, LeaversFound.from_json(facts).until)]
            for facts in session.scalars(
                select(EventRow.facts).where(EventRow.name == "LeaversFound").order_by(EventRow.id)
            )
        ]
    assert told == [[anna], [ben, cara]]


@pytest.mark.parametrize("reason", [each for each in Reason if each != Reason.MAILBOX])
def test_nothing_but_a_dead_mailbox_makes_a_leaver(
    network: Network, moment: dt.datetime, reason: Reason
) -> None:
    """Full, out of the office, spam: however often."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    for day in range(10):
        refuse(anna, moment + day * DAY, reason)
    assert waiting() == []
    assert not tick(moment + 11 * DAY)


def test_try_again_brings_mail_back_and_begins_anew(network: Network, moment: dt.datetime) -> None:
    """They get mail; it takes three days of refusals to be here again."""
    anna = lose(network, moment, "Anna")
    assert standing(anna) == {(Standing.SUSPENDED, None)}
    with clock.turned(moment + DAY), database.transaction() as session:
        assert leavers.try_again(session, number(anna), network.coordinator)
        assert not leavers.try_again(session, number(anna), network.coordinator)
    assert standing(anna) == {(Standing.ACTIVE, None)}
    for day in (2, 3):
        refuse(anna, moment + day * DAY)
    assert waiting() == []
    refuse(anna, moment + 4 * DAY)
    assert waiting() == [anna]


def test_w23_who_was_removed_is_not_brought_back_by_an_import(
    network: Network, moment: dt.datetime
) -> None:
    """Removed from all lists, once; the import names the line; a new consent lets them in."""
    anna = lose(network, moment, "Anna")
    with database.transaction() as session:
        assert leavers.remove(session, number(anna), network.coordinator)
        assert not leavers.remove(session, number(anna), network.coordinator)
        assert not leavers.try_again(session, number(anna), network.coordinator)
    assert standing(anna) == {(Standing.LEFT, "gone")}
    with database.transaction() as session:
        main = session.get_one(MailingList, network.main)
        report = transfer.import_csv(session, main, "address\nANNA@ashford.example\n", by=None)
    assert report.added == 0
    assert [fault.line for fault in report.faults] == [2]
    assert "has left this list" in str(report.faults[0])
    assert standing(anna) == {(Standing.LEFT, "gone")}
    assert waiting() == []


@pytest.mark.parametrize("how", ["complaint", "gone"])
def test_w23_who_complained_or_was_removed_comes_back_by_their_own_yes_only(
    network: Network, how: str
) -> None:
    """Neither an import nor a form that anybody can fill in; the owner's confirmation does."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    with database.transaction() as session:
        leaving.leave(session, anna, network.main, how)
    with database.transaction() as session:
        main = session.get_one(MailingList, network.main)
        report = transfer.import_csv(session, main, "address\nanna@ashford.example\n", by=None)
        assert (report.added, len(report.faults)) == (0, 1)
        asked = joining.request(
            session, main, "Anna@Ashford.example", "Anna", source="form", evidence="test"
        )
        assert asked is not None
        number = asked.id
    assert standing(anna) == {(Standing.LEFT, how)}
    with database.transaction() as session:
        joining.confirm(session, number, "button")
        joining.decide(session, JoinConfirmed(number))
    assert standing(anna) == {(Standing.ACTIVE, None)}


def test_who_shows_up_again_is_no_leaver(network: Network, moment: dt.datetime) -> None:
    """Answering a mail of ours settles it, also without a coordinator."""
    anna = lose(network, moment, "Anna")
    with database.transaction() as session:
        reachability.revive(session, session.get_one(Person, anna).addresses[0])
    assert waiting() == []
    assert not tick(moment + DAY)


def test_who_leaves_by_the_page_needs_no_decision(network: Network, moment: dt.datetime) -> None:
    """A link in an old mail still works for whoever reads that mailbox."""
    anna = lose(network, moment, "Anna")
    with database.transaction() as session:
        leaving.leave(session, anna, network.sub, "page")
    assert waiting() == [anna]
    with database.transaction() as session:
        leaving.leave(session, anna, network.main, "page")
    assert waiting() == []


def test_colleagues_are_those_who_can_be_asked(network: Network, moment: dt.datetime) -> None:
    """The same organisation, on a list, with mail that gets through."""
    anna, ben = lose(network, moment, "Anna"), lose(network, moment, "Ben")
    cara = network.person("Cara", "cara@ashford.example", network.main)
    network.person("Dora", "dora@ashford.example")
    network.person("Emil", "emil@bexhill.example", network.main)
    olly = lose(network, moment, "Olly", "nowhere.example")
    with database.reading() as session:
        person = people.by_address(session, "anna@ashford.example")
        assert person is not None
        assert [each.id for each in leavers.colleagues(session, person)] == [cara]
        assert leavers.colleagues(session, session.get_one(Person, olly)) == []
        assert leavers.count(session) == 3
    assert set(waiting()) == {anna, ben, olly}

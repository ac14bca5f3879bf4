"""People, their organisations, and the lists."""

import pytest

from core import database, settings
from core.settings import Settings
from message.address import BadAddress
from subscribers import lists, organisations, people
from subscribers.models import Mode, OrganisationDomain, OrganisationKind, Person
from tests.conftest import Network


def test_people_are_found_by_address_in_any_case(network: Network) -> None:
    """Local parts and domains are compared without case, domains also as A-labels."""
    with database.transaction() as session:
        made = people.add_person(session, " Zoë \n Field", "Zoe@bücher.example")
        assert made.name == "Zoë Field"
        assert people.by_address(session, "zoe@XN--BCHER-KVA.example") is made
        assert people.preferred_address(made).mailbox == "Zoe@bücher.example"
        with pytest.raises(people.AddressTaken):
            people.add_person(session, "Another", "zoe@bücher.example")
        with pytest.raises(BadAddress):
            people.add_person(session, "Another", "zoe at home")


def test_an_address_can_be_entered_unverified(network: Network) -> None:
    """Unless somebody vouches for it."""
    with database.transaction() as session:
        made = people.add_person(session, "", "new@ashford.example", verified=False)
        assert (made.name, people.preferred_address(made).verified_at) == ("new", None)
        assert made.organisation is not None
        assert made.organisation.name == "Ashford Council"


def test_a_person_without_an_address(network: Network) -> None:
    """Asking for it says so."""
    anna = network.person("Anna", "anna@ashford.example")
    with database.transaction() as session:
        person = session.get_one(Person, anna)
        session.delete(person.addresses[0])
        session.flush()
        session.refresh(person)
        with pytest.raises(people.NoAddress):
            people.preferred_address(person)


def test_modes_of_members(network: Network) -> None:
    """A member chooses how to take posts; others have nothing to choose."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    with database.transaction() as session:
        changed = people.set_mode(session, anna, network.main, Mode.WEEKLY)
        assert changed is not None
        assert changed.mode == Mode.WEEKLY
        assert people.set_mode(session, anna, network.sub, Mode.WEEKLY) is None


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("a@ashford.example", "Ashford Council"),
        ("A@ASHFORD.EXAMPLE.", "Ashford Council"),
        ("a@x.y.ashford.example", "Ashford Council"),
        ("a@schools.ashford.example", "Ashford Schools"),
        ("a@old.schools.ashford.example", "Ashford Schools"),
        ("a@xashford.example", None),
        ("a@example", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_organisations_by_domain(network: Network, address: str, name: str | None) -> None:
    """A registered domain and what is below it; the nearest one wins."""
    with database.transaction() as session:
        organisations.add(session, "Ashford Schools", domains=("schools.ashford.example",))
        found = organisations.recognise(session, address)
        assert (found.name if found else None) == name


def test_organisations_are_entered_once(network: Network) -> None:
    """A second time adds domains; a domain belongs to one of them."""
    with database.transaction() as session:
        council = OrganisationKind.COUNCIL
        made = organisations.add(session, "Dover  Council", council, ("Dover.example",))
        again = organisations.add(session, "dover council", council, ("dover.example", "d.example"))
        assert again is made
        assert session.get(OrganisationDomain, "d.example") is not None
        for name, domain in (
            ("Else", "dover.example"), ("Else", "nodots"), ("Else", "a b.example"), ("", "x.y"),
        ):  # fmt: skip
            with pytest.raises(organisations.BadOrganisation):
                organisations.add(session, name, domains=(domain,))


def test_a_new_domain_places_those_who_were_here_before(network: Network) -> None:
    """Members without an organisation get it; what a coordinator entered stays."""
    dora = network.person("Dora", "dora@it.dover.example")
    anna = network.person("Anna", "anna@ashford.example")
    with database.transaction() as session:
        organisations.add(session, "Dover", OrganisationKind.COUNCIL, ("dover.example",))
        organisations.add(session, "Ashford Schools", domains=("schools.ashford.example",))
    with database.reading() as session:
        names = [person.organisation.name if person.organisation else "" for person in
                 (session.get_one(Person, dora), session.get_one(Person, anna))]  # fmt: skip
    assert names == ["Dover", "Ashford Council"]


def test_lists_are_created_and_found(network: Network) -> None:
    """Main lists first; names in any case."""
    with database.transaction() as session:
        made = lists.create(session, "Procurement", "Buying well", parent_id=network.main,
                            default_mode=Mode.EACH)  # fmt: skip
        assert lists.by_name(session, "PROCUREMENT") is made
        names = [each.name for each in lists.all_lists(session)]
    assert names == ["ai-network", "procurement", "copilot"]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("ai-network", "There already"), ("", "x"), ("a b", "x"), ("a+b", "x"), ("-a", "x"),
        ("ä", "x"), ("a" * 21, "x"), ("office", "x"), ("postmaster", "x"), ("join", "x"),
        ("fine", " "), ("fine", "x" * 201),
    ],
)  # fmt: skip
def test_names_that_no_list_can_have(network: Network, name: str, title: str) -> None:
    """Taken, unfit for an address with a token, or expected to be something else."""
    with database.transaction() as session, pytest.raises(lists.BadList):
        lists.create(session, name, title)


def test_a_list_without_its_parent(network: Network) -> None:
    """A subgroup of nothing is refused."""
    with database.transaction() as session, pytest.raises(lists.BadList):
        lists.create(session, "fine", "Fine", parent_id=99)


def test_the_separator_is_not_part_of_a_name(network: Network, our_settings: Settings) -> None:
    """Else nobody could tell where the name ends."""
    settings.use(our_settings.model_copy(update={"separator": "-"}))
    with database.transaction() as session, pytest.raises(lists.BadList, match="separator"):
        lists.create(session, "a-b", "x")

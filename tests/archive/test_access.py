"""Who may read what: one decision, the same on every surface."""

import pytest
from sqlalchemy import select

from archive import access, moderation, reading, search
from archive.models import Post
from core import database
from subscribers.models import MailingList, Role, Standing, Subscription
from tests.archive.letters import file, mail, put
from tests.conftest import Network


def test_members_read_their_lists(network: Network) -> None:
    """Members read the lists they are on; coordinators and operators all; others nothing."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    ben = network.person("Ben", "ben@bexhill.example", network.main, network.sub)
    guest = network.person("Pia", "pia@partner.example", network.main)
    nobody = network.person("Zed", "zed@elsewhere.example")
    operator = network.person("Olga", "olga@host.example", role=Role.OPERATOR)
    with database.reading() as session:

        def lists(person: int | None) -> set[int]:
            viewer = access.viewer(session, person)
            seen = {one.id for one in access.visible_lists(session, viewer)}
            for list_id in (network.main, network.sub):
                assert access.may_read_list(session, viewer, list_id) == (list_id in seen)
            return seen

        assert lists(anna) == {network.main}
        assert lists(ben) == {network.main, network.sub}
        assert lists(guest) == {network.main}
        assert lists(nobody) == set()
        assert lists(None) == set()
        assert lists(network.coordinator) == lists(operator) == {network.main, network.sub}


def test_readers_among_many_are_those_who_may_read(network: Network) -> None:
    """The decision for many at once is that for each, on open and closed lists, in any standing."""
    people = [network.coordinator, network.person("Zed", "zed@elsewhere.example")]
    for number, standing in enumerate([*Standing, *Standing]):
        domain = "ashford.example" if number % 2 else "partner.example"
        person = network.person(f"P{number}", f"p{number}@{domain}", network.main, network.sub)
        people.append(person)
        with database.transaction() as session:
            of = select(Subscription).where(Subscription.person_id == person)
            for subscription in session.scalars(of):
                subscription.state = standing
    with database.reading() as session:
        for list_ in session.scalars(select(MailingList)):
            each = {
                person
                for person in people
                if access.may_read_list(session, access.viewer(session, person), list_)
            }
            assert access.readers_among(session, list_, people) == each
            assert each


@pytest.mark.parametrize(
    ("standing", "reads"),
    [(Standing.ACTIVE, True), (Standing.SUSPENDED, True), (Standing.LEFT, False)],
)
def test_leaving_ends_reading(network: Network, standing: str, reads: bool) -> None:
    """Who left reads no more; who is suspended (a dead mailbox) still does."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    with database.transaction() as session:
        session.scalars(select(Subscription)).one().state = standing
        viewer = access.viewer(session, anna)
        assert access.may_read_list(session, viewer, network.main) is reads


def test_closed_lists_are_for_councils(network: Network) -> None:
    """Even a subscription does not open a closed list to a partner: leaving a council ends it."""
    pia = network.person("Pia", "pia@partner.example", network.sub)
    with database.reading() as session:
        assert not access.may_read_list(session, access.viewer(session, pia), network.sub)


def test_moderators(network: Network) -> None:
    """A moderator decides on the own list only; coordinators on all."""
    mo = network.person("Mo", "mo@ashford.example", network.sub, moderator=True)
    with database.reading() as session:
        viewer = access.viewer(session, mo)
        assert access.may_moderate(session, viewer, network.sub)
        assert not access.may_moderate(session, viewer, network.main)
        carol = access.viewer(session, network.coordinator)
        assert access.may_moderate(session, carol, network.main)
        assert not access.may_moderate(session, access.ANYBODY, network.main)


def test_every_surface_gives_the_same_answer(network: Network) -> None:
    """Page, search and post agree for each person and list."""
    people: list[int | None] = [
        network.person("Anna", "anna@ashford.example", network.main),
        network.person("Ben", "ben@bexhill.example", network.main, network.sub),
        network.person("Pia", "pia@partner.example", network.sub),
        network.coordinator,
        None,
    ]
    with database.transaction() as session:
        put(session, network.main, mail(subject="Open", text="zebra in the open"))
        put(session, network.sub, mail(subject="Closed", text="zebra behind closed doors"))
    with database.reading() as session:
        for person in people:
            viewer = access.viewer(session, person)
            visible = {one.id for one in access.visible_lists(session, viewer)}
            hits = search.search(session, viewer, "zebra")
            assert {hit.post.list_id for hit in hits} == visible
            for post in session.scalars(select(Post)):
                assert access.may_read_post(session, viewer, post) == (post.list_id in visible)


def test_held_posts_are_for_moderators(network: Network) -> None:
    """What is held is not found, not listed, not in the thread; the moderator sees it."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    (held,) = file(mail("Spy <spy@elsewhere.example>", text="zebra"), network.main)
    with database.reading() as session:
        viewer = access.viewer(session, anna)
        post = session.get_one(Post, held)
        assert not access.may_read_post(session, viewer, post)
        assert search.search(session, viewer, "zebra") == []
        assert reading.threads_of(session, session.get_one(MailingList, network.main)) == []
        assert moderation.held(session, viewer) == []
        carol = access.viewer(session, network.coordinator)
        assert [one.id for one in moderation.held(session, carol)] == [held]
        assert search.search(session, carol, "zebra") == []

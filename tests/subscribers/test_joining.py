"""Joining: asked, confirmed, decided; what is kept as proof; what cannot be abused."""

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, database
from core.events import JoinConfirmed, Joined, JoinHeld, JoinRequested
from core.outbox import EventRow
from message.address import BadAddress
from subscribers import joining, leaving, people
from subscribers.models import (
    Consent,
    JoinRequest,
    MailingList,
    Organisation,
    Person,
    RequestState,
    Subscription,
)
from tests.conftest import Network

ANNA = "anna@ashford.example"


@pytest.fixture
def session(network: Network, moment: dt.datetime) -> Iterator[Session]:
    """A transaction over the small network."""
    with database.transaction() as session:
        yield session


def ask(
    session: Session, address: str = ANNA, list_id: int | None = None, **said: str
) -> JoinRequest | None:
    """Ask to join the main list by the form."""
    name = "ai-network" if list_id is None else session.get_one(MailingList, list_id).name
    list_ = session.scalar(select(MailingList).where(MailingList.name == name))
    assert list_ is not None
    values = {"name": "Anna Archer", "organisation": "Ashford"} | said
    return joining.request(session, list_, address, source="form", evidence="the form", **values)


def asked(session: Session, address: str = ANNA, list_id: int | None = None) -> JoinRequest:
    """Ask, with the brakes off."""
    request = ask(session, address, list_id)
    assert request is not None
    return request


def join(session: Session, address: str = ANNA, list_id: int | None = None) -> JoinRequest:
    """Ask, confirm, decide."""
    request = asked(session, address, list_id)
    joining.confirm(session, request.id, "the button")
    joining.decide(session, JoinConfirmed(request.id))
    return request


def recorded(session: Session, *events: type) -> list[str]:
    """The names of the events of these kinds, in order."""
    names = [event.__name__ for event in events]
    rows = select(EventRow.name).where(EventRow.name.in_(names)).order_by(EventRow.id)
    return list(session.scalars(rows))


ALL = (JoinRequested, JoinConfirmed, JoinHeld, Joined)


def test_w3_nothing_before_the_owner_confirms(session: Session) -> None:
    """Asking makes one request and one event; no person, no subscription, no consent."""
    request = asked(session)
    joining.decide(session, JoinConfirmed(request.id))
    assert recorded(session, *ALL) == ["JoinRequested"]
    assert people.by_address(session, ANNA) is None


def test_w3_the_way_of_a_council_officer(session: Session) -> None:
    """Asked, confirmed, in; the second click and a repeated reaction change nothing."""
    request = join(session)
    assert joining.confirm(session, request.id, "again").state == RequestState.JOINED
    joining.decide(session, JoinConfirmed(request.id))
    assert recorded(session, *ALL) == ["JoinRequested", "JoinConfirmed", "Joined"]
    person = people.by_address(session, ANNA.upper())
    assert person is not None
    assert person.organisation is not None
    assert person.organisation.name == "Ashford Council"
    assert person.addresses[0].verified_at is not None
    assert [list_.name for list_ in people.lists_of(session, person.id)] == ["ai-network"]


def test_w20_the_consent_can_be_proved(session: Session) -> None:
    """The words shown, both acts and the instant of the confirmation are on record."""
    join(session)
    (consent,) = session.scalars(select(Consent))
    assert consent.wording == joining.WORDING
    assert consent.evidence == "asked: the form; confirmed: the button"
    assert consent.given_at - clock.now() < dt.timedelta(seconds=1)
    assert consent.withdrawn_at is None


def test_w3_a_confirmation_dies_after_seven_days(session: Session, moment: dt.datetime) -> None:
    """On the seventh day it counts, after it the person is told to ask again."""
    early, late = asked(session), asked(session, "ben@bexhill.example")
    with clock.turned(moment + dt.timedelta(days=6, hours=23)):
        joining.confirm(session, early.id, "the button")
    with clock.turned(moment + dt.timedelta(days=7, minutes=1)):
        with pytest.raises(joining.Expired, match="7 days"):
            joining.confirm(session, late.id, "the button")
        assert joining.confirm(session, early.id, "the button").state == RequestState.CONFIRMED


def test_w3_a_newer_mail_replaces_the_older(session: Session, moment: dt.datetime) -> None:
    """Only the newest mail confirms."""
    first = asked(session)
    with clock.turned(moment + dt.timedelta(days=2)):
        second = asked(session)
        with pytest.raises(joining.CannotConfirm, match="newer"):
            joining.confirm(session, first.id, "the button")
        assert joining.confirm(session, second.id, "the button").state == RequestState.CONFIRMED


def test_an_unknown_request_is_refused_in_a_sentence(session: Session) -> None:
    """A number that nobody was given confirms nothing."""
    with pytest.raises(joining.CannotConfirm, match="Ask to join again"):
        joining.confirm(session, 999, "the button")


def test_w4_a_thousand_sign_ups_of_one_victim(session: Session, moment: dt.datetime) -> None:
    """One mail a day, three in all, to whatever spelling of the mailbox."""
    sent = 0
    for number in range(1000):
        spelling = ("victim@unknown.example", "VICTIM@unknown.example",
                    f"victim+{number}@unknown.example")[number % 3]  # fmt: skip
        with clock.turned(moment + dt.timedelta(minutes=10 * number)):
            sent += ask(session, spelling) is not None
    assert sent == joining.IN_ALL
    with clock.turned(moment + dt.timedelta(hours=1)):
        assert ask(session, "victor@unknown.example") is not None


def test_w4_a_thousand_victims(session: Session) -> None:
    """The brake of all together holds, and opens again after an hour."""
    sent = [ask(session, f"v{number}@unknown.example") for number in range(300)]
    assert sum(request is not None for request in sent) == joining.AN_HOUR
    with clock.turned(clock.now() + dt.timedelta(minutes=61)):
        assert ask(session, "late@unknown.example") is not None


def test_w4_who_confirmed_may_ask_for_another_list(session: Session, network: Network) -> None:
    """Only unanswered requests count against an address."""
    join(session)
    assert ask(session, list_id=network.sub) is not None


def test_w5_known_addresses_get_the_same_answer(session: Session) -> None:
    """Asking again as a member makes the same request, and joining again is harmless."""
    join(session)
    again = join(session)
    assert again.state == RequestState.JOINED
    assert recorded(session, Joined) == ["Joined"]
    assert len(session.scalars(select(Subscription)).all()) == 1
    assert len(session.scalars(select(Person)).all()) == 2  # she and the coordinator


@pytest.mark.parametrize(
    ("address", "outcome"),
    [
        ("a@ashford.example", "joined"),
        ("a@mail.highways.ashford.example", "joined"),
        ("a@host.example", "joined"),
        ("a@notashford.example", "held"),
        ("a@ashford.example.evil.example", "held"),
        ("a@partner.example", "held"),
        ("a@unknown.example", "held"),
    ],
)
@pytest.mark.parametrize("closed", [False, True])
def test_who_is_let_in(
    session: Session, network: Network, address: str, outcome: str, closed: bool
) -> None:
    """Councils and the host, by domain or a subdomain of it; others wait for the coordinator."""
    request = join(session, address, network.sub if closed else network.main)
    assert request.state == outcome
    assert recorded(session, JoinHeld, Joined) == [outcome.title().replace("Held", "JoinHeld")]
    assert joining.waiting(session) == ([request] if outcome == "held" else [])


def test_a_typed_organisation_proves_nothing(session: Session, network: Network) -> None:
    """Who claims to be of a council by name only waits, and is not entered with it."""
    request = ask(session, "x@unknown.example", organisation="Bexhill Council")
    assert request is not None
    joining.confirm(session, request.id, "the button")
    joining.decide(session, JoinConfirmed(request.id))
    assert request.state == RequestState.HELD
    joining.admit(session, request.id, network.coordinator)
    person = people.by_address(session, "x@unknown.example")
    assert person is not None
    assert person.organisation is None


def test_admitting_is_recorded_and_twice_is_once(session: Session, network: Network) -> None:
    """Who decided and when is known; the person's own organisation is entered as `other`."""
    request = join(session, "olly@unknown.example")
    for _ in range(2):
        joining.admit(session, request.id, network.coordinator)
    assert (request.state, request.decided_by) == (RequestState.JOINED, network.coordinator)
    assert request.decided_at is not None
    assert recorded(session, Joined) == ["Joined"]
    made = session.scalar(select(Organisation).where(Organisation.name == "Ashford"))
    assert made is not None
    assert made.kind == "other"


def test_refusing_is_recorded_and_can_be_changed(session: Session, network: Network) -> None:
    """A refused request can be admitted later; one who is in cannot be refused."""
    request = join(session, "olly@unknown.example")
    for _ in range(2):
        joining.refuse(session, request.id, network.coordinator)
    assert (request.state, request.decided_by) == (RequestState.REFUSED, network.coordinator)
    assert recorded(session, Joined) == []
    joining.admit(session, request.id, network.coordinator)
    with pytest.raises(joining.CannotDecide):
        joining.refuse(session, request.id, network.coordinator)


def test_a_closed_list_admits_nobody_else(session: Session, network: Network) -> None:
    """Not even the coordinator puts a partner on a list for councils."""
    request = join(session, "p@partner.example", network.sub)
    with pytest.raises(joining.CannotDecide, match="councils only"):
        joining.admit(session, request.id, network.coordinator)


def test_nobody_decides_before_the_owner_confirmed(session: Session, network: Network) -> None:
    """A coordinator cannot admit an address that nobody confirmed."""
    request = asked(session)
    for decide in (joining.admit, joining.refuse):
        with pytest.raises(joining.CannotDecide, match="not confirmed"):
            decide(session, request.id, network.coordinator)


def test_coming_back_after_leaving(session: Session, network: Network) -> None:
    """A new consent beside the withdrawn one, a new welcome, the same subscription."""
    join(session)
    person = people.by_address(session, ANNA)
    assert person is not None
    leaving.leave(session, person.id, network.main, "mail")
    join(session)
    assert recorded(session, Joined) == ["Joined", "Joined"]
    consents = session.scalars(select(Consent).order_by(Consent.id)).all()
    assert [consent.withdrawn_at is None for consent in consents] == [False, True]
    assert len(session.scalars(select(Subscription)).all()) == 1


@pytest.mark.parametrize("address", ["", "anna", "a b@ashford.example", "x@lists.example.org"])
def test_what_cannot_be_an_address_is_refused(session: Session, address: str) -> None:
    """The person gets a sentence; our own addresses would go round in circles."""
    with pytest.raises(BadAddress):
        ask(session, address)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Anna Archer", "Anna Archer"),
        ("  Anna\r\nBcc: x@y.example ", "Anna Bcc: x@y.example"),
        ("\u202eAnna\x00", "Anna"),
        ("", "anna"),
        ("x" * 300, "x" * 200),
    ],
)
def test_names_are_one_visible_line(session: Session, name: str, kept: str) -> None:
    """No line ends, no direction signs, no more than 200 characters, never empty."""
    request = ask(session, name=name)
    assert request is not None
    assert request.name == kept


def test_w28_what_nobody_confirmed_is_forgotten(session: Session, moment: dt.datetime) -> None:
    """After 30 days the row is empty; its number stays taken, and its link says what to do."""
    request, kept = asked(session), join(session, "ben@bexhill.example")
    with clock.turned(moment + dt.timedelta(days=29)):
        assert joining.forget_unconfirmed(session) == 0
    with clock.turned(moment + dt.timedelta(days=31)):
        assert joining.forget_unconfirmed(session) == 1
        assert joining.forget_unconfirmed(session) == 0
        with pytest.raises(joining.Expired):
            joining.confirm(session, request.id, "the button")
    assert {request.mailbox, request.key, request.name, request.evidence} == {""}
    assert kept.mailbox == "ben@bexhill.example"

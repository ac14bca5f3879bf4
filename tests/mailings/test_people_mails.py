"""Mails to one person about themselves: confirmation, waiting, welcome, goodbye, sign-in."""

import datetime as dt

import pytest
from sqlalchemy import select

from core import clock, database, tokens
from core.events import JoinConfirmed, Joined, JoinHeld, JoinRequested, Left, SignInRequested
from core.tokens import Purpose
from subscribers import joining, leaving, people, sign_in
from subscribers.models import JoinRequest, MailingList, SignIn, Subscription
from tests.conftest import Network
from tests.mailings.conftest import letters, mailings, react


def ask(network: Network, address: str, name: str = "Olly Outsider") -> int:
    """Somebody asks to join the main list; returns the request's number."""
    with database.transaction() as session:
        list_ = session.get_one(MailingList, network.main)
        request = joining.request(session, list_, address, name, source="form", evidence="test")
        assert request is not None
        return request.id


def test_confirmation(network: Network) -> None:
    """Once, to the address alone; an answer or the link confirms; no typed word is repeated."""
    request = ask(network, "olly@unknown.example", "Buy pills at https://spam.example")
    react("confirmation", JoinRequested(request))
    assert len(mailings("confirmation")) == 1
    mail = letters("confirmation")["olly@unknown.example"]
    token = mail.reply_to[0].local_part.partition("+")[2]
    assert tokens.read(token, Purpose.CONFIRM).ids == (request,)
    assert f"https://network.example.org/confirm/{token}" in mail.text
    assert "spam.example" not in mail.text + (mail.html or "") + str(mail.headers)
    assert joining.WORDING in " ".join(mail.text.split())
    assert mail.get("List-Unsubscribe") is None


def test_confirmation_is_not_sent_when_it_is_too_late(network: Network) -> None:
    """A request that was confirmed or replaced meanwhile is not asked about."""
    request = ask(network, "olly@unknown.example")
    with database.transaction() as session:
        joining.confirm(session, request, "test")
    react("confirmation", JoinRequested(request))
    assert mailings("confirmation") == []


def hold(network: Network) -> int:
    """A confirmed sign-up that waits for the coordinator."""
    request = ask(network, "olly@unknown.example")
    with database.transaction() as session:
        joining.confirm(session, request, "test")
        joining.decide(session, JoinConfirmed(request))
        assert session.get_one(JoinRequest, request).state == "held"
    return request


def test_waiting(network: Network) -> None:
    """Each coordinator hears once who waits, where to decide, and can write to them."""
    react("waiting", JoinHeld(hold(network)))
    assert len(mailings("waiting")) == 1
    mail = letters("waiting")["carol@host.example"]
    assert "https://network.example.org/desk/sign-ups" in mail.text
    assert "Olly Outsider" in mail.subject
    assert [(box.name, box.address) for box in mail.reply_to] == [
        ("Olly Outsider", "olly@unknown.example")
    ]


def subscription(person: int, list_id: int) -> int:
    """The number of a subscription."""
    with database.reading() as session:
        found = people.subscription_of(session, person, list_id)
        assert found is not None
        return found.id


def test_welcome_and_goodbye_each_time(network: Network) -> None:
    """Who joins, leaves and joins again is told each time, and once each time."""
    anna = network.person("Anna Archer", "anna@ashford.example", network.main, network.sub)
    number = subscription(anna, network.main)
    for turn in (1, 2):
        react("welcome", Joined(number))
        assert len(mailings("welcome")) == turn
        with database.transaction() as session:
            leaving.leave(session, anna, network.main, "page")
        react("goodbye", Left(number))
        assert len(mailings("goodbye")) == turn
        clock.turn(dt.timedelta(hours=1))
        with database.transaction() as session:
            again = session.get_one(Subscription, number)
            again.state, again.left_at, again.joined_at = "active", None, clock.now()
    clock.turn(dt.timedelta(hours=-2))
    welcome = letters("welcome")["anna@ashford.example"]
    assert "ai-network@lists.example.org" in welcome.text
    assert "/leave/" in welcome.text
    goodbye = letters("goodbye")["anna@ashford.example"]
    assert "You are still a member of Copilot subgroup." in goodbye.text
    assert "https://network.example.org/leave/" in goodbye.text
    assert "ai-network+join@lists.example.org" in goodbye.text


@pytest.mark.parametrize("how", ["complaint", "erasure"])
def test_no_goodbye_after_a_complaint(network: Network, how: str) -> None:
    """Who reported us wants silence."""
    anna = network.person("Anna Archer", "anna@ashford.example", network.main)
    with database.transaction() as session:
        leaving.leave(session, anna, network.main, how)
    react("goodbye", Left(subscription(anna, network.main)))
    assert mailings("goodbye") == []


def test_sign_in(network: Network) -> None:
    """The link is for this request; one that would come too late is not sent."""
    with database.transaction() as session:
        sign_in.ask(session, "carol@host.example", "a secret")
        number = session.scalars(select(SignIn.id)).one()
    react("sign_in", SignInRequested(number))
    (mailing,) = mailings("sign_in")
    assert mailing.pointless_after is not None
    mail = letters("sign_in")["carol@host.example"]
    token = mail.text.partition("/sign-in/")[2].split()[0]
    assert tokens.read(token, Purpose.SIGN_IN).ids == (number,)
    assert mail.from_ is not None
    assert mail.from_.address == "office@lists.example.org"


def test_sign_in_too_late(network: Network) -> None:
    """After ten minutes the link is good for nothing."""
    with database.transaction() as session:
        sign_in.ask(session, "carol@host.example", "a secret")
        number = session.scalars(select(SignIn.id)).one()
    clock.turn(dt.timedelta(minutes=11))
    try:
        react("sign_in", SignInRequested(number))
    finally:
        clock.turn(dt.timedelta(minutes=-11))
    assert mailings("sign_in") == []

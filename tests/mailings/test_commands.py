"""Commands by mail: each does what was asked, twice as once, and machines are not answered."""

import datetime as dt

import pytest
from sqlalchemy import select

from core import addresses, clock, database, tokens
from core.events import CommandArrived
from core.outbox import EventRow
from core.tokens import Purpose
from mailer.models import Incoming
from mailings import commands
from meetings.models import Contribution
from subscribers import joining
from subscribers.models import JoinRequest, MailingList, Subscription
from tests.conftest import Network
from tests.mailings.conftest import arrived, letter, letters, mailings

ANNA = "Anna Archer <anna@ashford.example>"


def obey(incoming: int, times: int = 2) -> Incoming:
    """Obey a message, by default twice; returns it as it stands then."""
    for _ in range(times):
        with database.transaction() as session:
            commands.obey(session, CommandArrived(incoming))
    with database.reading() as session:
        return session.get_one(Incoming, incoming)


def events(name: str) -> int:
    """How often something was recorded."""
    with database.reading() as session:
        return len(list(session.scalars(select(EventRow.id).where(EventRow.name == name))))


def states(person: int) -> list[str]:
    """The states of a person's subscriptions."""
    with database.reading() as session:
        found = select(Subscription.state).where(Subscription.person_id == person)
        return sorted(session.scalars(found))


def test_join_by_mail(network: Network) -> None:
    """A mail to +join asks the owner of the address, once."""
    obey(arrived(letter(ANNA, "join", "Please."), list_id=network.main, command="join"))
    with database.reading() as session:
        request = session.scalars(select(JoinRequest)).one()
    assert (request.mailbox, request.name, request.source) == (
        "anna@ashford.example", "Anna Archer", "mail",
    )  # fmt: skip
    assert events("JoinRequested") == 1


def asked(network: Network) -> int:
    """A request to join that waits for the answer."""
    with database.transaction() as session:
        list_ = session.get_one(MailingList, network.main)
        request = joining.request(
            session, list_, "anna@ashford.example", "Anna", source="form", evidence="test"
        )
        assert request is not None
        return request.id


@pytest.mark.parametrize(("words", "confirmed"), [("Yes", 1), ("", 1), ("No, not me", 0)])
def test_confirm_by_answer(network: Network, words: str, confirmed: int) -> None:
    """Any answer to the question is a yes, unless it says no."""
    token = tokens.make(Purpose.CONFIRM, asked(network))
    mail = letter(ANNA, "Re: Confirm that you want to join AI Network", words)
    obey(arrived(mail, list_id=network.main, command="confirm", token=token))
    assert events("JoinConfirmed") == confirmed


def test_a_late_yes_is_asked_afresh(network: Network) -> None:
    """Whoever answers after a week still wants to join: a new question goes out."""
    token = tokens.make(Purpose.CONFIRM, asked(network))
    late = dt.timedelta(days=8)
    clock.turn(late)
    try:
        mail = letter(ANNA, "Re: Confirm", "Yes")
        obey(arrived(mail, list_id=network.main, command="confirm", token=token))
    finally:
        clock.turn(-late)
    assert events("JoinConfirmed") == 0
    assert events("JoinRequested") == 2


def test_confirm_needs_a_genuine_token(network: Network) -> None:
    """A made-up token confirms nothing."""
    asked(network)
    mail = letter(ANNA, "Re: Confirm", "Yes")
    obey(arrived(mail, list_id=network.main, command="confirm", token="a" * 40))
    assert events("JoinConfirmed") == 0


def test_leave_by_token(network: Network) -> None:
    """The token says who leaves which list, whatever address writes."""
    anna = network.person("Anna", "anna@ashford.example", network.main, network.sub)
    token = tokens.make(Purpose.LEAVE, anna, network.sub)
    mail = letter("Anna at home <anna@home.example>", "", "")
    obey(arrived(mail, list_id=network.sub, command="leave", token=token))
    assert states(anna) == ["active", "left"]
    assert events("Left") == 1


def test_leave_by_address(network: Network) -> None:
    """A member's address is enough; the goodbye says how to come back."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    obey(arrived(letter(ANNA, "leave", ""), list_id=network.main, command="leave"))
    assert states(anna) == ["left"]
    assert events("Left") == 1


def test_leave_from_an_address_that_is_not_on_the_list(network: Network) -> None:
    """Nobody leaves, and who wrote learns that."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    mail = letter("Anna at home <anna@home.example>", "leave", "")
    obey(arrived(mail, list_id=network.main, command="leave"))
    assert states(anna) == ["active"]
    found = letters("help")["anna@home.example"]
    assert "could not work out" in found.text


def test_help(network: Network) -> None:
    """Who asks gets the addresses of the list; a second time the same day they get nothing."""
    question = letter(ANNA, "help", "help me")
    obey(arrived(question, list_id=network.main, command="help"))
    obey(arrived(letter(ANNA, "help", "again"), list_id=network.main, command="help"))
    assert len(mailings("help")) == 1
    mail = letters("help")["anna@ashford.example"]
    assert mail.get("Auto-Submitted") == "auto-replied"
    assert f"<{mail.in_reply_to[0]}>" == question["Message-ID"]
    assert "ai-network+join@lists.example.org" in mail.text
    assert "copilot" not in mail.text


def test_help_of_the_office_names_what_one_may_know(network: Network) -> None:
    """A stranger is not told of closed lists."""
    obey(arrived(letter("x@else.example", "help", "?"), command="help"))
    text = letters("help")["x@else.example"].text
    assert "ai-network+join@" in text
    assert "copilot" not in text


@pytest.mark.parametrize(
    "mail",
    [
        letter(ANNA, "help", "x", Auto_Submitted="auto-replied"),
        letter(ANNA, "Automatic reply: help", "I am away", X_Auto_Response_Suppress="All"),
        letter("MAILER-DAEMON@mx.example", "help", "x"),
        letter("list-request@mx.example", "help", "x"),
        letter("owner-list@mx.example", "help", "x"),
        letter("noreply@mx.example", "help", "x"),
        letter("office@lists.example.org", "help", "x"),
        letter(ANNA, "help", "x", Return_Path="<>"),
    ],
)
def test_i5_machines_are_not_answered(network: Network, mail: object) -> None:
    """RFC 3834 §2: neither automatic mail nor addresses of machines nor ourselves."""
    obey(arrived(mail, list_id=network.main, command="help"))  # type: ignore[arg-type]
    assert mailings("help") == []


def test_owner(network: Network) -> None:
    """A mail to the people who run the list waits at the desk, told once."""
    incoming = obey(
        arrived(letter(ANNA, "Hi", "A question"), list_id=network.main, command="owner")
    )
    assert incoming.state == "stuck"
    assert events("MailNotUnderstood") == 1


def updates() -> list[str]:
    """The words of all updates."""
    with database.reading() as session:
        return list(session.scalars(select(Contribution.words)))


def test_update_of_a_partner(network: Network) -> None:
    """What a known partner writes, to an address that proves them, goes into the next digest."""
    network.person("Pat Partner", "pat@partner.example", network.main)
    from core import settings

    settings.use(settings.current().model_copy(update={"post_office": True}))
    mail = letter("Pat <pat@partner.example>", "Our news", "A new guide is out.\n")
    obey(arrived(mail, list_id=network.main, command="updates"))
    assert updates() == ["A new guide is out."]


@pytest.mark.parametrize("sender", ["Pat <pat@partner.example>", ANNA, "x@else.example"])
def test_other_updates_wait(network: Network, sender: str) -> None:
    """Unproved partners, members and strangers: the coordinator looks at it."""
    network.person("Pat Partner", "pat@partner.example", network.main)
    network.person("Anna Archer", "anna@ashford.example", network.main)
    incoming = obey(
        arrived(letter(sender, "News", "Words."), list_id=network.main, command="updates")
    )
    assert updates() == []
    assert incoming.state == "stuck"


def test_our_own_addresses_are_not_people(network: Network) -> None:
    """Nobody can have the network join itself."""
    mail = letter(addresses.of("ai-network"), "join", "")
    incoming = obey(arrived(mail, list_id=network.main, command="join"))
    assert events("JoinRequested") == 0
    assert incoming.state == "stuck"

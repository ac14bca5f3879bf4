"""Mails to coordinators about refused mail: a domain that refuses, and people who left."""

import datetime as dt

import pytest

from core import clock, database, settings
from core.events import AddressRefused, IncidentOpened, LeaversFound, Left
from core.outbox import EventRow
from mailings import remedies
from subscribers import incidents, leavers, leaving, reachability
from subscribers.models import Incident, Leaver, Person, Refusal, Subscription
from tests.conftest import Network
from tests.mailings.conftest import letters, mailings, react

DAY = dt.timedelta(days=1)
WORDS = "550 5.7.1 poor reputation <b>of</b> lists.example.org"


def refuse(person: int, reason: str, words: str = "") -> None:
    """A server refuses mail to somebody now."""
    with database.transaction() as session:
        address = session.get_one(Person, person).addresses[0].id
        row = Refusal(
            address_id=address, reason=reason, permanent=True, at=clock.now(), words=words
        )
        session.add(row)
        session.flush()
        reachability.judge(session, AddressRefused(address, reason, True, row.id))


def refusing_domain(network: Network, reason: str = "policy") -> int:
    """A council that refuses three people; returns the incident's number."""
    for name in ("anna", "ben", "cara"):
        refuse(network.person(name, f"{name}@ashford.example", network.main), reason, WORDS)
    with database.reading() as session:
        return session.query(Incident).one().id


def test_an_incident_is_told_once_with_what_to_do(network: Network) -> None:
    """Who refuses, its own words, whom it hits, and the text for their IT team."""
    settings.use(settings.current().model_copy(update={"smtp_host": "smtp.x.example"}))
    number = refusing_domain(network)
    react("incident", IncidentOpened(number))
    assert len(mailings("incident")) == 1
    (mail,) = letters("incident").values()
    text = " ".join(mail.text.split())
    assert mail.subject == "Ashford Council refuses our emails"
    assert f"It said: {WORDS}" in text
    assert "What the server says: > 550 5.7.1" in text
    assert "nobody's mail is paused" in text
    assert "it is signed with DKIM (d=lists.example.org, s=folkmoot)" in text
    assert "it is handed over by smtp.x.example." in text
    assert all(f"{name}@ashford.example" in text for name in ("anna", "ben", "cara"))
    assert "&lt;b&gt;of&lt;/b&gt;" in (mail.html or "")
    assert list(letters("incident")) == ["carol@host.example"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_text_for_it_names_no_server_on_this_machine(host: str) -> None:
    """Nobody else knows it by that name."""
    settings.use(settings.current().model_copy(update={"smtp_host": host}))
    text = " ".join(remedies.letter(Incident(domain="x.example", reason="policy", words=WORDS)))
    assert f"It said: {WORDS}" in text
    assert "it is signed with DKIM (d=lists.example.org, s=folkmoot)." in text
    assert host not in text


def test_an_incident_of_mailboxes_says_that_it_is_a_fault_of_the_server(network: Network) -> None:
    """And what to press when these people have really left."""
    react("incident", IncidentOpened(refusing_domain(network, "mailbox")))
    text = " ".join(letters("incident")["carol@host.example"].text.split())
    assert "set up wrongly" in text
    assert "close this on the desk" in text


def test_what_is_over_is_not_told(network: Network) -> None:
    """An incident that was closed before the mail was made makes none."""
    number = refusing_domain(network)
    with database.transaction() as session:
        incidents.close(session, number, network.coordinator)
    react("incident", IncidentOpened(number))
    assert mailings("incident") == []


def gone(network: Network, moment: dt.datetime, name: str, domain: str) -> int:
    """Somebody whose mailbox is refused on three days up to `moment`."""
    with clock.turned(moment - 9 * DAY):
        person = network.person(name, f"{name.lower()}@{domain}", network.main)
    for day in (4, 2, 0):
        with clock.turned(moment - day * DAY):
            refuse(person, "mailbox")
    return person


def test_leavers_are_told_in_one_mail_with_whom_to_ask(
    network: Network, moment: dt.datetime
) -> None:
    """The coordinator reads who, since when, which lists, and who else is there."""
    gone(network, moment - dt.timedelta(hours=1), "Anna", "ashford.example")
    gone(network, moment, "Otto", "nowhere.example")
    network.person("Kim", "kim@ashford.example", network.main)
    with database.transaction() as session:
        assert leavers.record_due(session, clock.now())
    with database.reading() as session:
        facts = session.query(EventRow).filter_by(name="LeaversFound").one().facts
    react("leavers", LeaversFound.from_json(facts))
    assert len(mailings("leavers")) == 1
    mail = letters("leavers")["carol@host.example"]
    assert mail.subject == "2 people seem to have left"
    anna, otto = mail.text.index("Anna (Ashford Council)"), mail.text.index("Otto\n")
    ask = mail.text.index("Ask for a successor: Kim, kim@ashford.example")
    assert anna < ask < otto < mail.text.index("We know nobody else there.")
    assert "On: AI Network" in mail.text


def test_leavers_who_came_back_are_not_told(network: Network, moment: dt.datetime) -> None:
    """Between the tick and the mail everything was settled."""
    gone(network, moment, "Anna", "ashford.example")
    with database.transaction() as session:
        now = clock.now()
        assert leavers.record_due(session, now)
        leavers.try_again(session, session.query(Leaver).one().id, network.coordinator)
    react("leavers", LeaversFound(now))
    assert mailings("leavers") == []


def test_i32_nobody_who_complained_or_is_gone_gets_a_goodbye(network: Network) -> None:
    """An answer to a complaint is the next complaint; a dead mailbox cannot read one."""
    for how in ("complaint", "gone", "page"):
        person = network.person(how, f"{how}@ashford.example", network.main)
        with database.transaction() as session:
            assert leaving.leave(session, person, network.main, how) is not None
    with database.reading() as session:
        left = [Left(row.id) for row in session.query(Subscription).order_by(Subscription.id)]
    for event in left:
        react("goodbye", event)
    assert list(letters("goodbye")) == ["page@ashford.example"]
    assert len(mailings("goodbye")) == 1

"""What is held about a person comes out, all of theirs and nothing of others."""

import datetime as dt
import json

import pytest

from archive.models import Edit, Post, Thread
from core import clock, database
from core.events import JoinConfirmed
from mailer.models import Delivery, Incoming, Mailing
from meetings import changes, rsvp
from meetings.models import Answer
from privacy import export
from subscribers import joining, people, sign_in
from subscribers.models import Leaver, MailingList, Refusal
from tests.conftest import Network


def live(network: Network, name: str, address: str) -> int:
    """Somebody joins, gets a copy, writes, answers, signs in, is refused once."""
    with database.transaction() as session:
        list_ = session.get_one(MailingList, network.main)
        request = joining.request(
            session, list_, address, name, source="form", evidence=f"form of {name}"
        )
        assert request is not None
        joining.confirm(session, request.id, "button")
        joining.decide(session, JoinConfirmed(request.id))
        person = people.by_address(session, address)
        assert person is not None
        now = clock.now()
        mailing = Mailing(kind="newsletter", bulk=True, subject=f"News for {name}",
                          list_id=list_.id, message_id=f"{name}@x", created_at=now)  # fmt: skip
        thread = Thread(list_id=list_.id, subject="s", started_at=now, last_at=now)
        session.add_all([mailing, thread])
        session.flush()
        number = person.id
        session.add_all([
            Delivery(mailing_id=mailing.id, person_id=number, address=address, next_try=now),
            Refusal(address_id=person.addresses[0].id, reason="full", permanent=False, at=now),
            Leaver(person_id=number, at=now),
            Incoming(mailbox="m", uidvalidity=1, uid=number, raw=b"raw", sha256="0", size=3,
                     arrived_at=now, person_id=number, token="secret"),
            Post(list_id=list_.id, thread_id=thread.id, reason="new", message_id=f"p{number}",
                 person_id=number, author=name, subject="s", sent_at=now, received_at=now,
                 own_words=f"Words of {name}", parts="[]"),
            Edit(list_id=list_.id, kind="split", message_id=f"p{number}", was_in=thread.id,
                 person_id=number, at=now),
        ])  # fmt: skip
        start = dt.datetime(2027, 3, 2, 10)
        meeting = changes.create(session, list_, f"Meeting of {name}", start,
                                 start + dt.timedelta(hours=1), by=None)  # fmt: skip
        rsvp.answer(session, meeting.id, number, Answer.YES, sequence=0, stamp=now, source="page")
        sign_in.ask(session, address, "browser")
        return number


def test_w25_everything_of_one_person_and_nothing_of_others(
    network: Network, moment: dt.datetime
) -> None:
    """Each place is there, as JSON, in words; no trace of another, and no secrets."""
    anna = live(network, "Anna", "anna@ashford.example")
    live(network, "Ben", "ben@bexhill.example")
    with database.reading() as session:
        found = export.of(session, anna)
    text = json.dumps(found)
    assert [name for name, rows in found.items() if not rows] == []
    assert {len(rows) for rows in found.values() if isinstance(rows, list)} == {1}
    assert found["person"]["organisation"] == "Ashford Council"
    assert found["consents"][0]["list"] == "ai-network"
    assert found["requests"][0]["evidence"] == "asked: form of Anna; confirmed: button"
    assert found["copies"][0]["subject"] == "News for Anna"
    assert found["posts"][0]["own_words"] == "Words of Anna"
    assert found["rsvps"][0]["meeting"] == "Meeting of Anna"
    assert "Ben" not in text
    assert "bexhill" not in text
    assert "secret" not in text


def test_nobody(network: Network) -> None:
    """An unknown id is said to be unknown."""
    with database.reading() as session, pytest.raises(LookupError):
        export.of(session, 999)

"""After a copy went out: delays, challenges, rewritten ids, forged reports, the servers' words."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core import clock, database, events, tokens
from core.tokens import Purpose
from mailer import bouncing
from mailer.models import Delivery, Incoming, Mailing, MessageAlias
from subscribers import incidents, reachability
from subscribers.models import Incident, Leaver, Refusal, Standing, Subscription
from tests.conftest import Network
from tests.mailer.conftest import Planned, rows
from tests.mailer.test_sorting import arrive, complaint, recorded, report, token

REACTIONS: dict[str, Callable[[Session, Any], None]] = {
    "BounceArrived": bouncing.note_bounce,
    "AutomaticReplyArrived": bouncing.note_delay,
    "ReportArrived": bouncing.note_complaint,
}


def react(raw: bytes) -> Incoming:
    """A report arrives, is sorted, and the reaction to what it was taken for runs twice."""
    row = arrive(raw)
    for name, reaction in REACTIONS.items():
        for facts in recorded(name):
            event = events.CATALOGUE[name].from_json(facts)
            if getattr(event, "incoming", None) == row.id:
                for _ in range(2):
                    with database.transaction() as session:
                        reaction(session, event)
    with database.reading() as session:
        return session.get_one(Incoming, row.id)


def judge_all() -> None:
    """Let the addresses know of all refusals so far."""
    for facts in recorded("AddressRefused"):
        with database.transaction() as session:
            reachability.judge(session, events.AddressRefused.from_json(facts))


def verp(copy: Delivery) -> str:
    """The envelope sender of a copy."""
    return token(Purpose.BOUNCE, copy.id)


def test_a_delay_is_noted_and_judges_nobody(planned: Planned) -> None:
    """The server still tries: the copy says so; what comes of it in the end replaces the note."""
    copy = rows(planned(1))[0]
    late = report(copy.address, to=verp(copy), status="4.4.1").replace(
        b"Action: failed", b"Action: delayed"
    )
    row = react(late)
    assert row.state == "sorted"
    noted = rows(copy.mailing_id)[0]
    assert (noted.bounce, noted.bounced_at) == ("delayed 4.4.1", None)
    assert recorded("AddressRefused") == []
    react(report(copy.address, to=verp(copy)))
    assert rows(copy.mailing_id)[0].bounce == "mailbox 5.1.1"
    react(late)
    assert rows(copy.mailing_id)[0].bounce == "mailbox 5.1.1"


def test_a_challenge_is_shown_and_not_counted(planned: Planned) -> None:
    """ "Click here to deliver" is for a person to answer; it says nothing of the mailbox."""
    copy = rows(planned(1))[0]
    words = b"550 5.7.1 Sender verification required: click here to be approved"
    row = react(report(copy.address, to=verp(copy)).replace(b"550 5.1.1 User unknown", words))
    assert (row.state, row.why) == ("stuck", bouncing.CHALLENGED)
    assert rows(copy.mailing_id)[0].bounced_at is None
    assert recorded("AddressRefused") == []


def test_o14_a_rewritten_message_id_is_known_by_its_alias(planned: Planned) -> None:
    """The relay gave the mail another id, which was seen on the way: the copy is found by it."""
    copy = rows(planned(2))[1]
    with database.transaction() as session:
        session.add(MessageAlias(message_id="new@relay.example", mailing_id=copy.mailing_id))
    react(report(copy.address, message_id="new@relay.example"))
    assert [row.bounce for row in rows(copy.mailing_id)] == [None, "mailbox 5.1.1"]


@pytest.mark.parametrize("how", ["none", "wrong", "old", "other purpose", "no such copy"])
def test_i20_a_report_about_somebody_else_is_kept_shown_and_changes_nothing(
    planned: Planned, network: Network, moment: dt.datetime, how: str
) -> None:
    """Whoever forges reports for days on end about a member gets nobody suspended."""
    copy = rows(planned(1))[0]
    old = tokens.make(Purpose.BOUNCE, copy.id, made=dt.date(2024, 1, 3))
    to = {
        "none": "ai-network@lists.example.org",
        "wrong": "".join(("b" if sign == "a" else "a") if at == 25 else sign
                         for at, sign in enumerate(verp(copy))),
        "old": f"ai-network+{old}@lists.example.org",
        "other purpose": token(Purpose.LEAVE, copy.person_id or 0, network.main),
        "no such copy": token(Purpose.BOUNCE, 987654),
    }[how]  # fmt: skip
    for day in range(5):
        with clock.turned(moment + dt.timedelta(days=day)):
            row = react(report(copy.address, to=to, message_id=f"x{day}@attacker.example"))
            assert (row.state, row.why) == ("stuck", "a report about no copy of ours")
    judge_all()
    with database.reading() as session:
        assert session.query(Refusal).count() == 0
        assert session.query(Leaver).count() == 0
        assert {each.state for each in session.query(Subscription)} == {Standing.ACTIVE}
    assert rows(copy.mailing_id)[0].bounced_at is None


@pytest.mark.parametrize("how", ["while sending", "afterwards"])
def test_i21_a_whole_council_that_refuses_is_one_incident_with_its_words(
    planned: Planned, network: Network, how: str
) -> None:
    """5xx at sending and reports afterwards count alike, each copy once."""
    mailing, words = planned(4), "550 5.7.1 Rejected by DMARC policy of lists.example.org"
    for copy in rows(mailing):
        if how == "while sending":
            with database.transaction() as session:
                row = session.get_one(Delivery, copy.id)
                row.state, row.code = "refused", "550 5.7.1"
                row.words = words.removeprefix("550 5.7.1 ")
                bouncing.note_refusal(session, events.CopyRefused(copy.id))
        else:
            raw = report(copy.address, to=verp(copy), status="5.7.1")
            for _ in range(2):
                react(raw.replace(b"550 5.1.1 User unknown", words.encode()))
    assert len(recorded("AddressRefused")) == 4
    judge_all()
    with database.reading() as session:
        incident = session.query(Incident).one()
        assert (incident.domain, incident.reason) == ("ashford.example", "policy")
        assert incident.addresses == 4
        assert words in incident.words
        assert len(incidents.addresses_of(session, incident.id)) == 4
    assert len(recorded("IncidentOpened")) == 1


@pytest.mark.parametrize("blotted", [True, False])
def test_i32_a_complaint_is_known_by_the_token_in_the_copy(
    planned: Planned, network: Network, blotted: bool
) -> None:
    """The recipient is redacted or not; that member leaves that list, and is never mailed."""
    copy = rows(planned(2))[0]
    assert copy.person_id is not None
    leave = tokens.make(Purpose.LEAVE, copy.person_id, network.main)
    to = "redacted@provider.example" if blotted else copy.address
    react(
        complaint(
            f"Original-Rcpt-To: {to}", copy=[f"To: {to}", f"List-Unsubscribe: <https://x/{leave}>"]
        )
    )
    with database.reading() as session:
        left = session.query(Subscription).filter_by(state=Standing.LEFT).one()
        assert (left.person_id, left.left_how) == (copy.person_id, "complaint")
        assert session.query(Mailing).count() == 1
    assert len(recorded("Left")) == 1

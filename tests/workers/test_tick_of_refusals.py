"""The tick tells of leavers and closes incidents by what the ledger knows."""

import datetime as dt
import threading

from dramatiq.brokers.stub import StubBroker

from core import clock, database
from core.outbox import EventRow
from mailer import ledger
from mailer.models import Delivery, State
from subscribers.audience import Recipient, named
from subscribers.models import Incident, Leaver, Standing, Subscription
from tests.conftest import Network
from workers.actors import declare


def test_the_tick_tells_of_leavers_and_closes_incidents(
    network: Network, moment: dt.datetime
) -> None:
    """One tick a minute is enough for both; neither is done twice."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    with database.transaction() as session:
        session.add(Leaver(person_id=anna, at=clock.now()))
        session.query(Subscription).one().state = Standing.SUSPENDED
        then = moment - dt.timedelta(days=3)
        session.add(
            Incident(domain="ashford.example", reason="policy", opened_at=then, last_at=then)
        )
        mailing = ledger.draft(session, "newsletter", list_id=network.main, about=None, bulk=True)
        to = named([Recipient(anna, "anna@ashford.example", "Anna", "")])
        ledger.plan(session, mailing, b"[]", to)
        copy = session.query(Delivery).one()
        copy.state, copy.settled_at = State.ACCEPTED, moment - dt.timedelta(days=2)
    actors = declare(StubBroker(), "w", threading.Event())
    for _ in range(2):
        actors.tick()
    with database.reading() as session:
        assert session.query(Incident).one().closed_at is not None
        assert session.query(EventRow).filter_by(name="LeaversFound").count() == 1

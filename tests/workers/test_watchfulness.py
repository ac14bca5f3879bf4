"""The worker's own watch: it tells of stalls as time passes, and sends nothing that is late."""

import datetime as dt
import threading

from dramatiq.brokers.stub import StubBroker

from core import clock, database, settings
from mailer import dispatch, ledger, limits
from mailer.limits import Limit
from mailer.models import Mailing, MailingState, Trouble
from subscribers.audience import Recipient, named
from tests.conftest import Network
from tests.servers.smtp import SmtpSink, smtp_server
from workers.actors import Actors, declare


def actors() -> Actors:
    """The actors of one process."""
    return declare(StubBroker(), "w", threading.Event())


def planned(network: Network) -> int:
    """An approved newsletter whose copies wait."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    with database.transaction() as session:
        mailing = ledger.draft(session, "newsletter", list_id=network.main, about=None, bulk=True)
        mailing.approved_at = clock.now()
        to = named([Recipient(anna, "anna@ashford.example", "Anna", "")])
        ledger.plan(session, mailing, b"[]", to)
        return mailing.id


def standing(mailing: int) -> tuple[str, str | None]:
    """Where it stands, and what is wrong."""
    with database.reading() as session:
        found = session.get_one(Mailing, mailing)
        return found.state, found.trouble


def test_ticks_see_a_stall(network: Network, moment: dt.datetime) -> None:
    """A mailing that nobody sends is told after a quarter of an hour of ticks."""
    mailing, process = planned(network), actors()
    for minute in range(18):
        assert (standing(mailing)[1] is None) == (minute < 16)
        process.tick()
        clock.turn(dt.timedelta(minutes=1))
    assert standing(mailing) == (MailingState.SENDING, Trouble.STALLED)


def test_a_budget_that_is_used_up_is_no_stall(network: Network, moment: dt.datetime) -> None:
    """A limit of ten a day spaces copies by hours: nothing moves meanwhile, and nobody is told."""
    settings.use(settings.current().model_copy(update={"smtp_limit": "10/day"}))
    mailing, process = planned(network), actors()
    with database.transaction() as session:
        limit = Limit.parse("10/day")
        assert limits.take(session, {"route:main": (limit, 10)}, clock.now())["route:main"].granted
        assert dispatch.used_up(session)
    for _ in range(40):
        process.tick()
        clock.turn(dt.timedelta(minutes=1))
    assert standing(mailing) == (MailingState.SENDING, None)
    clock.turn(dt.timedelta(hours=3))
    with database.reading() as session:
        assert not dispatch.used_up(session)
    for _ in range(20):
        process.tick()
        clock.turn(dt.timedelta(minutes=1))
    assert standing(mailing) == (MailingState.SENDING, Trouble.STALLED)


def test_a_worker_that_comes_back_late_sends_nothing_unasked(
    network: Network, moment: dt.datetime
) -> None:  # fmt: skip
    """Before it looks for copies it holds what stopped hours ago."""
    mailing, process = planned(network), actors()
    clock.turn(dt.timedelta(hours=37))
    with smtp_server() as sink:
        use(sink)
        process.deliver()
        assert sink.received() == []
    assert standing(mailing) == (MailingState.PAUSED, Trouble.LATE)


def use(sink: SmtpSink) -> None:
    """Settings that lead to a mail server."""
    found = {"smtp_host": "127.0.0.1", "smtp_port": sink.port}
    settings.use(settings.current().model_copy(update=found))

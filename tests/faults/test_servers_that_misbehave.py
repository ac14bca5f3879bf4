"""Mail servers that put off, break off, dawdle, or write their own Message-ID: all are reached."""

import datetime as dt
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import clock, database, settings
from core.events import MailingApproved
from mailer import delivery, transaction
from mailer.models import MailingState, MessageAlias
from mailer.smtp import Connections
from mailings import planning
from message import thread_index
from tests.conftest import Network
from tests.faults import rig
from tests.faults.rig import Place
from tests.mailer.conftest import state_of, to_sink
from tests.servers.smtp import smtp_server

COPIES = 250


@pytest.fixture
def here(db: str, tmp_path: Path) -> Iterator[Place]:
    """Sending in this process, to a server that does as it is told."""
    with smtp_server() as sink:
        to_sink(sink)
        yield Place({}, sink, db, tmp_path / "none.log")


def planned(network: Network) -> int:
    """A newsletter to 250, planned."""
    mailing = rig.queue_newsletter(network, COPIES)
    with database.transaction() as session:
        planning.plan_approved(session, MailingApproved(mailing))
    return mailing


def deliver() -> None:
    """Send what is due."""
    connections = Connections(settings.current())
    try:
        with database.transaction() as session:
            delivery.reclaim(session)
        delivery.deliver("w", connections, lambda: False)
    finally:
        connections.close()


def deliver_over(hours: float, mailing: int) -> None:
    """Send what is due, again and again, while the hours pass."""
    deliver()
    with clock.turned(clock.now()):
        for _ in range(int(hours * 10)):
            if state_of(mailing) == MailingState.FINISHED:
                return
            clock.turn(dt.timedelta(minutes=6))
            deliver()


def test_it_greylists(here: Place, network: Network) -> None:
    """Every address is put off when first seen: each gets its copy on the second try."""
    here.sink.faults.greylist = True
    mailing = planned(network)
    deliver_over(1, mailing)
    entry = rig.account("server greylists everybody", here, mailing)
    assert entry.twice == 0


def test_it_takes_a_hundred_at_a_time(here: Place, network: Network) -> None:
    """452 after 100 recipients, until more are taken later."""
    here.sink.faults.most_recipients = 100
    mailing = planned(network)
    deliver()
    assert rig.totals_of(mailing).accepted == 100
    here.sink.faults.most_recipients = None
    deliver_over(2, mailing)
    assert rig.account("452 after 100 recipients", here, mailing).twice == 0


def test_it_breaks_off_inside_the_message(here: Place, network: Network) -> None:
    """The connection ends in the middle of DATA, ten times: nobody knows, all are marked."""
    here.sink.faults.drop_in_data = 10
    mailing = planned(network)
    deliver_over(8, mailing)
    assert rig.account("connection ends inside DATA", here, mailing, most_marked=10).twice == 0


@pytest.mark.parametrize("taken", [True, False])
def test_it_closes_after_the_dot(here: Place, network: Network, taken: bool) -> None:
    """Without an answer to the dot, having taken the message or not: sent again, and marked."""
    if taken:
        here.sink.faults.drop_after_dot = 10
    else:
        here.sink.faults.drop_at_dot = 10
    mailing = planned(network)
    deliver_over(8, mailing)
    fault = f"closes after the dot, {'taken' if taken else 'not taken'}"
    entry = rig.account(fault, here, mailing, most_marked=10)
    assert entry.twice == (10 if taken else 0)


def test_it_does_not_offer_pipelining(db: str, tmp_path: Path, network: Network) -> None:
    """Commands go one by one."""
    with smtp_server(pipelining=False) as sink:
        to_sink(sink)
        mailing = planned(network)
        deliver()
        place = Place({}, sink, db, tmp_path)
        assert rig.account("no PIPELINING", place, mailing).twice == 0


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_it_answers_after_90_seconds(here: Place, network: Network) -> None:
    """One answer to a dot takes 90 s: it is waited for (RFC 5321 §4.5.3.2.6 has ten minutes), the
    others are sent meanwhile, and nothing is sent twice."""
    here.sink.faults.slow_dots = [90.0]
    mailing = planned(network)
    assert transaction.DOT_SECONDS == 600
    begun = time.monotonic()
    sending = threading.Thread(target=deliver)
    sending.start()
    rig.wait_for(here.sink, COPIES - 1)
    assert time.monotonic() - begun < 60
    sending.join()
    assert time.monotonic() - begun > 85
    assert rig.account("answers the dot after 90 s", here, mailing).twice == 0


def test_it_rewrites_message_ids(here: Place, network: Network) -> None:
    """Each copy gets another Message-ID on its way, which the answer tells: all are known."""
    here.sink.faults.answer = lambda number: f"250 2.6.0 <made-{number}@relay.example> queued"
    mailing = planned(network)
    deliver()
    assert rig.account("Message-ID rewritten", here, mailing).twice == 0
    with database.reading() as session:
        known = {row.message_id for row in session.query(MessageAlias)}
    made = {one for one in known if thread_index.of_id(one) is None}
    assert made == {f"made-{number}@relay.example" for number in range(1, COPIES + 1)}


def test_the_clock_jumps(db: str, tmp_path: Path, network: Network) -> None:
    """Two days forward after 80 copies, three days back after 160: nobody is lost or gets two."""
    jumps = {80: dt.timedelta(days=2), 160: -dt.timedelta(days=3)}
    seen = 0

    def jump(_sender: str, _recipient: str, _data: bytes) -> bool:
        nonlocal seen
        seen += 1
        if seen in jumps:
            clock.turn(jumps[seen])
        return False

    with smtp_server(route=jump) as sink, clock.turned(clock.now()):
        to_sink(sink)
        mailing = planned(network)
        deliver()
        clock.turn(dt.timedelta(days=3))
        deliver_over(1, mailing)
        place = Place({}, sink, db, tmp_path)
        entry = rig.account("clock jumps +2 days, -3 days", place, mailing)
    assert entry.twice == 0

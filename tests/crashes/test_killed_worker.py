"""A worker killed in the middle of a newsletter, the broker emptied: everybody still gets one."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis as redis_client

from core import database
from mailer import ledger
from mailer.models import Delivery
from mailings import approval
from message.parse import parse
from subscribers import lists
from tests.conftest import Network
from tests.servers.redis import redis
from tests.servers.smtp import SmtpSink, smtp_server

ROOT = Path(__file__).parent.parent.parent
COPIES = 300
CONNECTIONS = 4


@dataclass
class Place:
    """Where the worker of a test runs: its environment, and the broker's address if it has one."""

    environment: dict[str, str]
    sink: SmtpSink
    broker: str | None


@contextmanager
def worker(place: Place, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of its own, with relay and schedule, as `folkmoot worker` starts it."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "folkmoot", "worker"],
            env=place.environment, cwd=ROOT, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def environment(sink: SmtpSink, tmp_path: Path, **more: str) -> dict[str, str]:
    """The settings of the test network, as a process reads them."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "FOLKMOOT_DATA": str(tmp_path / "var"),
        "FOLKMOOT_DOMAIN": "lists.example.org",
        "FOLKMOOT_BASE_URL": "https://network.example.org",
        "FOLKMOOT_SECRET_KEY": "a secret for tests only",
        "FOLKMOOT_SMTP_HOST": "127.0.0.1",
        "FOLKMOOT_SMTP_PORT": str(sink.port),
        "FOLKMOOT_SMTP_SECURITY": "none",
        "FOLKMOOT_SMTP_CONNECTIONS": str(CONNECTIONS),
        **more,
    }


@pytest.fixture
def place(db: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """SQLite with the broker in the process, or PostgreSQL with Redis."""
    address = database.engine().url.render_as_string(hide_password=False)
    with smtp_server(delay=0.01) as sink:
        if db == "sqlite":
            yield Place(environment(sink, tmp_path, DATABASE_URL=address), sink, None)
            return
        with redis(tmp_path / "redis") as bell:
            more = {"DATABASE_URL": address, "REDIS_URL": bell.url}
            yield Place(environment(sink, tmp_path, **more), sink, bell.url)


def queue_newsletter(network: Network) -> int:
    """A newsletter to COPIES members, approved; returns its id."""
    for number in range(COPIES):
        network.person(f"Officer {number}", f"officer{number}@ashford.example", network.main)
    with database.transaction() as session:
        list_ = lists.by_name(session, "ai-network")
        assert list_ is not None
        mailing = approval.draft_newsletter(
            session, list_, "March news", "All there is to say.", by=network.coordinator
        )
        approval.approve(session, mailing.id, by=network.coordinator)
        return mailing.id


def wait_for(sink: SmtpSink, copies: int, seconds: float = 60) -> None:
    """Wait until the sink has taken so many copies."""
    end = time.monotonic() + seconds
    while len(sink.received()) < copies:
        assert time.monotonic() < end, f"{len(sink.received())} of {copies} after {seconds} s"
        time.sleep(0.005)


def kill(process: subprocess.Popen[bytes], place: Place) -> None:
    """Kill the worker at once, and empty the broker if there is one."""
    process.send_signal(signal.SIGKILL)
    process.wait()
    if place.broker is not None:
        redis_client.Redis.from_url(place.broker).flushall()


def totals_of(mailing: int) -> ledger.Totals:
    """What the ledger says of a mailing."""
    with database.reading() as session:
        return ledger.totals(session, mailing)


def finish(place: Place, mailing: int, log: Path) -> Counter[str]:
    """Start a worker again and wait until all copies are accepted; returns who got how many."""
    with worker(place, log):
        end = time.monotonic() + 120
        while totals_of(mailing).accepted < COPIES:
            assert time.monotonic() < end, f"{totals_of(mailing)}\n{log.read_text()[-3000:]}"
            time.sleep(0.1)
    totals = totals_of(mailing)
    assert totals.planned == totals.accepted + totals.refused + totals.excluded
    assert len({parse(one.data).message_id for one in place.sink.received()}) == 1
    return Counter(one.recipient for one in place.sink.received())


def marked(mailing: int) -> set[str]:
    """Whose copies the ledger marks as repeated after doubt."""
    with database.reading() as session:
        rows = session.query(Delivery).filter_by(mailing_id=mailing).all()
        return {row.address for row in rows if row.reason == ledger.REPEATED}


def test_killed_worker(place: Place, tmp_path: Path) -> None:
    """Given a newsletter to 300, when the worker is killed twice on the way, while its connections
    wait for the server to go on, and the broker's data are deleted in between, then all 300 get
    it, and none twice."""
    network = Network()
    mailing = queue_newsletter(network)
    log = tmp_path / "worker.log"
    for so_many in (60, 170):
        place.sink.hold_after = so_many
        with worker(place, log) as process:
            wait_for(place.sink, so_many)
            end = time.monotonic() + 30
            while totals_of(mailing).accepted < len(place.sink.received()):
                assert time.monotonic() < end, "the ledger lags behind"
                time.sleep(0.05)
            kill(process, place)
        assert so_many <= totals_of(mailing).accepted < COPIES
    place.sink.hold_after = None
    got = finish(place, mailing, log)
    assert len(got) == COPIES
    assert set(got.values()) == {1}


def test_worker_killed_at_the_worst_moment(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given the same, when the kill comes just as the server takes copies, then all 300 get it; a
    raw repeat can only be a copy that was on an open connection, which nobody can know of: it is
    marked so in the ledger, and has the same Message-ID."""
    network = Network()
    mailing = queue_newsletter(network)
    log = tmp_path / "worker.log"
    for so_many in (60, 170):
        with worker(place, log) as process:
            wait_for(place.sink, so_many)
            kill(process, place)
    got = finish(place, mailing, log)
    repeated = {address for address, times in got.items() if times > 1}
    with capsys.disabled():
        print(f"\n300 copies, 2 kills: {len(got)} reached, {len(repeated)} seen twice, "
              f"{len(marked(mailing))} marked as repeated after doubt")  # fmt: skip
    assert len(got) == COPIES
    assert repeated <= marked(mailing)
    assert len(marked(mailing)) <= 2 * CONNECTIONS

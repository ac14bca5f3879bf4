"""Workers killed at any moment, brokers emptied, databases restarted, processes stopped."""

import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import migrations
from core import database
from mailer.delivery import BEAT_SECONDS, SILENT
from mailer.models import Delivery
from tests.conftest import Network
from tests.faults import rig
from tests.faults.rig import CONNECTIONS, Place
from tests.servers.postgresql import PostgreSQL, postgresql
from tests.servers.redis import redis
from tests.servers.smtp import smtp_server

#: Longest time from the first copy that a worker sends to its end, in seconds.
SOON = 0.25


def kill_at_random(place: Place, mailing: int, kills: int) -> None:
    """Start a worker and kill it, again and again, until so many kills or the end."""
    moments = rig.seeded()
    while place.kills < kills and rig.totals_of(mailing).accepted < len_of(mailing):
        before = len(place.sink.received())
        with place.worker() as process:
            if moments.random() < 0.8:  # else it dies while it starts, or before its first copy
                end = time.monotonic() + 30
                while len(place.sink.received()) == before and time.monotonic() < end:
                    if rig.totals_of(mailing).accepted == len_of(mailing):
                        return
                    time.sleep(0.002)
                time.sleep(moments.uniform(0, SOON))
            else:
                time.sleep(moments.uniform(0.2, 1.5))
            place.kill(process)


def len_of(mailing: int) -> int:
    """How many copies it has; before it is planned, one that never arrives."""
    return rig.totals_of(mailing).planned or 1


@pytest.mark.parametrize("copies", rig.SIZES)
def test_killed_at_random_moments(place: Place, network: Network, copies: int) -> None:
    """Given newsletters on their way, when workers are killed (SIGKILL) at random moments and the
    broker is emptied each time, then everybody gets each of them, and who got one twice was on an
    open connection and is marked."""
    mailing = rig.queue_newsletter(network, copies)
    while True:
        before = place.kills
        raw_before = len(place.sink.received())
        kill_at_random(place, mailing, rig.KILLS)
        place.finish(mailing)
        killed = place.kills - before
        entry = rig.account(
            "killed at random moments", place, mailing, raw_before=raw_before,
            most_marked=killed * CONNECTIONS,
        )  # fmt: skip
        entry.kills = killed
        if place.kills >= rig.KILLS:
            return
        mailing = rig.approved(network)


def test_killed_between_copies(place: Place, network: Network) -> None:
    """Given a newsletter to 300, when the worker is killed twice on the way, while its connections
    wait for the server to go on, and the broker's data are deleted in between, then all 300 get
    it, and none twice."""
    mailing = rig.queue_newsletter(network, 300)
    for so_many in (60, 170):
        place.sink.hold_after = so_many
        with place.worker() as process:
            rig.wait_for(place.sink, so_many)
            end = time.monotonic() + 30
            while rig.totals_of(mailing).accepted < len(place.sink.received()):
                assert time.monotonic() < end, "the ledger lags behind"
                time.sleep(0.05)
            place.kill(process)
        assert so_many <= rig.totals_of(mailing).accepted < 300
    place.sink.hold_after = None
    place.finish(mailing)
    entry = rig.account("killed between copies", place, mailing, most_marked=2 * CONNECTIONS)
    assert entry.twice == 0


def test_killed_as_the_server_takes_a_copy(place: Place, network: Network) -> None:
    """Given the same, when the kill comes just as the server takes copies, then all 300 get it; a
    repeat can only be a copy that was on an open connection, which nobody can know of: it is
    marked so in the ledger, and has the same Message-ID."""
    mailing = rig.queue_newsletter(network, 300)
    for so_many in (60, 170):
        with place.worker() as process:
            rig.wait_for(place.sink, so_many)
            place.kill(process)
    place.finish(mailing)
    rig.account("killed as a copy is taken", place, mailing, most_marked=2 * CONNECTIONS)


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_two_workers_at_once(place: Place, network: Network) -> None:
    """Given two worker processes over Redis and PostgreSQL, both send, and nobody gets two."""
    mailing = rig.queue_newsletter(network, 600)
    place.sink.delay = 0.5
    with place.worker(), place.worker():
        _wait_for_workers(mailing, 2)
        place.sink.delay = 0
        place.wait_for_end(mailing)
    entry = rig.account("two workers at once", place, mailing)
    assert entry.twice == 0


def _wait_for_workers(mailing: int, number: int, seconds: float = 60) -> None:
    """Wait until so many workers have claimed copies of a mailing."""
    end = time.monotonic() + seconds
    while True:
        with database.reading() as session:
            rows = session.query(Delivery.worker).filter_by(mailing_id=mailing)
            workers = {row.worker for row in rows if row.worker}
        if len(workers) == number:
            return
        assert time.monotonic() < end, f"{len(workers)} of {number} after {seconds} s"
        time.sleep(0.05)


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_stopped_worker_wakes_up_late(place: Place, network: Network) -> None:
    """Given a worker that stands still (SIGSTOP) for more than a minute, with copies on the wire,
    when another one has taken over and sent all, and the first wakes up, then it sends nothing
    that is no longer its own."""
    mailing = rig.queue_newsletter(network, 250)
    place.sink.delay = 0.05
    with place.worker(command="schedule"), place.worker() as first:
        rig.wait_for(place.sink, 40)
        first.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        with place.worker():
            place.wait_for_end(mailing)
            # Its last word may be as old as a beat when it is stopped.
            assert time.monotonic() - stopped > SILENT.total_seconds() - BEAT_SECONDS
            first.send_signal(signal.SIGCONT)
            time.sleep(2)  # for what the first might still send
    rig.account("stopped for 61 s, another takes over", place, mailing, most_marked=CONNECTIONS)


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_full_disk(place: Place, network: Network) -> None:
    """Given a disk that is full in the middle of a newsletter, when there is space again, then all
    is sent; what was on the wire as the ledger could not be written is marked."""
    mailing = rig.queue_newsletter(network, 250)
    with closing(sqlite3.connect(str(database.engine().url.database))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # its log begins anew
    with place.worker(largest_file=1_000_000) as process:
        end = time.monotonic() + 60
        while "database_away" not in place.log.read_text():
            assert time.monotonic() < end, "the disk was never full"
            time.sleep(0.05)
        time.sleep(1)  # it goes on trying
        assert 0 < rig.totals_of(mailing).accepted < 250
        place.kill(process)
    place.finish(mailing)
    rig.account("disk full, then space again", place, mailing, most_marked=2 * CONNECTIONS)


def test_a_database_that_restarts(network_on: tuple[Place, PostgreSQL, int]) -> None:
    """Given PostgreSQL that ends at once and starts again, twice, in the middle of a newsletter,
    then the worker goes on by itself and everybody gets it."""
    place, server, mailing = network_on
    with place.worker():
        for so_many in (50, 150):
            rig.wait_for(place.sink, so_many)
            server.restart()
        place.wait_for_end(mailing)
    rig.account("database restarted twice", place, mailing, most_marked=2 * CONNECTIONS)


@pytest.fixture
def network_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Place, PostgreSQL, int]]:
    """A place with a PostgreSQL of its own, that may be restarted, and a newsletter to 250."""
    with (
        tempfile.TemporaryDirectory(prefix="folkmoot-restarted-") as folder,
        postgresql(Path(folder)) as server,
        redis(tmp_path_factory.mktemp("redis")) as bell,
        smtp_server(delay=0.02) as sink,
    ):
        address = server.address(server.create()).replace("postgresql:", "postgresql+psycopg:", 1)
        database.connect(address)
        migrations.upgrade()
        work = tmp_path_factory.mktemp("worker")
        given = rig.environment(sink, work, DATABASE_URL=address, REDIS_URL=bell.url)
        place = Place(given, sink, "postgresql", work / "worker.log", bell.url)
        mailing = rig.queue_newsletter(Network(), 250)
        yield place, server, mailing
        database.engine().dispose()

"""The rig of the fault suite: worker processes, a mailing, and the account of who got what."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis as redis_client

from core import clock, database, settings
from mailer import ledger
from mailer.models import Delivery
from mailings import approval
from message.parse import parse
from subscribers import lists
from subscribers.models import Address, Mode, Person, Subscription
from tests.conftest import Network
from tests.servers.smtp import SmtpSink

ROOT = Path(__file__).parent.parent.parent
CONNECTIONS = 4


@dataclass
class Account:
    """What became of a mailing after a fault, as the summary shows it."""

    fault: str
    database: str
    copies: int
    kills: int = 0
    reached: int = 0
    twice: int = 0
    marked: int = 0
    lost: int = 0


#: The accounts of this run; the summary is printed from them.
ACCOUNTS: list[Account] = []


@dataclass
class Place:
    """Where workers run: their environment, the mail server, and the broker if there is one."""

    environment: dict[str, str]
    sink: SmtpSink
    database: str
    log: Path
    broker: str | None = None
    kills: int = field(default=0)

    @contextmanager
    def worker(
        self, largest_file: int | None = None, command: str = "worker"
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process of its own, as `folkmoot worker` or another command starts it.

        `largest_file` stands for a full disk: no file may grow beyond so many bytes.
        """

        def limit() -> None:
            if largest_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        with self.log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "folkmoot", command],
                env=self.environment, cwd=ROOT, stdout=out, stderr=out, preexec_fn=limit,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a worker at once, and empty the broker if there is one."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.kills += 1
        if self.broker is not None:
            redis_client.Redis.from_url(self.broker).flushall()

    def finish(self, mailing: int, seconds: float = 180) -> None:
        """Start a worker and wait until no copy awaits an outcome any more."""
        with self.worker():
            self.wait_for_end(mailing, seconds)

    def wait_for_end(self, mailing: int, seconds: float = 180) -> None:
        """Wait until no copy awaits an outcome any more."""
        end = time.monotonic() + seconds
        while True:
            totals = totals_of(mailing)
            if totals.planned and totals.accepted + totals.excluded == totals.planned:
                return
            assert time.monotonic() < end, f"{totals}\n{self.log.read_text()[-3000:]}"
            time.sleep(0.1)


def environment(sink: SmtpSink, folder: Path, **more: str) -> dict[str, str]:
    """The settings of the test network, as a process reads them."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "FOLKMOOT_DATA": str(folder / "var"),
        "FOLKMOOT_DOMAIN": "lists.example.org",
        "FOLKMOOT_BASE_URL": "https://network.example.org",
        "FOLKMOOT_SECRET_KEY": settings.current().secret_key.get_secret_value(),
        "FOLKMOOT_SMTP_HOST": "127.0.0.1",
        "FOLKMOOT_SMTP_PORT": str(sink.port),
        "FOLKMOOT_SMTP_SECURITY": "none",
        "FOLKMOOT_SMTP_CONNECTIONS": str(CONNECTIONS),
        "FOLKMOOT_UNDO_SECONDS": "0",
        **more,
    }


def queue_newsletter(network: Network, copies: int) -> int:
    """A newsletter to so many members, approved; returns its id."""
    now = clock.now()
    with database.transaction() as session:
        for number in range(copies):
            person = Person(name=f"Officer {number}", created_at=now)
            mailbox = f"officer{number}@ashford.example"
            place = Subscription(person=person, list_id=network.main, mode=Mode.EACH, joined_at=now)
            session.add(place)
            session.add(Address(person=person, mailbox=mailbox, key=mailbox, verified_at=now))
    return approved(network)


def approved(network: Network) -> int:
    """One more newsletter to the members that there are."""
    with database.transaction() as session:
        list_ = lists.by_name(session, "ai-network")
        assert list_ is not None
        mailing = approval.draft_newsletter(
            session, list_, "March news", "All there is to say.", by=network.coordinator
        )
        approval.approve(session, mailing.id, by=network.coordinator)
        return mailing.id


def totals_of(mailing: int) -> ledger.Totals:
    """What the ledger says of a mailing; it always adds up."""
    with database.reading() as session:
        totals = ledger.totals(session, mailing)
    assert totals.balanced or not totals.planned, totals
    return totals


def wait_for(sink: SmtpSink, copies: int, seconds: float = 60) -> None:
    """Wait until the mail server has taken so many copies."""
    end = time.monotonic() + seconds
    while len(sink.received()) < copies:
        assert time.monotonic() < end, f"{len(sink.received())} of {copies} after {seconds} s"
        time.sleep(0.002)


def account(
    fault: str, place: "Place", mailing: int, *, raw_before: int = 0, most_marked: int = 0
) -> Account:
    """Account for every copy of a mailing, and hold it to the promise.

    0 lost; who got two is marked in the ledger as repeated after doubt; and there are at most
    `most_marked` of those. `raw_before` is what the mail server had taken before this mailing.
    """
    received = place.sink.received()[raw_before:]
    got = Counter(one.recipient for one in received)
    with database.reading() as session:
        rows = session.query(Delivery).filter_by(mailing_id=mailing).all()
    marked = {row.address for row in rows if row.reason == ledger.REPEATED}
    wanted = {row.address for row in rows if row.state != "excluded"}
    twice = {address for address, times in got.items() if times > 1}
    entry = Account(
        fault, place.database, len(rows), place.kills, len(wanted & set(got)), len(twice),
        len(marked), len(wanted - set(got)),
    )  # fmt: skip
    ACCOUNTS.append(entry)
    totals = totals_of(mailing)
    assert totals.pending == 0, totals
    assert entry.lost == 0, entry
    assert twice <= marked, entry
    assert len(marked) <= most_marked, entry
    assert len({parse(one.data).message_id for one in received}) == 1
    return entry


def seeded() -> random.Random:
    """The source of random moments; its seed is printed with the summary."""
    return random.Random(SEED)


SEED = int(os.environ.get("FAULT_SEED", "0")) or int(time.time())
KILLS = int(os.environ.get("FAULT_KILLS", "12"))
SIZES = [int(size) for size in os.environ.get("FAULT_COPIES", "250").split(",")]

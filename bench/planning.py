"""Planning: a newsletter to a list of a million becomes one row a copy, with who is left out.

    python -m bench.planning [--recipients 1000000] [--database sqlite|postgresql]

The planning runs in a process of its own, so that its peak memory is that of planning alone.
Prints seconds and peak memory for each database, and ends with one JSON line a database.
"""

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import text

import migrations
from bench.measuring import own_peak_mib
from core import clock, database, settings
from core.events import MailingApproved
from mailer import ledger
from mailings import approval, planning
from subscribers.models import MailingList
from tests.servers.postgresql import postgresql

#: Every so many people: the address is not verified, is dead, or mail to the person is paused.
NOT_VERIFIED, DEAD, SUSPENDED = 50, 40, 30
_EACH = "WITH RECURSIVE each_(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each_ WHERE n < :count) "
FILL = (
    "INSERT INTO person (id, name, role, created_at) "
    + _EACH
    + "SELECT n, 'Officer ' || n, 'member', :now FROM each_",
    "INSERT INTO address (person_id, mailbox, key, verified_at, reach) "
    + _EACH
    + "SELECT n, 'Officer' || n || '@council' || (n % 400) || '.example', "
    "'officer' || n || '@council' || (n % 400) || '.example', "
    f"CASE WHEN n % {NOT_VERIFIED} = 0 THEN NULL ELSE :now END, "
    f"CASE WHEN n % {DEAD} = 0 THEN 'dead' ELSE 'ok' END FROM each_",
    "INSERT INTO subscription (person_id, list_id, state, moderator, mode, joined_at) "
    + _EACH
    + f"SELECT n, 1, CASE WHEN n % {SUSPENDED} = 0 THEN 'suspended' ELSE 'active' END, "
    "false, 'each', :now FROM each_",
)


@dataclass(frozen=True)
class Result:
    """One planning."""

    bench: str
    database: str
    recipients: int
    excluded: int
    seconds: float
    peak_mib: float
    peak_before_mib: float


def main() -> None:
    """Plan on each database that was asked for."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--recipients", type=int, default=1_000_000)
    asked.add_argument("--database", choices=("sqlite", "postgresql"))
    given = asked.parse_args()
    names = (given.database,) if given.database else ("sqlite", "postgresql")
    results = [measured(name, given.recipients) for name in names]
    for result in results:
        print(f"{result.database}: {result.recipients} planned in {result.seconds:.1f} s, "
              f"{result.excluded} of them left out with a reason; peak {result.peak_mib:.0f} MiB, "
              f"{result.peak_mib - result.peak_before_mib:.1f} of it while planning")  # fmt: skip
    for result in results:
        print(json.dumps(asdict(result)))


def measured(name: str, recipients: int) -> Result:
    """Fill a database of that name, and plan in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="folkmoot-planning-") as folder:
        Path(folder).chmod(0o755)
        with served(name, Path(folder)) as address:
            fill(address, recipients)
            fresh = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=fresh) as alone:
                return alone.submit(planned, name, address).result()


@contextmanager
def served(name: str, folder: Path) -> Iterator[str]:
    """The address of an empty database."""
    if name == "sqlite":
        yield f"sqlite:///{folder / 'bench.db'}"
        return
    with postgresql(folder / "postgresql") as server:
        address = server.address(server.create())
        yield address.replace("postgresql://", "postgresql+psycopg://", 1)


def open_(address: str) -> None:
    """Connect this process."""
    settings.use(settings.load(secret_key="for the bench only", undo_seconds=0))
    database.connect(address)


def fill(address: str, recipients: int) -> None:
    """A list of so many members, and a draft to them."""
    open_(address)
    migrations.upgrade()
    now = clock.now()
    with database.transaction() as session:
        list_ = MailingList(id=1, name="everybody", title="Everybody", created_at=now)
        session.add(list_)
        session.flush()
        for statement in FILL:
            session.execute(text(statement), {"count": recipients, "now": now.replace(tzinfo=None)})
        approval.draft_newsletter(session, list_, "News", "Hello, **all**.", None)
    with database.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))  # as PostgreSQL's own housekeeping does within minutes
    database.engine().dispose()


def planned(name: str, address: str) -> Result:
    """Approve and plan the draft; with what it took."""
    open_(address)
    with database.transaction() as session:
        approval.approve(session, 1, by=None)
    before, begun = own_peak_mib(), time.monotonic()
    with database.transaction() as session:
        planning.plan_approved(session, MailingApproved(1))
    seconds = time.monotonic() - begun
    peak = own_peak_mib()
    with database.reading() as session:
        totals = ledger.totals(session, 1)
    if not totals.balanced or totals.pending + totals.excluded != totals.planned:
        raise SystemExit(f"The plan does not add up: {totals}")
    return Result("planning", name, totals.planned, totals.excluded, round(seconds, 2),
                  round(peak, 1), round(before, 1))  # fmt: skip


if __name__ == "__main__":
    main()

"""Fan-out: one newsletter to many, personalised, signed, over the ledger, to a bare SMTP sink.

    python -m bench.fanout [--recipients 10000] [--database sqlite|postgresql] [--short]

Prints CPU seconds per 1,000 copies of our processes (the sink and the database server apart),
copies a second and peak memory, beside the limit on the same machine in the same run: what OpenSSL
needs for the signatures and smtp-source for the transactions. Ends with one JSON line a database.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import insert

import migrations
from bench.measuring import cpu_of, own_cpu, own_peak_mib, signatures_per_1000
from core import clock, database, settings
from mailer import delivery, ledger
from mailer.smtp import Connections
from mailings import approval, planning
from subscribers.models import Address, MailingList, Mode, Person, Subscription
from tests.servers.postgresql import postgresql
from tests.servers.process import free_port, program, running

AT_ONCE = 20_000
SENTENCE = "Officers in four councils compared what they spend on transcription, and shared notes. "


@dataclass(frozen=True)
class Result:
    """One run; CPU in seconds per 1,000 copies."""

    bench: str
    database: str
    recipients: int
    bytes: int
    workers: int
    connections: int
    cpu_s_per_1000: float
    limit_cpu_s_per_1000: float
    database_cpu_s_per_1000: float
    sink_cpu_s_per_1000: float
    per_second: float
    peak_mib: float
    planning_seconds: float


def main() -> None:
    """Run the benchmark as the command line says."""
    options = _options()
    if options.send:
        _send(options.send)
        return
    limit = _limit()
    databases = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    for name in databases:
        result = _run(name, options, limit)
        _print(result)
        print(json.dumps(asdict(result)), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fanout", description=__doc__)
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--connections", type=int, default=50, help="open at once, of a worker")
    parser.add_argument("--workers", type=int, default=1, help="worker processes")
    parser.add_argument("--short", action="store_true", help="a body of 200 bytes instead of 12 kB")
    parser.add_argument("--send", metavar="NAME", help=argparse.SUPPRESS)
    return parser.parse_args()


# --- the limit ----------------------------------------------------------------------------------


def _limit() -> float:
    """CPU seconds per 1,000: RSA-2048 signatures, and smtp-source with 12 kB over 10 sessions."""
    signing = signatures_per_1000()
    with _sink() as (port, _):
        source = [
            program("smtp-source", package="postfix"), "-s", "10", "-m", "10000", "-l", "12000",
            "-f", "a@lists.example", "-t", "b@council.example", f"127.0.0.1:{port}",
        ]  # fmt: skip
        before = _children()
        subprocess.run(source, check=True)
        sending = (_children() - before) / 10
    print(f"limit: signatures {signing:.3f} + smtp-source {sending:.3f} CPU-s per 1,000")
    return signing + sending


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


@contextmanager
def _sink() -> Iterator[tuple[int, int]]:
    port = free_port()
    command = [program("smtp-sink", package="postfix"), f"127.0.0.1:{port}", "1000"]
    if os.geteuid() == 0:
        command[1:1] = ["-u", "nobody"]
    with (
        tempfile.TemporaryDirectory() as folder,
        running(command, port, Path(folder) / "sink.log") as server,
    ):
        yield port, server.pid


# --- one run ------------------------------------------------------------------------------------


def _run(name: str, options: argparse.Namespace, limit: float) -> Result:
    with (
        tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as folder,
        serving(name, Path(folder)) as (address, server),
        _sink() as (port, sink),
    ):
        database.connect(address)
        migrations.upgrade()
        environment = _environment(Path(folder), address, port, options.connections)
        settings.use(settings.load(**{key.lower(): value for key, value in environment.items()}))
        mailing, size, planning_seconds = _prepare(options)
        before = cpu_of(sink), cpu_of(server) if server else 0.0
        begun = time.monotonic()
        used = _work(environment, options.workers)
        wall = time.monotonic() - begun
        with database.reading() as session:
            totals = ledger.totals(session, mailing)
        if totals.accepted != options.recipients:
            raise SystemExit(f"not all were accepted: {totals}")
        thousands = options.recipients / 1000
        result = Result(
            "fanout", name, options.recipients, size, options.workers, options.connections,
            cpu_s_per_1000=round(sum(cpu for cpu, _, _ in used) / thousands, 3),
            limit_cpu_s_per_1000=round(limit, 3),
            database_cpu_s_per_1000=round((cpu_of(server) - before[1]) / thousands, 3)
            if server else 0.0,
            sink_cpu_s_per_1000=round((cpu_of(sink) - before[0]) / thousands, 3),
            per_second=round(options.recipients / max(seconds for _, _, seconds in used)),
            peak_mib=round(max(peak for _, peak, _ in used)),
            planning_seconds=round(planning_seconds, 1),
        )  # fmt: skip
        print(f"{name}: {wall:.1f} s in all, start of the processes included")
        database.engine().dispose()
        return result


@contextmanager
def serving(name: str, folder: Path) -> Iterator[tuple[str, int | None]]:
    """The address of an empty database, and the process of its server if it has one."""
    if name == "sqlite":
        yield f"sqlite:///{folder / 'bench.db'}", None
        return
    with postgresql(folder / "postgresql") as server:
        address = server.address(server.create())
        pid = int((folder / "postgresql" / "data" / "postmaster.pid").read_text().split()[0])
        yield address.replace("postgresql://", "postgresql+psycopg://", 1), pid


def _environment(folder: Path, address: str, port: int, connections: int) -> dict[str, str]:
    return {
        "DATA": str(folder / "var"), "DATABASE_URL": address, "DOMAIN": "lists.example.org",
        "BASE_URL": "https://network.example.org", "NETWORK_NAME": "AI Network",
        "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "SMTP_SECURITY": "none",
        "SMTP_CONNECTIONS": str(connections), "UNDO_SECONDS": "0",
        "SECRET_KEY": "a secret for measuring only", "CONTACT": "contact@host.example",
    }  # fmt: skip


def _prepare(options: argparse.Namespace) -> tuple[int, int, float]:
    """Members and a planned newsletter; its id, the size of a copy, and how long planning took."""
    with database.transaction() as session:
        list_ = MailingList(name="ai-network", title="AI Network", created_at=clock.now())
        session.add(list_)
        session.flush()
    for first in range(0, options.recipients, AT_ONCE):
        _people(list_.id, range(first, min(first + AT_ONCE, options.recipients)))
    paragraphs = 1 if options.short else 16
    text = "\n\n".join(f"{SENTENCE} ({number}) {SENTENCE}" for number in range(paragraphs))
    with database.transaction() as session:
        drafted = approval.draft_newsletter(session, list_, "March news", text, by=None)
        approval.approve(session, drafted.id, by=None)
    begun = time.monotonic()
    with database.transaction() as session:
        planning.plan_due(session)
    seconds = time.monotonic() - begun
    return drafted.id, _size_of_a_copy(drafted.id), seconds


def _people(list_id: int, numbers: range) -> None:
    now = clock.now()
    with database.transaction() as session:
        session.execute(
            insert(Person),
            [{"id": n + 1, "name": f"Officer {n}", "created_at": now} for n in numbers],
        )
        session.execute(
            insert(Address),
            [
                {
                    "person_id": n + 1, "mailbox": f"officer{n}@council{n % 333}.example",
                    "key": f"officer{n}@council{n % 333}.example", "verified_at": now,
                }
                for n in numbers
            ],
        )  # fmt: skip
        session.execute(
            insert(Subscription),
            [
                {"person_id": n + 1, "list_id": list_id, "mode": Mode.EACH, "joined_at": now}
                for n in numbers
            ],
        )


def _size_of_a_copy(mailing_id: int) -> int:
    from mailer import copies
    from mailer.models import Delivery, Mailing

    with database.reading() as session:
        mailing = session.get_one(Mailing, mailing_id)
        row = session.query(Delivery).filter_by(mailing_id=mailing_id).first()
        assert row is not None
        return len(copies.Press(mailing, "ai-network").copy(row).data)


# --- the sending processes ----------------------------------------------------------------------


def _work(environment: dict[str, str], workers: int) -> list[tuple[float, float, float]]:
    """Run worker processes until all is sent; CPU, peak memory and wall seconds of each."""
    variables = {f"FOLKMOOT_{name}": value for name, value in environment.items()}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.fanout", "--send", f"worker:{number}"],
            env=os.environ | variables, stdout=subprocess.PIPE,
        )
        for number in range(workers)
    ]  # fmt: skip
    results = []
    for process in started:
        out, _ = process.communicate()
        if process.returncode:
            raise SystemExit("a worker failed")
        results.append(tuple(json.loads(out.splitlines()[-1])))
    return results


def _send(name: str) -> None:
    """What one worker process does: deliver until nothing is due, then say what it took."""
    setting = settings.current()
    database.connect(setting.database_address())
    connections = Connections(setting)
    cpu, begun = own_cpu(), time.monotonic()
    delivery.deliver(name, connections, lambda: False)
    seconds = time.monotonic() - begun
    spent = own_cpu() - cpu
    connections.close()
    print(json.dumps([spent, own_peak_mib(), seconds]))


def _print(result: Result) -> None:
    ratio = result.cpu_s_per_1000 / result.limit_cpu_s_per_1000
    print(
        f"{result.recipients} copies of {result.bytes} bytes on {result.database}:\n"
        f"  ours      {result.cpu_s_per_1000:.3f} CPU-s per 1,000"
        f" ({ratio:.2f} times the limit of {result.limit_cpu_s_per_1000:.3f})\n"
        f"  database  {result.database_cpu_s_per_1000:.3f},"
        f" sink {result.sink_cpu_s_per_1000:.3f} CPU-s per 1,000\n"
        f"  speed     {result.per_second:.0f} copies a second, {result.workers} worker(s),"
        f" {result.connections} connections each\n"
        f"  memory    {result.peak_mib:.0f} MiB at most; planning {result.planning_seconds:.1f} s"
    )


if __name__ == "__main__":
    main()

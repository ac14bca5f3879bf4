"""Latency: from a message's arrival in the mailbox to the archive and to the first copy.

    python -m bench.latency [--messages 200] [--database sqlite|postgresql]

A message is appended to the mailbox of a real Dovecot; two clocks stop when the post can be read
in the archive, and when the first copy of it reaches the mail server. Prints the median and the
99th percentile of both, and ends with one JSON line. The clocks are looked at every 5 ms: to look
more often would take a core from what is measured.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import select, update

import migrations
from archive.models import Post
from bench import ingest
from bench.fanout import serving
from core import database, settings
from subscribers.models import Mode, Subscription
from tests.servers.dovecot import Dovecot, dovecot
from tests.servers.smtp import SmtpSink, smtp_server
from workers import running

TAKERS = 25
LOOK_SECONDS = 0.005
PAUSE_SECONDS = 0.2
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Result:
    """One run; milliseconds."""

    bench: str
    database: str
    messages: int
    visible_p50_ms: float
    visible_p99_ms: float
    first_copy_p50_ms: float
    first_copy_p99_ms: float


def main() -> None:
    """Run the benchmark as the command line says."""
    options = _options()
    if options.work:
        _work()
        return
    with (
        tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as name,
        serving(options.database, Path(name)) as (address, _),
        dovecot() as imap,
        smtp_server() as sink,
    ):
        environment = ingest.environment(Path(name), address, imap) | {
            "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(sink.port), "SMTP_SECURITY": "none",
            "IMAP_ASK_SECONDS": "0.02",
        }  # fmt: skip
        settings.use(settings.load(**{key.lower(): value for key, value in environment.items()}))
        database.connect(address)
        migrations.upgrade()
        ingest.network()
        _some_take_each_post()
        with _house(environment):
            times = list(_measured(imap, sink, options.messages))
        result = _result(options.database, times)
        print(
            f"{result.messages} messages on {result.database}, in milliseconds:\n"
            f"  in the archive   p50 {result.visible_p50_ms}, p99 {result.visible_p99_ms}\n"
            f"  first copy sent  p50 {result.first_copy_p50_ms}, p99 {result.first_copy_p99_ms}"
        )
        print(json.dumps(asdict(result)), flush=True)
        database.engine().dispose()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _some_take_each_post() -> None:
    with database.transaction() as session:
        takers = update(Subscription).where(Subscription.person_id <= TAKERS)
        session.execute(takers.values(mode=Mode.EACH))


def _work() -> None:
    """The house: listener, worker and schedule, until its input ends."""
    setting = settings.current()
    database.connect(setting.database_address())
    with running.everything(setting):
        sys.stdin.read()


@contextmanager
def _house(environment: dict[str, str]) -> Iterator[None]:
    variables = {f"FOLKMOOT_{name}": value for name, value in environment.items()}
    command = [sys.executable, "-m", "bench.latency", "--work"]
    with subprocess.Popen(command, env=os.environ | variables, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            assert process.stdin is not None
            process.stdin.close()


def _measured(imap: Dovecot, sink: SmtpSink, messages: int) -> Iterator[tuple[float, float]]:
    """Seconds to the archive and to the first copy, for each message; the first one warms up."""
    letters = ingest.letters(messages + 1)
    with imap.client() as client:
        for number, letter in enumerate(letters):
            sent = len(sink.received())
            begun = time.monotonic()
            client.append("INBOX", "", None, letter)
            visible = copied = 0.0
            while not (visible and copied):
                now = time.monotonic() - begun
                if now > PATIENCE_SECONDS:
                    raise SystemExit(f"message {number} did not arrive")
                copied = copied or (now if len(sink.received()) > sent else 0.0)
                visible = visible or (now if _is_filed(number) else 0.0)
                time.sleep(LOOK_SECONDS)
            if number:
                yield visible, copied
            _let_all_go(sink, sent)


def _is_filed(number: int) -> bool:
    wanted = select(Post.id).where(
        Post.list_id == 1, Post.message_id == f"m{number}@council.example"
    )
    with database.reading() as session:
        return session.scalar(wanted) is not None


def _let_all_go(sink: SmtpSink, before: int) -> None:
    with contextlib.suppress(TimeoutError):
        end = time.monotonic() + PATIENCE_SECONDS
        while len(sink.received()) < before + TAKERS and time.monotonic() < end:
            time.sleep(0.01)
    time.sleep(PAUSE_SECONDS)


def _result(name: str, times: list[tuple[float, float]]) -> Result:
    visible, copied = (
        [round(1000 * one, 1) for one in series] for series in zip(*times, strict=True)
    )
    return Result("latency", name, len(times), *_percentiles(visible), *_percentiles(copied))


def _percentiles(series: list[float]) -> tuple[float, float]:
    return round(statistics.median(series), 1), round(statistics.quantiles(series, n=100)[98], 1)


if __name__ == "__main__":
    main()

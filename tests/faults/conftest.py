"""Where the workers of the fault suite run, and the summary of what became of every copy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import database
from tests.faults import rig
from tests.servers.redis import redis
from tests.servers.smtp import smtp_server


@pytest.fixture
def place(db: str, tmp_path: Path) -> Iterator[rig.Place]:
    """SQLite with the broker in the process, or PostgreSQL with Redis."""
    address = database.engine().url.render_as_string(hide_password=False)
    with smtp_server(delay=0.01) as sink:
        if db == "sqlite":
            given = rig.environment(sink, tmp_path, DATABASE_URL=address)
            yield rig.Place(given, sink, db, tmp_path / "worker.log")
            return
        with redis(tmp_path / "redis") as bell:
            given = rig.environment(sink, tmp_path, DATABASE_URL=address, REDIS_URL=bell.url)
            yield rig.Place(given, sink, db, tmp_path / "worker.log", bell.url)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the account of each fault, and keep it beside the other artefacts."""
    if not rig.ACCOUNTS:
        return
    lines = [
        f"{'fault':44} {'database':11} {'copies':>6} {'kills':>5} {'reached':>7}"
        f" {'twice':>5} {'marked':>6} {'lost':>4}"
    ]
    lines += [
        f"{one.fault:44} {one.database:11} {one.copies:6} {one.kills:5} {one.reached:7}"
        f" {one.twice:5} {one.marked:6} {one.lost:4}"
        for one in rig.ACCOUNTS
    ]
    lines.append(f"seed of the random moments: FAULT_SEED={rig.SEED}")
    terminalreporter.section("faults: who got what")
    for line in lines:
        terminalreporter.write_line(line)
    folder = rig.ROOT / "artefacts"
    folder.mkdir(exist_ok=True)
    (folder / "faults.txt").write_text("\n".join(lines) + "\n")

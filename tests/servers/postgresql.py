"""A private PostgreSQL server for tests."""

import itertools
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.servers.process import free_port, give_to, program, running, unprivileged

_FOLDER = "usr/lib/postgresql/*/bin"
_names = itertools.count(1)


@dataclass(frozen=True)
class PostgreSQL:
    """Where the server listens; `restart` ends it at once, as a crash would, and starts it."""

    port: int
    restart: Callable[[], None] = field(compare=False)

    def address(self, name: str) -> str:
        """The address of one of its databases, as the setting `DATABASE_URL` takes it."""
        return f"postgresql://folkmoot@127.0.0.1:{self.port}/{name}"

    def create(self, template: str = "template1") -> str:
        """Make a database, as a copy of a template; returns its name."""
        name = f"test_{next(_names)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE {name} TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _wait_until_ready(port: int, seconds: float = 30) -> None:
    """Wait until questions are answered: connections are taken, and turned away, before that."""
    end = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(f"postgresql://folkmoot@127.0.0.1:{port}/postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    """Run PostgreSQL with its data in `folder` until the block ends."""
    user = unprivileged()
    data = folder / "data"
    folder.mkdir(parents=True, exist_ok=True)
    give_to(folder, user)
    initdb = program("initdb", _FOLDER, package="postgresql")
    subprocess.run(
        [initdb, "-D", str(data), "-U", "folkmoot", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
         "--no-sync"],
        check=True, capture_output=True, user=user, cwd=folder,
    )  # fmt: skip
    port = free_port()
    command = [program("postgres", _FOLDER, package="postgresql"), "-D", str(data), "-p", str(port),
               "-h", "127.0.0.1", "-k", str(folder), "-c", "fsync=off"]  # fmt: skip
    log = folder / "postgresql.log"
    with ExitStack() as stack:
        servers = [stack.enter_context(running(command, port, log, user))]
        _wait_until_ready(port)

        def restart() -> None:
            servers[-1].send_signal(signal.SIGQUIT)  # an immediate shutdown: nothing is tidied up
            servers[-1].wait(timeout=30)
            servers.append(stack.enter_context(running(command, port, log, user)))
            _wait_until_ready(port)

        yield PostgreSQL(port, restart)

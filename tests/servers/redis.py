"""A private Redis server for tests, that keeps nothing on the disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import free_port, give_to, program, running, unprivileged


@dataclass(frozen=True)
class Redis:
    """Where the server listens."""

    port: int

    @property
    def url(self) -> str:
        """Its address, as the setting `REDIS_URL` takes it."""
        return f"redis://127.0.0.1:{self.port}/0"


@contextmanager
def redis(folder: Path) -> Iterator[Redis]:
    """Run Redis in `folder` until the block ends."""
    user = unprivileged()
    folder.mkdir(parents=True, exist_ok=True)
    give_to(folder, user)
    port = free_port()
    command = [program("redis-server", package="redis-server"), "--port", str(port),
               "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
               "--dir", str(folder)]  # fmt: skip
    with running(command, port, folder / "redis.log", user):
        yield Redis(port)

"""Starts a server process on a free port and waits until it answers."""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_LOWEST_PORT, _PORTS = 15_000, 17_000
_given: set[int] = set()


class MissingProgram(RuntimeError):
    """A server that the tests need is not installed."""


def program(name: str, *folders: str, package: str) -> str:
    """Where a program is; raises MissingProgram naming the Debian package to install."""
    for folder in folders:
        for found in sorted(Path("/").glob(f"{folder.lstrip('/')}/{name}"), reverse=True):
            return str(found)
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise MissingProgram(f"{name} is not installed: apt-get install {package}")
    return path


def free_port() -> int:
    """A TCP port on loopback that nobody listens on, and that none of us was given before.

    Not one of those that the system gives to outgoing connections: it might do so in between.
    """
    while True:
        port = _LOWEST_PORT + secrets.randbelow(_PORTS)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port


def unprivileged() -> str | None:
    """The user to run a server as when the tests run as root; None means as we are."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def give_to(folder: Path, user: str | None) -> None:
    """Hand a folder over to the user that the server will run as, and open the way to it."""
    if user is None:
        return
    entry = pwd.getpwnam(user)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    for parent in folder.parents:
        if parent.owner() == "root" and str(parent).startswith("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o055)


def wait_for(port: int, server: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Wait until a port on loopback accepts connections, while its server lives."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended at once with {server.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port} after {seconds} s")


@contextmanager
def running(
    command: Sequence[str], port: int, log: Path, user: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; its output goes to `log`."""
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, user=user, start_new_session=True
        )
    try:
        wait_for(port, server)
        yield server
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

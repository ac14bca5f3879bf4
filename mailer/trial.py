"""The trial: a large message is first read in a process that may be killed, with an end to waiting.

What is small was tried by the million and takes no second to read. What is large could take
memory and time without end: who gets through here is read again where it matters, who does not is
kept as it came, and shown to the coordinator unread.
"""

import contextlib
import logging
import math
import multiprocessing
import resource
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection

from message import sanitise, verdict
from message.parse import parse
from message.quoting import html as quoted_html

log = logging.getLogger(__name__)

#: Octets from which on a message is tried, how long that may take, and how much memory.
LARGE, SECONDS, MEMORY = 1 << 16, 20.0, 2 << 30
#: How long a new process may take until it listens.
STARTING_SECONDS = 60.0
NOT_READ = "it takes too much to read it: look at it in a program that you trust"
_spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks of other threads


def read_all(raw: bytes) -> None:
    """Read all that anybody here reads of a message; whatever that takes."""
    message = parse(raw)
    verdict.judge(message, None)
    assert message.passages is not None
    if message.html:
        quoted_html.to_text(message.html)
        sanitise.clean(message.html)
    for file in message.attachments:
        assert file.sha256


def serve(calls: Connection, read: Callable[[bytes], None], seconds: float, memory: int) -> None:
    """What the process does: read one message after the other, until nobody calls any more."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    calls.send(True)
    with contextlib.suppress(EOFError, OSError):
        while True:
            raw = calls.recv_bytes()
            _end_after(2 * seconds)  # should nobody be left to kill it
            try:
                read(raw)
            except MemoryError:
                calls.send(False)
            else:
                calls.send(True)


def _end_after(seconds: float) -> None:
    """Let the kernel end this process when it has worked for so long from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


class Trial:
    """A process that reads on trial, started at first need; a new one when it had to be killed."""

    def __init__(
        self,
        read: Callable[[bytes], None] = read_all,
        seconds: float = SECONDS,
        memory: int = MEMORY,
    ) -> None:
        self._read, self._seconds, self._memory = read, seconds, memory
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._calls: Connection | None = None

    def passes(self, raw: bytes) -> bool:
        """Whether a message can be read in time and with the memory that there is.

        If no process can be started, that is not held against the message.
        """
        with self._lock:
            try:
                calls = self._calls or self._started()
            except (EOFError, OSError) as trouble:
                log.error("trial_not_started", extra={"why": type(trouble).__name__})
                self._end()
                return True
            try:
                calls.send_bytes(raw)
                if calls.poll(self._seconds) and calls.recv():
                    return True
            except (EOFError, OSError) as trouble:
                log.warning("trial_ended", extra={"why": type(trouble).__name__})
            self._end()
            return False

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _started(self) -> Connection:
        ours, theirs = _spawn.Pipe()
        arguments = (theirs, self._read, self._seconds, self._memory)
        self._process = _spawn.Process(target=serve, args=arguments, name="trial", daemon=True)
        self._process.start()
        theirs.close()
        self._calls = ours
        if not ours.poll(STARTING_SECONDS):
            raise TimeoutError
        ours.recv()
        return ours

    def _end(self) -> None:
        if self._calls is not None:
            self._calls.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._calls = None


_trial = Trial()


def not_readable(messages: Mapping[int, bytes]) -> dict[int, str]:
    """Which of these messages nobody should read, by their numbers, and why in a few words."""
    large = {number: raw for number, raw in messages.items() if len(raw) >= LARGE}
    return {number: NOT_READ for number, raw in large.items() if not _trial.passes(raw)}

"""The trial: mail is first read in a process that may be killed, with an end to waiting.

Whatever arrives was written by anybody: a message could take memory and time without end, or bring
a library down. Here that stops one process of no importance, and the message is kept as it came and
shown to the coordinator unread. What was read of a message that gets through is handed on, so that
it need not be read again.
"""

import contextlib
import logging
import math
import multiprocessing
import pickle
import resource
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from message import sanitise, verdict
from message.parse import Message, parse
from message.quoting import html as quoted_html

log = logging.getLogger(__name__)

#: How long reading one message may take, and how much memory.
SECONDS, MEMORY = 20.0, 2 << 30
#: Octets up to which what was read is handed on: it is larger than the message.
HANDED_ON = 1 << 15
#: How long a new process may take until it listens.
STARTING_SECONDS = 60.0
NOT_READ = "it takes too much to read it: look at it in a program that you trust"
_spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks of other threads

Reader = Callable[[bytes], Message | None]


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of messages, by their numbers: what was read of some, why not of others."""

    read: dict[int, Message] = field(default_factory=dict)
    unread: dict[int, str] = field(default_factory=dict)


def read_all(raw: bytes) -> Message:
    """Read all that anybody here reads of a message; whatever that takes."""
    message = parse(raw)
    verdict.judge(message, None)
    assert message.passages is not None
    if message.html:
        quoted_html.to_text(message.html)
        sanitise.clean(message.html)
    for file in message.attachments:
        assert file.sha256
    return message


def serve(calls: Connection, read: Reader, seconds: float, memory: int) -> None:
    """What the process does: read one message after the other, until nobody calls any more."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    calls.send(True)
    with contextlib.suppress(EOFError, OSError):
        while True:
            for raw in calls.recv():
                _end_after(2 * seconds)  # should nobody be left to kill it
                calls.send_bytes(_said(read, raw))


#: What the process says of a message: that it fails, that it passes, or what was read of it.
_FAILS, _PASSES = b"", b"+"


def _said(read: Reader, raw: bytes) -> bytes:
    try:
        message = read(raw)
        if message is None or len(raw) > HANDED_ON:
            return _PASSES
        return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 - MemoryError, RecursionError, or a fault of ours: it fails
        return _FAILS


def _end_after(seconds: float) -> None:
    """Let the kernel end this process when it has worked for so long from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


class Trial:
    """A process that reads on trial, started at first need; a new one when it had to be killed."""

    def __init__(
        self, read: Reader = read_all, seconds: float = SECONDS, memory: int = MEMORY
    ) -> None:
        self._read, self._seconds, self._memory = read, seconds, memory
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._calls: Connection | None = None

    def read(self, messages: Mapping[int, bytes]) -> Tried:
        """Try messages, given by numbers.

        If no process can be started, that is held against none of them: they count as neither
        read nor unread.
        """
        tried = Tried()
        waiting = list(messages)
        with self._lock:
            while waiting and self._is_ready():
                done = self._try(waiting, [messages[number] for number in waiting], tried)
                if done < len(waiting):  # it was killed: another goes on behind this one
                    tried.unread[waiting[done]] = NOT_READ
                    self._end()
                del waiting[: done + 1]
        return tried

    def _try(self, numbers: Sequence[int], raws: Sequence[bytes], tried: Tried) -> int:
        """Have the process read messages until one brings it down; returns how many it read."""
        assert self._calls is not None
        for place, number in enumerate(numbers):
            try:
                if place == 0:
                    self._calls.send(raws)
                said = self._calls.recv_bytes() if self._calls.poll(self._seconds) else None
            except (EOFError, OSError) as trouble:
                log.warning("trial_ended", extra={"why": type(trouble).__name__})
                return place
            if said is None:
                return place
            if said == _FAILS:
                tried.unread[number] = NOT_READ
            elif said != _PASSES:
                # It comes from our own process, which only ever sends what `read` returned.
                tried.read[number] = pickle.loads(said)  # noqa: S301
        return len(numbers)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _is_ready(self) -> bool:
        if self._calls is not None:
            return True
        try:
            self._start()
        except (EOFError, OSError) as trouble:
            log.error("trial_not_started", extra={"why": type(trouble).__name__})
            self._end()
        return self._calls is not None

    def _start(self) -> None:
        ours, theirs = _spawn.Pipe()
        arguments = (theirs, self._read, self._seconds, self._memory)
        self._process = _spawn.Process(target=serve, args=arguments, name="trial", daemon=True)
        self._process.start()
        theirs.close()
        self._calls = ours
        if not ours.poll(STARTING_SECONDS):
            raise TimeoutError
        ours.recv()

    def _end(self) -> None:
        if self._calls is not None:
            self._calls.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._calls = None


_trial = Trial()


def read(messages: Mapping[int, bytes]) -> Tried:
    """Read messages, given by numbers, in the process of this program that may be killed."""
    return _trial.read(messages)


def make_ready() -> None:
    """Start that process before the first message comes, which then need not wait for it."""
    _trial.read({0: b"\r\n"})

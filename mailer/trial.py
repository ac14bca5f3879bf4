"""The trial: mail is first read in a process that may be killed, with an end to waiting.

Whatever arrives was written by anybody: a message could take memory and time without end, or bring
a library down. Here that stops one process of no importance, and the message is kept as it came and
shown to the coordinator unread. What was read of a message that gets through is handed on, so that
it need not be read again.
"""

import contextlib
import importlib
import logging
import math
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from core import garbage
from message import sanitise, verdict
from message.parse import Message, parse
from message.quoting import html as quoted_html

log = logging.getLogger(__name__)

#: How long reading may take, and how much memory.
SECONDS, MEMORY = 20.0, 2 << 30
#: So many are tried together: to hand each over by itself would cost a tenth of reading it.
AT_ONCE = 20
#: Octets up to which what was read is handed on: it is larger than the message.
HANDED_ON = 1 << 15
#: How long a new process may take until it listens.
STARTING_SECONDS = 60.0
NOT_READ = "it takes too much to read it: look at it in a program that you trust"

Reader = Callable[[bytes], Message]
#: What was read of a message, or only whether it can be read.
Said = Message | bool
_PROTOCOL = pickle.HIGHEST_PROTOCOL
#: The names of readers, `module:function`: of all that is read of mail; of what is archived of it.
ALL, WORDS = "mailer.trial:read_all", "mailer.trial:read_words"


def read_words(raw: bytes) -> Message:
    """Read all that goes into the archive of a message; whatever that takes."""
    message = parse(raw)
    assert message.passages is not None
    if message.html:
        quoted_html.to_text(message.html)
        sanitise.clean(message.html)
    for file in message.attachments:
        assert file.sha256
    return message


def read_all(raw: bytes) -> Message:
    """Read all that anybody here reads of a message, and what it is."""
    message = read_words(raw)
    verdict.judge(message)
    return message


# --- the process ----------------------------------------------------------------------------------


def serve(calls: Connection, read: Reader, seconds: float, memory: int) -> None:
    """What the process does: read what it is given, until nobody calls any more."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    calls.send(True)
    # Whatever goes wrong outside of reading a message, who calls learns of it by our end.
    with garbage.spared(), contextlib.suppress(Exception):
        while True:
            raws = calls.recv()
            _end_after(2 * seconds)  # should nobody be left to kill it
            # Together: what they have in common is told once.
            calls.send_bytes(pickle.dumps([_said(read, raw) for raw in raws], _PROTOCOL))


def _said(read: Reader, raw: bytes) -> Said:
    """What is said of a message: itself, or whether it could be read, but not told."""
    try:
        message = read(raw)
        return message if len(raw) <= HANDED_ON else True
    except Exception:  # noqa: BLE001 - MemoryError, RecursionError, or a fault of ours: it fails
        return False


def _end_after(seconds: float) -> None:
    """Let the kernel end this process when it has worked for so long from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def main(socket_number: str, reader: str, seconds: str, memory: str) -> None:
    """Serve on a socket that was handed down, with the reader that is named `module:function`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for those who call: when they end, we do
    module, _, function = reader.partition(":")
    read = getattr(importlib.import_module(module), function)
    serve(Connection(int(socket_number)), read, float(seconds), int(memory))


# --- those who ask it -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of messages, by their numbers: what was read of some, why not of others."""

    read: dict[int, Message] = field(default_factory=dict)
    unread: dict[int, str] = field(default_factory=dict)


class Trial:
    """A process that reads on trial, started at first need; a new one when it had to be killed.

    It is a program of its own and loads what reading needs only: neither the locks of our threads
    nor the database are there.
    """

    def __init__(self, reader: str = ALL, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        """Name the function that reads, `module:function`; what it may take, in octets."""
        self._reader, self._seconds, self._memory = reader, seconds, memory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._calls: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The number of the process, if there is one."""
        return self._process.pid if self._process else None

    def read(self, messages: Mapping[int, bytes]) -> Tried:
        """Try messages, given by numbers.

        If no process can be started, that is held against none of them: they count as neither
        read nor unread.
        """
        tried = Tried()
        numbers = list(messages)
        with self._lock:
            for start in range(0, len(numbers), AT_ONCE):
                self._try({one: messages[one] for one in numbers[start : start + AT_ONCE]}, tried)
        return tried

    def _try(self, messages: Mapping[int, bytes], tried: Tried) -> None:
        """Try messages together; if that brings the process down, each by itself."""
        if not self._is_ready():
            return
        said = self._asked(list(messages.values()))
        if said is None:
            self._end()
            if len(messages) > 1:
                for number, raw in messages.items():
                    self._try({number: raw}, tried)
                return
            said = [False]
        for number, read in zip(messages, said, strict=True):
            if isinstance(read, Message):
                tried.read[number] = read
            elif not read:
                tried.unread[number] = NOT_READ

    def _asked(self, raws: Sequence[bytes]) -> list[Said] | None:
        """What the process says of messages; None if it says nothing in time, or ends."""
        assert self._calls is not None
        try:
            self._calls.send(raws)
            if self._calls.poll(self._seconds):
                # It comes from our own process, which only ever sends what `read` returned.
                said: list[Said] = pickle.loads(self._calls.recv_bytes())  # noqa: S301
                return said
        except (EOFError, OSError) as trouble:
            log.warning("trial_ended", extra={"why": type(trouble).__name__})
        return None

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
        ours, theirs = socket.socketpair()
        number = theirs.fileno()
        command = [sys.executable, "-P", "-m", "mailer.trial", str(number), self._reader,
                   str(self._seconds), str(self._memory)]  # fmt: skip
        paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                pass_fds=[number],
                env={"PYTHONPATH": paths},  # and none of our secrets
            )
        self._calls = Connection(ours.detach())
        if not self._calls.poll(STARTING_SECONDS):
            raise TimeoutError
        self._calls.recv()

    def _end(self) -> None:
        if self._calls is not None:
            self._calls.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._calls = None


_trial = Trial()


def read(messages: Mapping[int, bytes]) -> Tried:
    """Read messages, given by numbers, in the process of this program that may be killed."""
    return _trial.read(messages)


def make_ready() -> None:
    """Start that process before the first message comes, which then need not wait for it."""
    _trial.read({0: b"\r\n"})


def close() -> None:
    """End that process; who reads after that gets another."""
    _trial.close()


def processes() -> list[int]:
    """The numbers of the processes that read for this program."""
    return [_trial.pid] if _trial.pid is not None else []


if __name__ == "__main__":
    main(*sys.argv[1:])

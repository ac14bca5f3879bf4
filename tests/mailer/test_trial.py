"""Mail is read on trial: a message that hangs, eats memory or crashes stops nobody."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from core import database, settings
from core.outbox import EventRow
from core.settings import Settings
from mailer import trial
from mailer.models import Incoming
from mailer.trial import NOT_READ, Reader, Trial
from message.parse import Message, parse
from tests.servers.dovecot import SECRET, dovecot
from workers import running

POISON = b"poison"


def hang(raw: bytes) -> Message:
    """A reader that never comes back from poison."""
    while POISON in raw:
        pass
    return parse(raw)


def crash(raw: bytes) -> Message:
    """A reader that poison brings down, as a fault in a C library would."""
    if POISON in raw:
        os.abort()
    return parse(raw)


def devour(raw: bytes) -> Message:
    """A reader whom poison makes take all memory there is."""
    hoard = []
    while POISON in raw:
        hoard.append(bytearray(1 << 26))
    return parse(raw)


def named(reader: Reader) -> str:
    """How a reader of this module is called."""
    return f"tests.mailer.test_trial:{reader.__name__}"


@contextmanager
def tried(subject: Trial) -> Iterator[Trial]:
    """A trial that leaves no process behind."""
    try:
        yield subject
    finally:
        left = subject.pid
        subject.close()
        assert left is None or not Path(f"/proc/{left}").exists()


def orphan() -> None:
    """Begin a trial of poison, and die in the midst of it."""
    subject = Trial(named(hang), seconds=1.0)
    assert 0 in subject.read({0: b"mail"}).read
    assert subject._calls is not None
    subject._calls.send([POISON])
    print(subject.pid, flush=True)
    os._exit(0)


def test_a_trial_ends_though_nobody_is_left_to_end_it() -> None:
    """The worker was killed while it hung: the kernel ends it by the time it has worked."""
    command = [sys.executable, "-c", "from tests.mailer.test_trial import orphan; orphan()"]
    said = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    left = Path(f"/proc/{int(said)}/stat")
    end = time.monotonic() + 30
    while left.exists() and left.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < end, "it works on"
        time.sleep(0.1)


@pytest.mark.parametrize("read", [hang, crash, devour])
def test_i15_poison_is_told_from_mail(read: Reader) -> None:
    """In bounded time and memory; what comes before and after is read as ever."""
    with tried(Trial(named(read), seconds=2.0, memory=1 << 30)) as subject:
        begun = time.monotonic()
        tried_ = subject.read(dict(enumerate((b"mail", POISON, b"mail", POISON, b"mail"))))
        assert (sorted(tried_.read), tried_.unread) == ([0, 2, 4], {1: NOT_READ, 3: NOT_READ})
        assert subject.read({7: b"mail"}).read.keys() == {7}
        assert time.monotonic() - begun < 60


def test_i15_what_is_large_but_harmless_passes() -> None:
    """Bombs of base64, nesting and one endless field are read within the bounds."""
    head = b"From: a@x.example\r\nMIME-Version: 1.0\r\nContent-Type: "
    letters = [
        head + b"text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"QUFB" * (5 << 20),
        head + b"text/plain\r\nX-Long: " + b"x" * (50 << 20) + b"\r\n\r\nx\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 200_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 50_000,
        head + b"text/html\r\n\r\n" + b"<div>" * 200_000,
        head + b"text/plain\r\n\r\n" + b"> " * 500_000 + b"\r\n" + b">" * 500_000,
    ]
    with tried(Trial()) as subject:
        tried_ = subject.read(dict(enumerate(letters)))
    # What is that large is read again where it is needed.
    assert (tried_.read, tried_.unread) == ({}, {})


def test_what_was_read_need_not_be_read_again() -> None:
    """The message comes back as if it had been read here, with what was told apart in it."""
    raw = b"From: Jo Field <jo@x.example>\r\nSubject: Hi\r\n\r\nYes.\r\n\r\n-- \r\nJo\r\n"
    with tried(Trial()) as subject:
        message = subject.read({5: raw}).read[5]
    here = parse(raw)
    assert message == here
    assert message.passages == here.passages
    assert {"passages", "text"} <= set(vars(message))


def a_mailbox(port: int) -> Settings:
    """Settings of a house that listens to one mailbox."""
    return settings.use(
        settings.current().model_copy(
            update={
                "imap_host": "127.0.0.1", "imap_port": port, "imap_security": "none",
                "imap_username": "network", "imap_password": SecretStr(SECRET),
                "imap_poll_seconds": 0.5,
            }
        )
    )  # fmt: skip


def test_i15_poison_among_mail_is_shown_and_keeps_nobody_waiting(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over IMAP: nineteen arrive, one is kept byte for byte, stuck, and told of."""
    letters = [b"Subject: %d\r\n\r\nHello.\r\n" % number for number in range(20)]
    letters[7] = b"Subject: poison\r\n\r\nHello.\r\n"
    with dovecot() as server, tried(Trial(named(hang), seconds=1.0)) as subject:
        monkeypatch.setattr(trial, "_trial", subject)
        for raw in letters:
            server.deliver(raw)
        with running.everything(a_mailbox(server.port), frozenset({"listener"})):
            end = time.monotonic() + 30
            while ((rows := all_kept()) and len(rows) < 20) or not rows:
                assert time.monotonic() < end, "not in time"
                time.sleep(0.1)
    stuck = [row for row in rows if row.state == "stuck"]
    assert [(row.why, row.size) for row in stuck] == [(NOT_READ, len(letters[7]))]
    with database.reading() as session:
        names = list(session.scalars(select(EventRow.name)))
    assert (names.count("MailArrived"), names.count("MailNotUnderstood")) == (19, 1)


def all_kept() -> list[Incoming]:
    """The rows of the inbox."""
    with database.reading() as session:
        return list(session.scalars(select(Incoming).order_by(Incoming.id)))


def test_a_trial_that_cannot_begin_is_not_held_against_the_message() -> None:
    """Mail goes on as if there were no trials; the next one is begun anew."""
    with tried(Trial("tests.mailer.test_trial:nobody")) as subject:
        tried_ = subject.read({0: b"mail", 1: b"mail"})
        assert (tried_.read, tried_.unread) == ({}, {})
        assert subject.pid is None


def test_two_threads_ask_one_process() -> None:
    """LMTP and several mailboxes try at once: each gets the answer to its own message."""
    with tried(Trial(named(crash))) as subject:
        said: dict[int, bool] = {}

        def ask(number: int) -> None:
            tried_ = subject.read({number: POISON if number % 3 == 0 else b"mail"})
            said[number] = number in tried_.read

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert said == {number: number % 3 != 0 for number in range(9)}

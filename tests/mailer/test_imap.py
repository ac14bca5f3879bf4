"""The listener, against Dovecot and pymap, and against servers that go away at the wrong moment."""

import contextlib
import itertools
import logging
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from core import database, settings
from mailer import imap, imap_talk, inbox
from mailer.imap import Folder, Keep, Listener
from mailer.models import Incoming, MailboxPosition
from tests.servers.dovecot import Dovecot, dovecot
from tests.servers.process import free_port
from tests.servers.pymap import Pymap, pymap

Server = Dovecot | Pymap
ACCOUNT = "network@test"
MAILBOX = f"{ACCOUNT}/INBOX"
# What the database makes of it is shown with the inbox; here one is enough.
pytestmark = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


def letter(number: int) -> bytes:
    """A message with what a careless client would stumble over: fake tagged lines, parentheses."""
    return (
        f"Subject: number {number}\r\n\r\n* {number} FETCH (UID 9 ((\r\nA1 OK done\r\n)\r\n"
        f"{'long ' * 3000}\r\n"
    ).encode() + bytes(range(128, 256)) + b"\r\n"  # fmt: skip


@pytest.fixture(params=["dovecot", "pymap"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A mailbox on either server, and settings that lead to it."""
    with ExitStack() as stack:
        found: Server
        if request.param == "dovecot":
            found = stack.enter_context(dovecot())
        else:
            found = stack.enter_context(pymap(tmp_path / "imap"))
        point_to(found.port)
        yield found


def point_to(port: int, secret: str = "made-for-tests", poll: float = 0.5) -> None:
    """Settings that lead to an IMAP server."""
    update = {
        "imap_host": "127.0.0.1", "imap_port": port, "imap_security": "none",
        "imap_username": "network", "imap_password": SecretStr(secret), "imap_poll_seconds": poll,
    }  # fmt: skip
    settings.use(settings.current().model_copy(update=update))


def keep(folder: Folder, validity: int, messages: Sequence[tuple[int, bytes]]) -> None:
    """Keep in the database, as the house does."""
    with database.transaction() as session:
        mailbox = f"{ACCOUNT}/{folder.name}"
        inbox.keep_many(session, mailbox, validity, messages, ACCOUNT, junk=folder.junk)


@contextmanager
def listening(
    keep_with: Keep = keep,
    ours: Callable[[], bool] = lambda: True,
) -> Iterator[threading.Thread]:
    """A listener in a thread; on the way out it must end within three seconds."""
    stop = threading.Event()
    listener = Listener(settings.current(), ACCOUNT, keep_with, ours)
    thread = threading.Thread(target=listener.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(3)
    assert not thread.is_alive()


def kept() -> list[bytes]:
    """What was kept, in order."""
    with database.reading() as session:
        return [inbox.raw_of(row) for row in session.query(Incoming).order_by(Incoming.id)]


def until(ask: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def unseen(server: Server) -> int:
    """How many messages are not marked as seen."""
    with server.client() as client:
        _, found = client.uid("SEARCH", "UNSEEN")
        return len((found[0] or b"").split())


def test_i1_what_is_there_and_what_comes_is_kept_as_it_is(db: str, server: Server) -> None:
    """Byte for byte, in order, then marked as seen; new mail is there at once, by IDLE."""
    point_to(server.port, poll=300)
    letters = [letter(number) for number in range(5)]
    for raw in letters[:3]:
        server.deliver(raw)
    with listening():
        until(lambda: len(kept()) == 3)
        time.sleep(0.5)
        for raw in letters[3:]:
            server.deliver(raw)
        until(lambda: len(kept()) == 5, 15)
        until(lambda: unseen(server) == 0)
    assert kept() == letters
    with database.reading() as session:
        position = session.get_one(MailboxPosition, MAILBOX)
        assert position.last_uid == max(row.uid for row in session.query(Incoming))


def test_mail_stays_out_of_the_log(
    db: str, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Though everything is logged, the library's own lines too: no mail, and no password."""
    caplog.set_level(logging.DEBUG)
    server.deliver(letter(7))
    with listening():
        until(lambda: len(kept()) == 1)
    assert "octets" in caplog.text
    assert "number 7" not in caplog.text
    assert "long long" not in caplog.text
    assert "made-for-tests" not in caplog.text


def test_i1_a_restart_keeps_nothing_twice(db: str, server: Server) -> None:
    """A second listener goes on behind the last message (and not at the one that n:* repeats)."""
    server.deliver(letter(1))
    with listening():
        until(lambda: len(kept()) == 1)
    with listening():
        server.deliver(letter(2))
        until(lambda: len(kept()) == 2)
        time.sleep(1)
    assert kept() == [letter(1), letter(2)]


def test_i1_nothing_is_marked_that_was_not_kept(db: str, server: Server) -> None:
    """If keeping fails, the message stays unseen, and is fetched again."""
    failures = itertools.count()

    def failing(folder: Folder, validity: int, messages: Sequence[tuple[int, bytes]]) -> None:
        if next(failures) == 0:
            raise OSError("disk full")
        keep(folder, validity, messages)

    server.deliver(letter(1))
    with listening(failing):
        until(lambda: next(failures) > 1, 5)
        until(lambda: unseen(server) == 0)
    assert kept() == [letter(1)]


def test_i8_new_mail_is_found_without_a_hint(
    db: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mailbox is looked into every so often, whatever IDLE says."""

    async def deaf(_client: object) -> bool:
        time.sleep(0.05)
        return False

    monkeypatch.setattr(imap_talk, "_pushed", deaf)
    with listening():
        time.sleep(0.7)
        server.deliver(letter(1))
        until(lambda: len(kept()) == 1)


def test_i8_a_removed_last_message_confuses_nobody(db: str, server: Server) -> None:
    """After the last UID was expunged, what comes next is found."""
    server.deliver(letter(1))
    server.deliver(letter(2))
    with listening():
        until(lambda: len(kept()) == 2)
    with server.client() as client:
        client.store("2", "+FLAGS", r"(\Deleted)")
        client.expunge()
    with listening():
        time.sleep(0.7)
        server.deliver(letter(3))
        until(lambda: len(kept()) == 3)


def test_i18_other_clients_deleted_mail_stays(db: str, server: Server) -> None:
    """Nothing is ever expunged: what another client marked as deleted is still there."""
    server.deliver(letter(1))
    with server.client() as client:
        client.store("1", "+FLAGS", r"(\Deleted)")
    with listening():
        until(lambda: len(kept()) == 1)
    with server.client() as client:
        _, found = client.uid("SEARCH", "DELETED")
        assert len((found[0] or b"").split()) == 1


def test_i16_another_uidvalidity_brings_nothing_twice(db: str) -> None:
    """When the server numbers anew, all is read again, and what is known is recognised."""
    letters = [letter(number) for number in range(8)]
    for round_ in range(2):
        with dovecot() as server:
            with server.client():
                time.sleep(1.1)  # UIDVALIDITY is the second in which the folder was made
            for raw in letters if round_ == 0 else [*letters, letter(99)]:
                server.deliver(raw)
            point_to(server.port)
            with listening():
                until(lambda wanted=8 + round_: len(kept()) == wanted)  # type: ignore[misc]
                until(lambda server=server: unseen(server) == 0)  # type: ignore[misc]
    assert kept() == [*letters, letter(99)]
    with database.reading() as session:
        assert len({row.uidvalidity for row in session.query(Incoming)}) == 2


def test_a_server_that_restarts_is_found_again(db: str) -> None:
    """While it is away the listener tries again and again; what came meanwhile is kept."""
    port = free_port()
    point_to(port)
    with tempfile.TemporaryDirectory(prefix="folkmoot-dovecot-") as name, listening():
        with dovecot(Path(name), port) as server:
            server.deliver(letter(1))
            until(lambda: len(kept()) == 1)
            server.deliver(letter(2))
            until(lambda: len(kept()) == 2)
        time.sleep(0.3)
        with dovecot(Path(name), port) as server:
            server.deliver(letter(3))
            until(lambda: len(kept()) == 3)


def test_i37_a_refused_login_is_not_hammered(
    db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong password is tried at growing intervals of a minute and more."""
    waits: list[float] = []

    async def rest(self: Listener, seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise imap_talk.Leaving

    monkeypatch.setattr(Listener, "_rest", rest)
    with pymap(tmp_path) as server:
        point_to(server.port, secret="wrong")
        Listener(settings.current(), ACCOUNT, keep).run(threading.Event())
    assert 60 <= waits[0] <= 75
    assert 120 <= waits[1] <= 150
    assert 240 <= waits[2] <= 300


def test_i37_the_lease_is_lost(db: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once another holds the mailbox, the listener leaves."""
    monkeypatch.setattr(imap, "ASK_SECONDS", 0.3)
    answers = iter([True, True])
    with listening(ours=lambda: next(answers, False)) as thread:
        thread.join(10)
        assert not thread.is_alive()


# --- servers that go away -----------------------------------------------------------------------


_ANSWERS = {
    "CAPABILITY": "* CAPABILITY IMAP4rev1 IDLE",
    "SELECT": "* OK [UIDVALIDITY 5] x",
    "UID": "* SEARCH",
}


class Scripted:
    """A server that answers as IMAP servers do, up to the point where it goes wrong."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.connections = 0
        self.idles = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            stream = connection.makefile("rwb")
            faulty = self.connections == 1

            def say(text: str) -> None:
                stream.write(text.encode() + b"\r\n")
                stream.flush()

            if faulty and self.fault == "silent from the start":
                time.sleep(30)
            say("* OK ready")
            while line := stream.readline().decode():
                tag, verb = line.split()[:2]
                if verb.upper() == "IDLE":
                    if self._idle(say, stream, tag, faulty):
                        return
                elif not (faulty and self._fault(say, tag, verb.upper(), line)):
                    say(_ANSWERS.get(verb.upper(), "* OK"))
                    say(f"{tag} OK done")

    def _fault(self, say: Callable[[str], None], tag: str, verb: str, line: str) -> bool:
        """Answer a command wrongly, if this is the one; says whether it did."""
        if verb == "LOGIN" and self.fault == "logins unavailable":
            say(f"{tag} NO [UNAVAILABLE] Temporary authentication failure.")
            return True
        if verb == "UID" and self.fault == "silent in search":
            time.sleep(30)
        if verb == "UID" and self.fault == "cut in fetch":
            if "SEARCH" in line:
                say("* SEARCH 7")
            elif "SIZE" in line:
                say("* 1 FETCH (UID 7 RFC822.SIZE 100)")
            else:
                say("* 1 FETCH (UID 7 BODY[] {100}\r\nonly a part")
                raise OSError("cut")
            say(f"{tag} OK done")
            return True
        return False

    def _idle(
        self, say: Callable[[str], None], stream: "socket.SocketIO | object", tag: str, faulty: bool
    ) -> bool:
        self.idles += 1
        if faulty and self.fault == "bye on idle":
            say("* BYE going down")
            return True
        if faulty and self.fault == "idle refused":
            say(f"{tag} NO not now")
            return False
        say("+ idling")
        line = stream.readline()  # type: ignore[union-attr]
        if faulty and self.fault == "done not answered":
            time.sleep(30)
        if not line:
            return True
        say(f"{tag} OK done")
        return False


@pytest.mark.parametrize(
    "fault",
    ["logins unavailable", "bye on idle", "done not answered", "silent in search",
     "silent from the start", "cut in fetch", "idle refused"],
)  # fmt: skip
def test_i9_a_server_that_goes_away_is_noticed(
    db: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every wait has an end: the connection is dropped, and a new one works."""
    monkeypatch.setattr(imap_talk, "COMMAND_SECONDS", 1.0)
    server = Scripted(fault)
    point_to(server.port, poll=0.3)
    try:
        with listening():
            until(lambda: server.connections >= 2 and server.idles >= 2, 12)
    finally:
        server.close()

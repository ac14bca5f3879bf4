"""The listener, where servers fail: nothing is lost, nothing is kept twice, and soon it goes on."""

import datetime as dt
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from core import clock, database, settings
from core.outbox import EventRow
from core.settings import SettingsError
from mailer import imap, imap_talk, inbox
from mailer.imap import Listener
from mailer.login import Tokens
from mailer.models import Incoming
from tests.servers.dovecot import Dovecot, dovecot
from tests.servers.scripted_imap import SECRET, TOKEN, USER, Box, ScriptedImap, scripted_imap
from workers import listener as house

on_sqlite = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a minute in the field takes a moment here, in the same proportions."""
    monkeypatch.setattr(imap_talk, "COMMAND_SECONDS", 1.0)
    monkeypatch.setattr(imap_talk, "_SLICE", 0.05)
    monkeypatch.setattr(imap, "_SLICE", 0.05)
    monkeypatch.setattr(imap, "FIRST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(imap, "LONGEST_WAIT_SECONDS", 0.4)
    monkeypatch.setattr(imap, "AGAIN_SECONDS", (0.1, 0.4, 1.0))


def letter(number: int) -> bytes:
    """A message unlike all others."""
    return f"Subject: number {number}\r\n\r\n{'words ' * 20}\r\n".encode()


def point_to(server: ScriptedImap, **more: object) -> None:
    """Settings that lead to the server."""
    update: dict[str, object] = {
        "imap_host": "127.0.0.1", "imap_port": server.port, "imap_security": "none",
        "imap_username": USER, "imap_password": SecretStr(SECRET), "imap_poll_seconds": 0.3,
    }  # fmt: skip
    settings.use(settings.current().model_copy(update=update | more))


@contextmanager
def listening() -> Iterator[None]:
    """The listener of the house, in a thread; told to stop it must end within three seconds."""
    stop = threading.Event()
    current = settings.current()
    thread = threading.Thread(target=house.listen, args=(current, "test", stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(3)
    assert not thread.is_alive()


def until(ask: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def digest(raw: bytes) -> str:
    """How the inbox knows a message."""
    return hashlib.sha256(raw).hexdigest()


def kept() -> Counter[str]:
    """What was kept, by content hash."""
    with database.reading() as session:
        return Counter(session.scalars(select(Incoming.sha256)))


def wanted(letters: Sequence[bytes]) -> Counter[str]:
    """Each of them once: 0 lost, 0 twice."""
    return Counter(digest(raw) for raw in letters)


@pytest.mark.parametrize(
    "fault",
    ["bye on idle", "silent after idle", "done ignored", "silent in fetch", "silent in search",
     "cut in literal"],
)  # fmt: skip
def test_i9_after_a_fault_all_is_there_once(db: str, fault: str) -> None:
    """The fault strikes twice, with mail before, meanwhile and afterwards."""
    letters = [letter(number) for number in range(12)]
    with scripted_imap() as server:
        point_to(server)
        for raw in letters[:5]:
            server.deliver(raw)
        server.faults[fault] = 2
        with listening():
            until(lambda: server.struck >= 1)
            for raw in letters[5:9]:
                server.deliver(raw)
            until(lambda: server.struck == 2)
            for raw in letters[9:]:
                server.deliver(raw)
            until(lambda: len(kept()) == 12)
            until(lambda: server.unseen() == 0)
        assert kept() == wanted(letters)


def test_i16_five_hundred_messages_under_another_numbering(db: str) -> None:
    """All are read again and recognised: no row more, no event more, and the new one is seen."""
    letters = [letter(number) for number in range(501)]
    with scripted_imap() as server:
        point_to(server)
        for raw in letters[:500]:
            server.deliver(raw)
        with listening():
            until(lambda: sum(kept().values()) == 500, 30)
        server.number_anew()
        server.deliver(letters[500])
        with listening():
            until(lambda: len(kept()) == 501, 30)
            until(lambda: server.unseen() == 0)
    assert kept() == wanted(letters)
    with database.reading() as session:
        assert len(session.scalars(select(EventRow.id)).all()) == 501


@on_sqlite
@pytest.mark.parametrize("mute", [False, True])
def test_i8_delivered_between_search_and_idle(db: str, mute: bool) -> None:
    """It is seen at once if the server tells of it, and by the next poll if it does not."""
    with scripted_imap() as server:
        server.mute = mute
        point_to(server, imap_poll_seconds=1.0 if mute else 300.0)

        def deliver() -> None:
            server.before_idle = None
            server.deliver(letter(1))

        server.before_idle = deliver
        with listening():
            until(lambda: len(kept()) == 1, 5)
    assert kept() == wanted([letter(1)])


@on_sqlite
def test_i8_told_of_before_idle_it_is_looked_for_at_once(db: str) -> None:
    """EXISTS in the answer to another command counts, though IDLE says nothing later."""
    with scripted_imap() as server:
        server.mute = True
        point_to(server, imap_poll_seconds=300.0)

        def deliver() -> None:
            server.in_store = None
            server.deliver(letter(1))

        server.in_store = deliver
        server.deliver(letter(0))
        with listening():
            until(lambda: len(kept()) == 2, 5)
    assert kept() == wanted([letter(0), letter(1)])


@pytest.mark.parametrize("how", ["no", "missing", "cut"])
def test_i9_one_of_a_hundred_cannot_be_fetched(db: str, how: str) -> None:
    """The other 99 are kept, those behind it too; later it is tried again, and then kept."""
    letters = [letter(number) for number in range(101)]
    with scripted_imap() as server:
        point_to(server)
        for raw in letters[:100]:
            server.deliver(raw)
        server.poison[40] = how
        with listening():
            until(lambda: len(kept()) == 99, 20)
            server.deliver(letters[100])
            until(lambda: len(kept()) == 100)
            until(lambda: server.unseen() == 1)
            server.poison.clear()
            until(lambda: len(kept()) == 101)
            until(lambda: server.unseen() == 0)
    assert kept() == wanted(letters)


@on_sqlite
def test_i9_one_that_could_not_be_fetched_outlives_a_restart(db: str) -> None:
    """A second listener, whose position is behind it, finds it by its being unseen."""
    letters = [letter(number) for number in range(10)]
    with scripted_imap() as server:
        point_to(server)
        for raw in letters:
            server.deliver(raw)
        server.poison[4] = "no"
        with listening():
            until(lambda: len(kept()) == 9)
            until(lambda: server.unseen() == 1)
        server.poison.clear()
        with listening():
            until(lambda: len(kept()) == 10)
            until(lambda: server.unseen() == 0)
    assert kept() == wanted(letters)


@on_sqlite
def test_one_of_a_hundred_cannot_be_kept(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are kept, and marked; the one is neither, and is logged without its text."""
    letters = [letter(number) for number in range(100)]
    keep_many = inbox.keep_many

    def choosy(session: object, mailbox: str, validity: int, messages: Sequence[tuple[int, bytes]],
               account: str, **more: object) -> list[int]:  # fmt: skip
        if any(raw == letters[39] for _, raw in messages):
            raise ValueError("not this one")
        return keep_many(session, mailbox, validity, messages, account, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(inbox, "keep_many", choosy)
    with scripted_imap() as server:
        point_to(server)
        for raw in letters:
            server.deliver(raw)
        with listening():
            until(lambda: len(kept()) == 99)
            until(lambda: server.unseen() == 1)
            monkeypatch.setattr(inbox, "keep_many", keep_many)
            until(lambda: len(kept()) == 100)
    assert kept() == wanted(letters)


def test_i9_a_server_away_and_back(db: str) -> None:
    """What came before, and meanwhile, is there within the longest wait of its return."""
    letters = [letter(number) for number in range(6)]
    with scripted_imap() as server:
        point_to(server)
        server.deliver(letters[0])
        with listening():
            until(lambda: len(kept()) == 1)
            server.stop()
            for raw in letters[1:]:
                server.deliver(raw)
            time.sleep(1)
            server.start()
            until(lambda: len(kept()) == 6, 2)
    assert kept() == wanted(letters)


def test_i9_two_minutes_after_its_return_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest ways to be late, added: a greeting waited for in vain, and the longest rest."""
    monkeypatch.undo()
    longest = imap.LONGEST_WAIT_SECONDS * 1.25
    assert imap_talk.GREETING_SECONDS + longest < 100
    poll = settings.Settings.model_fields["imap_poll_seconds"].default
    assert poll + imap_talk.GREETING_SECONDS + imap.FIRST_WAIT_SECONDS * 1.25 < 100


@on_sqlite
def test_large_messages_come_in_pieces(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, whether or not the last piece is a full one; of the largest the beginning."""
    monkeypatch.setattr(imap, "BATCH", 1000)
    monkeypatch.setattr(imap_talk, "PIECE", 1000)
    monkeypatch.setattr(imap, "LARGEST", 6000)
    monkeypatch.setattr(imap, "BEGINNING", 1500)
    letters = [letter(n) + b"x" * (size - len(letter(n))) for n, size in enumerate((3500, 4000))]
    beyond = letter(2) + b"y" * 7000
    with scripted_imap() as server:
        point_to(server)
        for raw in (*letters, beyond):
            server.deliver(raw)
        with listening():
            until(lambda: len(kept()) == 3)
        assert server.said("UID FETCH 1 (UID BODY.PEEK[]<3000.1000>)")
        assert not server.said("UID FETCH 1 (UID BODY.PEEK[])")
    assert kept() == wanted([*letters, beyond[:1500]])


@on_sqlite
@pytest.mark.parametrize(
    ("capabilities", "moved"), [("MOVE", True), ("UIDPLUS", True), ("IDLE", False)]
)
def test_i17_moved_as_well_as_the_server_can(db: str, capabilities: str, moved: bool) -> None:
    """MOVE, or COPY and UID EXPUNGE, or a flag only; what others marked as deleted stays."""
    letters = [letter(number) for number in range(3)]
    with scripted_imap(capabilities) as server:
        point_to(server, imap_done_folder="Done here")
        for raw in letters:
            server.deliver(raw)
        server.poison[2] = "no"
        server.boxes["INBOX"].held[2].flags.add(r"\Deleted")
        with listening():
            until(lambda: len(kept()) == 2)
            until(lambda: server.unseen() == 1)
            # Marked as read, copied and marked as deleted before the last command removes them.
            until(lambda: len(server.boxes["INBOX"].held) == (1 if moved else 3))
            assert 2 in server.boxes["INBOX"].held
            done = server.boxes["Done here"].held.values() if moved else ()
            assert [one.raw for one in done] == ([letters[0], letters[2]] if moved else [])


@pytest.mark.parametrize(
    ("capabilities", "name", "marks"),
    [("IDLE SPECIAL-USE LIST-EXTENDED", "Verd&AOQ-chtig", r"\Junk"), ("IDLE", "Spam 2", r"\Junk"),
     ("IDLE", "Junk Email", "")],
)  # fmt: skip
def test_i39_what_lies_in_junk_reaches_the_coordinator(
    db: str, capabilities: str, name: str, marks: str
) -> None:
    """It is kept as stuck; moved to the inbox by somebody, it arrives, and is there only once."""
    with scripted_imap(capabilities) as server:
        server.boxes[name] = Box(marks)
        point_to(server)
        with listening():
            server.deliver(letter(1), name)
            until(lambda: len(kept()) == 1)
            assert states() == [(f"{USER}@127.0.0.1/{name}", "stuck")]
            server.deliver(letter(1))
            until(lambda: states() == [(f"{USER}@127.0.0.1/{name}", "kept")])
            until(lambda: server.unseen() == 0)
        # What lay in Junk for years is not dug out.
        day = clock.now() - dt.timedelta(days=imap.JUNK_DAYS)
        assert [line for line in server.said("UID SEARCH") if f"SINCE {day.day}-" in line]
    assert kept() == wanted([letter(1)])
    with database.reading() as session:
        told = session.scalars(select(EventRow.name).order_by(EventRow.id)).all()
    assert told == ["MailNotUnderstood", "MailArrived"]


def states() -> list[tuple[str, str]]:
    """Where each message came from and what became of it."""
    with database.reading() as session:
        return [(row.mailbox, row.state) for row in session.query(Incoming)]


@on_sqlite
def test_i39_junk_is_left_alone_where_nobody_wants_it(db: str) -> None:
    """The setting `none`; and several folders, one of which is not there."""
    with scripted_imap() as server:
        server.boxes |= {"Junk": Box(r"\Junk"), "Lists": Box()}
        point_to(server, imap_junk_folder="none", imap_folder="INBOX, Gone, Lists")
        server.deliver(letter(1), "Junk")
        server.deliver(letter(2), "Lists")
        server.deliver(letter(3))
        with listening():
            until(lambda: len(kept()) == 2)
            server.deliver(letter(4), "Lists")
            until(lambda: len(kept()) == 3)
        assert not server.said("LIST")
    assert kept() == wanted([letter(2), letter(3), letter(4)])


@on_sqlite
def test_i17_a_real_server_moves_and_has_a_junk_folder(db: str) -> None:
    """Dovecot: the folder of what is done is made at need, and Junk is found and looked into."""
    with dovecot() as server:
        update = {
            "imap_host": "127.0.0.1", "imap_port": server.port, "imap_security": "none",
            "imap_username": server.user, "imap_password": SecretStr(server.secret),
            "imap_poll_seconds": 0.3, "imap_done_folder": "Done here",
        }  # fmt: skip
        settings.use(settings.current().model_copy(update=update))
        large = letter(0) + b"long line\r\n" * 300_000
        server.deliver(large)
        for number in range(1, 60):
            server.deliver(letter(number))
        with server.client() as client:
            client.create("Junk")
            client.append("Junk", "", "", letter(99))
        with listening():
            until(lambda: len(kept()) == 61)
            until(lambda: messages_in(server, '"Done here"') == 60)
            until(lambda: messages_in(server, "INBOX") == 0)
            assert messages_in(server, "Junk") == 1
    assert kept() == wanted([large, *(letter(number) for number in [*range(1, 60), 99])])
    assert [state for _, state in states()].count("stuck") == 1


def messages_in(server: Dovecot, folder: str) -> int:
    """How many lie in a folder."""
    with server.client() as client:
        answer, found = client.select(folder, readonly=True)
        return int(found[0] or b"0") if answer == "OK" else 0


@on_sqlite
def test_o34_signing_in_by_token(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused token is fetched anew, once; the server's challenge is answered."""
    monkeypatch.setattr(Tokens, "current", lambda _self: "outworn")
    monkeypatch.setattr(Tokens, "renewed", lambda _self: TOKEN)
    with scripted_imap() as server:
        point_to(server, imap_oauth=True, imap_password=SecretStr(""))
        server.deliver(letter(1))
        with listening():
            until(lambda: len(kept()) == 1)
        assert server.logins == 2
        assert not server.said("LOGIN")


@on_sqlite
def test_i37_a_refused_token_is_not_hammered(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tries, then a minute's rest at least."""
    monkeypatch.setattr(Tokens, "current", lambda _self: "wrong")
    monkeypatch.setattr(Tokens, "renewed", lambda _self: "wrong too")
    rests: list[float] = []

    async def rest(_self: Listener, seconds: float) -> None:
        rests.append(seconds)
        raise imap_talk.Leaving

    monkeypatch.setattr(Listener, "_rest", rest)
    with scripted_imap() as server:
        point_to(server, imap_oauth=True)
        Listener(settings.current(), USER, lambda *_: None).run(threading.Event())
        assert server.logins == 2
    assert rests[0] >= 60


@on_sqlite
def test_a_backlog_is_fetched_and_kept_many_at_once(db: str) -> None:
    """450 messages: three times 200 at most are kept and marked, and 25 fetched by a command."""
    with scripted_imap() as server:
        point_to(server, imap_poll_seconds=300.0)
        for number in range(450):
            server.deliver(letter(number))
        with listening():
            until(lambda: server.unseen() == 0)
        fetches = [line for line in server.said("UID FETCH") if "BODY" in line]
        assert len(fetches) == 450 / imap_talk.BODIES
        assert len(server.said("UID STORE")) == 3


@on_sqlite
def test_i1_kept_but_not_marked_is_marked_later(db: str) -> None:
    """After a crash between the two, a restart marks it without fetching it again."""
    with scripted_imap() as server:
        point_to(server)
        server.deliver(letter(1))
        with listening():
            until(lambda: server.unseen() == 0)
        server.boxes["INBOX"].held[1].flags.clear()
        server.commands.clear()
        with listening():
            until(lambda: server.unseen() == 0)
        assert not [line for line in server.said("UID FETCH") if "BODY" in line]


def test_i30_names_of_folders_are_quoted_and_encoded() -> None:
    """Quotes, backslashes, and letters beyond ASCII (RFC 3501 §5.1.3)."""
    assert imap_talk.quoted('a"b\\c') == '"a\\"b\\\\c"'
    assert imap_talk.encoded("Entwürfe & mehr") == "Entw&APw-rfe &- mehr"
    assert imap_talk.encoded("台北") == "&U,BTFw-"
    assert imap_talk.encoded("Plain & simple") == "Plain & simple"


def test_settings_of_folders() -> None:
    """A list with commas; the folder of what is done must not be read."""
    found = settings.load(imap_folder="INBOX, Lists ,", imap_done_folder="Done")
    assert found.imap_folders() == ["INBOX", "Lists"]
    for wrong in ({"imap_folder": " , "}, {"imap_done_folder": "INBOX"}):
        with pytest.raises(SettingsError):
            settings.load(**wrong)


def test_a_server_nearby_is_asked(db: str) -> None:
    """With `imap_ask_seconds` news is found by NOOP, at once and without IDLE."""
    with scripted_imap() as server:
        point_to(server, imap_poll_seconds=300.0, imap_ask_seconds=0.02)
        with listening():
            for number in range(5):
                server.deliver(letter(number))
                count = number + 1
                until(lambda: len(kept()) == count, 2)  # noqa: B023
    assert kept() == wanted([letter(number) for number in range(5)])

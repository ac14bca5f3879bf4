"""Who wrote, found out by ourselves: from the wire through the DNS into the archive."""

import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from archive import authority
from archive.models import Post, PostState
from core import database, settings
from mailer import inbox, lmtp, names, vouching
from mailer.models import Incoming
from message import witness
from message.parse import parse
from tests.conftest import Network
from tests.message.sealed import ED25519, letter, published, signed
from tests.servers.nameserver import NameServer, nameserver
from tests.servers.scripted_imap import scripted_imap
from workers import listener, running

ANN = "ann@ashford.example"
HOME = "ashford.example"
FORGED = "Authentication-Results: mx.trusted.example; dmarc=pass header.from=ashford.example\r\n"


@pytest.fixture
def dns() -> Iterator[NameServer]:
    """A name server that we ask, with keys of one protected council and of one other domain."""
    with nameserver() as server:
        for domain in (HOME, "evil.example"):
            server.texts[f"s._domainkey.{domain}"] = [published(ED25519)]
        server.texts[f"_dmarc.{HOME}"] = [b"v=DMARC1; p=reject"]
        found = {"check_signatures": None, "name_server": server.address}
        settings.use(settings.current().model_copy(update=found))
        yield server


@pytest.fixture
def member(network: Network) -> Network:
    """A network with one member of the main list."""
    network.person("Ann", ANN, network.main)
    return network


def until(ask: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait for something; fails with what it was."""
    end = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def sealed(raw: bytes, domain: str = HOME) -> bytes:
    """The message with an Ed25519 signature."""
    return signed(raw, domain, key=ED25519)


def posts() -> list[tuple[str, str | None]]:
    """State of each post, and why it is held."""
    with database.reading() as session:
        rows = session.execute(select(Post.state, Post.held_why).order_by(Post.id))
        return [(row.state, row.held_why) for row in rows]


@contextmanager
def house() -> Iterator[int]:
    """A house that works and takes mail over LMTP; gives the port."""
    update = {"lmtp_host": "127.0.0.1", "lmtp_port": 0}
    setting = settings.use(settings.current().model_copy(update=update))
    with running.everything(setting, frozenset({"worker"})), lmtp.serving(setting) as port:
        yield port


def hand_over(port: int, raw: bytes) -> None:
    """Give a message to the house as a mail server does."""
    with smtplib.LMTP("127.0.0.1", port) as client:
        client.sendmail(ANN, ["ai-network@lists.example.org"], raw)


def arrived(member: Network, raw: bytes) -> tuple[str, str | None]:
    """What becomes of a message: the state of its post and why it is held."""
    with house() as port:
        hand_over(port, raw)
        until(lambda: len(posts()) == 1, "a post")
    (only,) = posts()
    return only


def test_signed_and_aligned_is_filed(dns: NameServer, member: Network) -> None:
    """RFC 9989 §4.4: the author's domain signed it."""
    assert arrived(member, sealed(letter())) == (PostState.FILED, None)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (letter(), "it is not signed; its domain asks that such mail be kept apart"),
        (sealed(letter()).replace(b"How?", b"Who?"),
         "its signature does not count: the text was changed; its domain asks that such mail be "
         "kept apart"),
        (sealed(letter(), "evil.example"),
         "it is signed by another domain; its domain asks that such mail be kept apart"),
        (b"From: eve@evil.example\r\n" + sealed(letter()), witness.NO_AUTHOR),
        (FORGED.encode() + letter(),
         "it is not signed; its domain asks that such mail be kept apart"),
        (letter().replace(b"To:", FORGED.encode() + b"To:"),
         "it is not signed; its domain asks that such mail be kept apart"),
    ],
    ids=["unsigned", "altered", "another domain", "two authors", "results above", "results below"],
)  # fmt: skip
def test_i3_what_does_not_prove_an_author_is_held(
    dns: NameServer, member: Network, raw: bytes, why: str
) -> None:
    """Held for a moderator, who reads why."""
    state, held_why = arrived(member, raw)
    assert state == PostState.HELD
    assert held_why in {f"{authority.NOT_PROVED}: {why}", authority.NOT_A_MEMBER}
    assert (held_why == authority.NOT_A_MEMBER) is (b"From: eve" in raw)


def test_i3_no_rule_and_no_signature_is_held_as_before(dns: NameServer, member: Network) -> None:
    """The safe rule stays; it says that the domain has no rule."""
    del dns.texts[f"_dmarc.{HOME}"]
    why = f"{authority.NOT_PROVED}: it is not signed; its domain has no rule against forgery"
    assert arrived(member, letter()) == (PostState.HELD, why)


@pytest.mark.parametrize("how", ["silent", "failing"])
def test_without_an_answer_it_is_held_and_not_lost(
    dns: NameServer, member: Network, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A name server that says nothing, or that it cannot say."""
    monkeypatch.setattr(vouching, "MESSAGE_SECONDS", 0.5)
    setattr(dns, how, True)
    why = f"{authority.NOT_PROVED}: {witness.SILENT}"
    assert arrived(member, sealed(letter())) == (PostState.HELD, why)


def test_a_batch_asks_once(dns: NameServer, db: str) -> None:
    """A hundred messages of one domain over IMAP: each name is asked for once, and no transaction.

    What is found stays with each message; what lay in Junk was not looked at.
    """
    update = {
        "imap_username": "network", "imap_password": SecretStr("made-for-tests"),
        "imap_security": "none", "imap_poll_seconds": 0.5,
    }  # fmt: skip
    letters = [sealed(letter(text=f"Number {number}\r\n")) for number in range(100)]
    with scripted_imap() as server:
        update |= {"imap_host": "127.0.0.1", "imap_port": server.port}
        setting = settings.use(settings.current().model_copy(update=update))
        for raw in letters:
            server.deliver(raw)
        stop = threading.Event()
        thread = threading.Thread(target=listener.listen, args=(setting, "us", stop), daemon=True)
        thread.start()
        until(lambda: vouched() == 100, "a hundred messages")
        stop.set()
        thread.join(20)
    assert dns.asked == {f"s._domainkey.{HOME}": 1, f"_dmarc.{HOME}": 1, "_dmarc.example": 1}


def vouched() -> int:
    """How many messages their author's domain vouches for."""
    with database.reading() as session:
        found = select(func.count()).where(Incoming.vouched == HOME, Incoming.doubt.is_(None))
        return session.scalar(found) or 0


def test_a_trusted_server_knows_more(dns: NameServer) -> None:
    """Where it has looked we do not; where it said nothing we do, if a setting says so."""
    update = {"trusted_authserv_ids": ["mx.trusted.example"]}
    settings.use(settings.current().model_copy(update=update))
    assert vouching.look_at(letter()) is None
    assert not dns.asked
    settings.use(settings.current().model_copy(update={"check_signatures": True}))
    assert vouching.look_at(FORGED.encode() + sealed(letter())) is None
    assert not dns.asked
    found = vouching.look_at(sealed(letter()))
    assert found is not None
    assert found.vouched == HOME


def test_a_domain_vouches_for_its_own_author_only(dns: NameServer, db: str) -> None:
    """What was found is held against From as it is read later."""
    with database.transaction() as session:
        number = inbox.keep(session, "box", 1, 1, letter(), witness.Finding(HOME, None))
        row = session.get_one(Incoming, number)
        assert vouching.vouched_for(row, parse(letter()))
        assert not vouching.vouched_for(row, parse(letter("eve@evil.example")))


def test_what_was_taken_out_of_junk_is_looked_at_then(db: str) -> None:
    """The finding comes with the move."""
    found = {2: witness.Finding(HOME, None)}
    with database.transaction() as session:
        assert inbox.keep_many(session, "me/Junk", 1, [(1, letter())], "me", junk=True)
        inbox.keep_many(session, "me/INBOX", 1, [(2, letter())], "me", findings=found)
        (row,) = session.scalars(select(Incoming))
        assert (row.vouched, row.state) == (HOME, "kept")


def test_names_are_remembered_for_a_while(dns: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the answer says, and silence only shortly; odd names are nobody's."""
    now = [1000.0]
    monkeypatch.setattr("mailer.names.time.monotonic", lambda: now[0])
    asking = names.Names(dns.address)
    name = f"_dmarc.{HOME}"
    for _ in range(3):
        assert asking.texts(name, now[0] + 5) == (b"v=DMARC1; p=reject",)
    assert asking.texts("no.such.name", now[0] + 5) is None
    assert asking.texts(f"_domainkey.{HOME}", now[0] + 5) == ()
    assert asking.texts("a..b", now[0] + 5) is None
    assert dns.asked[name] == 1
    now[0] += 301
    asking.texts(name, now[0] + 5)
    assert dns.asked[name] == 2


def test_silence_is_waited_for_once(dns: NameServer) -> None:
    """While the name server is away, mail of a hundred domains does not wait for each of them."""
    dns.silent = True
    raws = {number: letter(f"ann@council-{number}.example") for number in range(100)}
    began = time.monotonic()
    for start in range(0, 100, 20):
        some = {number: raws[number] for number in range(start, start + 20)}
        found = vouching.look_at_all(some)
        assert {one.doubt for one in found.values()} == {witness.SILENT}
    assert time.monotonic() - began < vouching.MESSAGE_SECONDS + 1


def test_one_domain_without_an_answer_is_no_trouble_for_others(
    dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own name servers are away; ours is not."""
    monkeypatch.setattr(vouching, "MESSAGE_SECONDS", 0.5)
    dns.unanswered.add("_dmarc.gone.example")
    raws = {1: letter("eve@gone.example"), 2: sealed(letter())}
    found = {number: vouching.look_at(raw) for number, raw in raws.items()}
    assert found[1] == witness.Finding(None, witness.SILENT)
    assert found[2] == witness.Finding(HOME, None)


def test_a_key_of_several_strings(dns: NameServer) -> None:
    """RFC 6376 §3.6.2.2: a text longer than 255 octets is one text."""
    dns.texts["long.example"] = [b"x" * 700]
    found = names.Names(dns.address).texts("long.example", time.monotonic() + 5)
    assert found == (b"x" * 700,)

"""A working house for journeys, once embedded and once as in production.

Embedded: SQLite, the broker inside the process, and the built-in post office (pymap and aiosmtpd).
Production: PostgreSQL, Redis and Dovecot, with an SMTP server over a socket. The same parts of
ours run in both, as threads of the test: worker, schedule, listener and web.
"""

import http.client
import re
import shutil
import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import pytest
from pydantic import SecretStr

from core import addresses, database, settings
from folkmoot.post_office import post_office
from message.address import Mailbox
from message.parse import Message, parse
from tests.conftest import Network
from tests.servers.postgresql import PostgreSQL
from tests.servers.process import free_port
from tests.servers.redis import redis
from tests.servers.web import web_server
from workers import running

T = TypeVar("T")
PATIENCE = 20.0


def until(ask: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Ask again and again until the answer is true; fails saying what did not happen."""
    end = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


@dataclass(frozen=True)
class Page:
    """What the web answered."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass
class House:
    """A running house, seen from outside: mail that arrives, mail to write, pages to open."""

    kind: str
    network: Network
    web_port: int
    letters_of: Callable[[str], list[bytes]]
    post: Callable[[bytes, str, str], None]
    cookies: dict[str, str] = field(default_factory=dict)

    def letters(self, address: str, kind: str, count: int = 1) -> list[Message]:
        """Wait until a person got that many letters whose subject matches; oldest first."""

        def found() -> list[Message]:
            parsed = [parse(raw) for raw in self.letters_of(address)]
            fitting = [one for one in parsed if re.search(kind, one.subject)]
            return fitting if len(fitting) >= count else []

        return until(found, f"{count} letter(s) about {kind!r} to {address}")

    def write(self, message: EmailMessage, to: str | None = None) -> None:
        """Have a person send a message; it goes the way all mail goes, through SMTP."""
        sender = str(message["From"]).rpartition("<")[2].rstrip(">")
        recipient = to or str(message["To"]).rpartition("<")[2].rstrip(">")
        raw = message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        self.post(raw, sender, recipient)

    def page(self, address: str, data: dict[str, str] | None = None, method: str = "") -> Page:
        """Open a page, or send a form to it, as a browser does (without following)."""
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=30)
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if data is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": settings.current().base_url,
                "Sec-Fetch-Site": "same-origin",
            }
        body = urlencode(data) if data is not None else None
        connection.request(method or ("POST" if data is not None else "GET"), path, body, headers)
        response = connection.getresponse()
        text = response.read().decode()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        connection.close()
        return Page(response.status, text, dict(response.getheaders()))

    def sign_in(self, address: str) -> None:
        """Sign a person in by the mailed link."""
        before = len(self.letters_of(address))
        self.page("/sign-in", {"email": address})
        until(lambda: len(self.letters_of(address)) > before, "a sign-in link")
        link = link_in(self.letters(address, "(?i)sign in")[-1], "/sign-in/")
        self.page(link)
        assert self.page(link, {}).status in (200, 302, 303)


def link_in(message: Message, path: str) -> str:
    """The first link of the plain text that leads to a path of ours."""
    found = re.search(rf"https?://[^\s<>]*{re.escape(path)}[^\s<>)]*", message.text)
    assert found is not None, f"no link to {path} in: {message.text}"
    return found.group()


def _post_by_smtp(port: int) -> Callable[[bytes, str, str], None]:
    def post(raw: bytes, sender: str, recipient: str) -> None:
        with smtplib.SMTP("127.0.0.1", port) as server:
            server.sendmail(sender, [recipient], raw)

    return post


def _embedded(stack: ExitStack, tmp_path: Path, request: pytest.FixtureRequest) -> House:
    database_file = tmp_path / "house.db"
    shutil.copy(request.getfixturevalue("sqlite_pattern"), database_file)
    web_port = free_port()
    house_settings = settings.use(
        settings.current().model_copy(
            update={
                "database_url": f"sqlite:///{database_file}",
                "base_url": f"http://127.0.0.1:{web_port}",
                "smtp_host": "127.0.0.1", "smtp_port": free_port(),
                "imap_host": "127.0.0.1", "imap_port": free_port(), "imap_security": "none",
                "imap_username": "network", "imap_poll_seconds": 2.0, "post_office": True,
            }
        )
    )  # fmt: skip
    database.connect(house_settings.database_address())
    stack.callback(lambda: database.engine().dispose())
    network = Network()
    stack.enter_context(post_office(house_settings))
    caught = house_settings.data / "post-office"

    def letters_of(address: str) -> list[bytes]:
        found = [path.read_bytes() for path in sorted(caught.glob("*.eml"))]
        marked = f"X-Post-Office-Rcpt: {address}".lower().encode()
        return [raw for raw in found if marked in raw[:600].lower()]

    return House("embedded", network, web_port, letters_of, _post_by_smtp(house_settings.smtp_port))


def _production(stack: ExitStack, tmp_path: Path, request: pytest.FixtureRequest) -> House:
    from tests.servers.dovecot import dovecot
    from tests.servers.smtp import smtp_server

    postgresql: PostgreSQL = request.getfixturevalue("postgresql_server")
    name = postgresql.create(getattr(postgresql, "pattern"))  # noqa: B009
    mailbox = stack.enter_context(dovecot())
    bell = stack.enter_context(redis(tmp_path / "redis"))
    web_port = free_port()
    domain = settings.current().domain

    def route(sender: str, recipient: str, raw: bytes) -> bool:
        """What is for the network goes into its mailbox, as the organisation's server does it."""
        if not recipient.lower().endswith(f"@{domain}"):
            return False
        home = sender.rpartition("@")[2]
        lines = (
            f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n"
            f"Authentication-Results: mx.{domain}; dmarc=pass header.from={home}\r\n"
        ).encode()
        mailbox.deliver(lines + raw)
        return True

    sink = stack.enter_context(smtp_server(route=route))
    house_settings = settings.use(
        settings.current().model_copy(
            update={
                "database_url": postgresql.address(name), "redis_url": bell.url,
                "base_url": f"http://127.0.0.1:{web_port}",
                "smtp_host": "127.0.0.1", "smtp_port": sink.port,
                "imap_host": "127.0.0.1", "imap_port": mailbox.port, "imap_security": "none",
                "imap_username": mailbox.user, "imap_password": SecretStr(mailbox.secret),
                "imap_poll_seconds": 2.0, "trusted_authserv_ids": [f"mx.{domain}"],
            }
        )
    )  # fmt: skip
    database.connect(house_settings.database_address())
    stack.callback(lambda: postgresql.drop(name))
    stack.callback(lambda: database.engine().dispose())
    network = Network()

    def letters_of(address: str) -> list[bytes]:
        # RFC 5321 §4.4: the server that delivers notes the envelope's sender on top.
        return [
            f"Return-Path: <{one.sender}>\r\n".encode() + one.data
            for one in sink.received()
            if one.recipient.lower() == address.lower()
        ]

    return House("production", network, web_port, letters_of, _post_by_smtp(sink.port))


@pytest.fixture(params=["embedded", "production"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A working house with a coordinator, two members of the main list and no mail yet."""
    with ExitStack() as stack:
        build = _embedded if request.param == "embedded" else _production
        built = build(stack, tmp_path, request)
        stack.enter_context(running.everything(settings.current()))
        stack.enter_context(web_server(built.web_port))
        yield built


def mailbox(name: str, address: str) -> Mailbox:
    """A person's mailbox."""
    return Mailbox(name, address)


def list_address(name: str = "ai-network", suffix: str = "") -> str:
    """The address of a list of the network under test."""
    return addresses.of(name, suffix)

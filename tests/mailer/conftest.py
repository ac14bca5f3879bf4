"""Fixtures of the post room: mailings in the ledger, and the mail server that they go to."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator

import pytest

from core import clock, database, settings
from mailer import ledger
from mailer.models import Delivery, Mailing
from message.address import Mailbox
from message.compose import Draft
from message.headers import Value
from message.mould import build, marker
from subscribers.audience import Excluded, Recipient, named
from tests.conftest import Network
from tests.servers.smtp import SmtpSink, smtp_server

Planned = Callable[..., int]
_numbers = itertools.count(1)


def a_mould() -> bytes:
    """A small newsletter with slots in header, text and HTML."""
    headers: list[tuple[str, Value]] = [
        ("From", [Mailbox("AI Network", "ai-network@lists.example.org")]),
        ("To", marker("address")),
        ("Reply-To", marker("reply_address:0")),
        ("Subject", "March news"),
        ("Date", "Tue, 02 Feb 2027 09:30:00 +0000"),
        ("Message-ID", "<news@lists.example.org>"),
        ("List-Unsubscribe", f"<{marker('leave_url')}>, <mailto:{marker('leave_address')}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
    text = f"Dear {marker('name')},\n\n.all is well.\n\nLeave: {marker('leave_url')}\n"
    return build(Draft(headers, text, html=f"<p>Dear {marker('name')}</p>")).to_bytes()


def people_of(network: Network, count: int, list_id: int) -> list[Recipient]:
    """So many new members of a list."""
    found = []
    for number in itertools.islice(_numbers, count):
        name, address = f"Officer {number}", f"officer{number}@ashford.example"
        person = network.person(name, address, list_id)
        found.append(Recipient(person, address, name, "Ashford Council"))
    return found


@pytest.fixture
def planned(network: Network) -> Planned:
    """Plans a mailing to a list of so many new members; gives its id."""

    def plan(
        count: int = 3, *, excluded: list[Excluded] | None = None, priority: int = 5,
        bulk: bool = True, not_before: dt.datetime | None = None,
        pointless_after: dt.datetime | None = None, recipients: list[Recipient] | None = None,
    ) -> int:  # fmt: skip
        to = people_of(network, count, network.main) if recipients is None else recipients
        with database.transaction() as session:
            mailing = ledger.draft(
                session, "newsletter", list_id=network.main, about=None, bulk=bulk,
                priority=priority, not_before=not_before, pointless_after=pointless_after,
            )  # fmt: skip
            ledger.plan(session, mailing, a_mould(), named(to, excluded or ()))
            return mailing.id

    return plan


def totals(mailing: int) -> ledger.Totals:
    """The totals of a mailing, which always add up."""
    with database.reading() as session:
        found = ledger.totals(session, mailing)
    assert found.balanced, found
    return found


def rows(mailing: int) -> list[Delivery]:
    """The copies of a mailing, in order."""
    with database.reading() as session:
        found = session.query(Delivery).filter_by(mailing_id=mailing).order_by(Delivery.id)
        return list(found)


def state_of(mailing: int) -> str:
    """Where a mailing stands."""
    with database.reading() as session:
        return session.get_one(Mailing, mailing).state


def later(**by: float) -> None:
    """Move the clock on."""
    clock.turn(dt.timedelta(**by))


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A mail server, and settings that lead to it."""
    with smtp_server() as server:
        to_sink(server)
        yield server


def to_sink(server: SmtpSink, **more: object) -> None:
    """Make a mail server the one of the settings."""
    update = {"smtp_host": "127.0.0.1", "smtp_port": server.port} | more
    settings.use(settings.current().model_copy(update=update))

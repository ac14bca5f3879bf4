"""Several routes with weights and fallback, budgets of routes and of recipient domains."""

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from core import clock, database, settings
from core.settings import Settings
from mailer import delivery, ledger, smtp
from mailer.models import Delivery, MessageAlias
from mailer.smtp import Connections
from tests.mailer.conftest import Planned, rows, totals
from tests.servers.process import free_port
from tests.servers.smtp import SmtpSink, smtp_server


@pytest.fixture
def two() -> Iterator[tuple[SmtpSink, SmtpSink]]:
    """Two mail servers."""
    with ExitStack() as stack:
        yield stack.enter_context(smtp_server()), stack.enter_context(smtp_server())


def use_routes(*routes: dict[str, object], **more: object) -> Settings:
    """Make these the routes of the settings, as `folkmoot.toml` would."""
    given = [{"host": "127.0.0.1", "security": "none", **route} for route in routes]
    now = settings.current()
    return settings.use(
        settings.load(
            data=now.data, domain=now.domain, base_url=now.base_url, routes=given,
            secret_key=now.secret_key.get_secret_value(), **more,
        )
    )  # fmt: skip


def deliver() -> int:
    """Send what is due; how many outcomes there were."""
    connections = Connections(settings.current())
    try:
        return delivery.deliver("w", connections, lambda: False)
    finally:
        connections.close()


def test_shares_follow_the_weights(planned: Planned, two: tuple[SmtpSink, SmtpSink]) -> None:
    """Twice the weight, twice the copies; nobody gets two."""
    use_routes(
        {"name": "big", "port": two[0].port, "weight": 2},
        {"name": "small", "port": two[1].port, "weight": 1},
    )
    mailing = planned(60)
    deliver()
    big, small = (len(sink.received()) for sink in two)
    assert big + small == totals(mailing).accepted == 60
    assert 1.5 < big / small < 2.7
    assert set(Counter(one.recipient for sink in two for one in sink.received()).values()) == {1}


def test_a_route_that_is_away_is_replaced(planned: Planned, two: tuple[SmtpSink, SmtpSink]) -> None:
    """All copies go by the other one, at once, and none is counted as a try."""
    use_routes(
        {"name": "dead", "port": free_port(), "weight": 5},
        {"name": "alive", "port": two[0].port, "weight": 1},
    )
    mailing = planned(20)
    deliver()
    assert totals(mailing) == ledger.Totals(planned=20, accepted=20)
    assert {row.attempts for row in rows(mailing)} == {1}


def test_the_fallback_is_for_need_only(planned: Planned, two: tuple[SmtpSink, SmtpSink]) -> None:
    """A route of weight 0 carries nothing while another can."""
    port = free_port()
    use_routes(
        {"name": "main", "port": port, "weight": 1},
        {"name": "reserve", "port": two[1].port, "weight": 0},
    )
    with smtp_server(port=port) as main:
        planned(10)
        deliver()
        assert (len(main.received()), len(two[1].received())) == (10, 0)
    planned(10)
    deliver()
    assert len(two[1].received()) == 10


def test_bulk_mail_keeps_off_a_route_that_is_not_for_it(
    planned: Planned, two: tuple[SmtpSink, SmtpSink]
) -> None:
    """Newsletters go by one route, service mail by both."""
    use_routes(
        {"name": "service", "port": two[0].port, "weight": 9, "bulk": False},
        {"name": "bulk", "port": two[1].port, "weight": 1},
    )
    planned(10)
    deliver()
    assert (len(two[0].received()), len(two[1].received())) == (0, 10)
    planned(10, bulk=False)
    deliver()
    assert len(two[0].received()) >= 8


def test_o35_a_route_keeps_to_its_limit(
    planned: Planned, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most 30 in any minute, over many runs and restarts; all arrive in the end."""
    monkeypatch.setattr(smtp, "LONGEST_PAUSE_SECONDS", 0.0)
    use_routes({"name": "exchange", "port": sink.port, "limit": "30/min"})
    mailing = planned(75)
    taken: list[tuple[dt.datetime, int]] = []
    with clock.turned(clock.now()):
        for _ in range(200):
            before = len(sink.received())
            deliver()
            taken.append((clock.now(), len(sink.received()) - before))
            if totals(mailing).accepted == 75:
                break
            clock.turn(dt.timedelta(seconds=6))
        assert totals(mailing).accepted == 75
    minute = dt.timedelta(seconds=60)
    for start, _ in taken:
        assert sum(n for at, n in taken if start <= at < start + minute) <= 30
    assert taken[-1][0] - taken[0][0] > dt.timedelta(seconds=80)


def test_the_next_copy_is_waited_for(planned: Planned, sink: SmtpSink) -> None:
    """With a short wait the connection is kept, and one run sends all."""
    use_routes({"name": "slow", "port": sink.port, "limit": "20/s"})
    planned(12)
    start = time.monotonic()
    deliver()
    assert len(sink.received()) == 12
    assert time.monotonic() - start > 0.25
    assert sink.connections <= 4


def test_a_domain_keeps_to_its_limit_and_stops_nobody_else(
    planned: Planned, sink: SmtpSink
) -> None:
    """Copies beyond the budget of their domain get a time of their own; the others go."""
    use_routes({"name": "main", "port": sink.port}, domain_limits={"ashford.example": "10/min"})
    mailing = planned(20)
    with database.transaction() as session:
        for row in session.query(Delivery).filter(Delivery.id % 2 == 0):
            row.address = f"other{row.id}@bexhill.example"
    deliver()
    got = Counter(one.recipient.partition("@")[2] for one in sink.received())
    assert got["bexhill.example"] == 10
    assert 1 <= got["ashford.example"] < 10
    waiting = [row for row in rows(mailing) if row.settled_at is None]
    assert len({row.next_try for row in waiting}) == len(waiting)
    assert {row.attempts for row in waiting} == {0}
    with clock.turned(clock.now()):
        for _ in range(40):
            clock.turn(dt.timedelta(seconds=10))
            deliver()
    assert totals(mailing).accepted == 20


def test_o15_ids_told_by_the_relay_are_kept(planned: Planned, sink: SmtpSink) -> None:
    """What the answer to a message says of its Message-ID is kept beside the mailing."""
    sink.faults.dot = ["250 2.6.0 <AM0PR.rewritten@x.example> queued"]
    mailing = planned(3)
    deliver()
    with database.reading() as session:
        (alias,) = session.query(MessageAlias).all()
        assert (alias.message_id, alias.mailing_id) == ("AM0PR.rewritten@x.example", mailing)


def test_a_copy_in_doubt_is_left_where_that_is_the_policy(planned: Planned, sink: SmtpSink) -> None:
    """`after_doubt = "leave"`: nobody gets two, one may get none, and the ledger says who."""
    settings.use(settings.current().model_copy(update={"after_doubt": "leave"}))
    sink.faults.drop_after_dot = 1
    mailing = planned(5)
    deliver()
    with clock.turned(clock.now() + dt.timedelta(hours=5)):
        with database.transaction() as session:
            assert delivery.reclaim(session) == 0
        deliver()
    assert totals(mailing) == ledger.Totals(planned=5, accepted=4, in_doubt=1)
    assert len(sink.received()) == 5

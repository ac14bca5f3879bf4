"""Urgent mail on the wire: a link to sign in overtakes a newsletter that is going out."""

import threading
import time
from collections.abc import Callable

from core import clock, database, settings
from core.events import SignInRequested
from mailer import delivery
from mailer.smtp import Connections
from subscribers.models import SignIn
from tests.conftest import Network
from tests.mailings.conftest import react
from tests.mailings.test_planning import crowd, newsletter, plan
from tests.servers.smtp import smtp_server


def test_a_sign_in_overtakes_a_newsletter_on_the_wire(network: Network) -> None:
    """With four connections busy, the link arrives before the next few copies of thousands."""
    crowd(network.main, 3000)
    plan(newsletter(network))
    with smtp_server(delay=0.002) as sink:
        use = {"smtp_host": "127.0.0.1", "smtp_port": sink.port, "smtp_connections": 4}
        settings.use(settings.current().model_copy(update=use))
        stop = threading.Event()
        connections = Connections(settings.current())
        worker = threading.Thread(
            target=delivery.deliver, args=("w", connections, stop.is_set), daemon=True
        )
        worker.start()
        try:
            wait_for(lambda: len(sink.received()) >= 40)
            with database.transaction() as session:
                asked = SignIn(
                    person_id=network.coordinator, browser="x" * 64, asked_at=clock.now()
                )
                session.add(asked)
                session.flush()
                number = asked.id
            react("sign_in", SignInRequested(number), times=1)
            before = len(sink.received())
            wait_for(lambda: any("carol@" in one.recipient for one in sink.received()))
        finally:
            stop.set()
            worker.join(30)
            connections.close()
        place = [one.recipient for one in sink.received()].index("carol@host.example")
    # What was claimed already goes first: a copy or two a connection.
    assert place - before <= 16


def wait_for(what: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)

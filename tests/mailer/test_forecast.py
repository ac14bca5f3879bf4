"""When a mailing will be out, told honestly."""

import datetime as dt

from core import clock, database, settings
from mailer import forecast
from mailer.models import Mailing
from tests.mailer.conftest import Planned, rows
from tests.mailer.test_dispatch import deliver, use_routes
from tests.servers.smtp import SmtpSink


def told(mailing: int) -> dt.timedelta | None:
    """How long from now."""
    with database.reading() as session:
        found = forecast.done_by(session, session.get_one(Mailing, mailing))
    return found - clock.now() if found is not None else None


def test_nothing_is_told_that_nobody_knows(planned: Planned) -> None:
    """Before the first copy has gone and without a limit there is no telling."""
    assert told(planned(5)) is None


def test_a_limit_tells(planned: Planned, sink: SmtpSink) -> None:
    """600 copies at 30 a minute take some 20 minutes; and with another domain's limit, longer."""
    use_routes({"name": "exchange", "port": sink.port, "limit": "30/min"})
    mailing = planned(600)
    minutes = dt.timedelta(minutes=1)
    first = told(mailing)
    assert first is not None
    assert 18 * minutes < first < 23 * minutes
    use_routes(
        {"name": "exchange", "port": sink.port, "limit": "30/min"},
        domain_limits={"ashford.example": "10/min"},
    )
    second = told(mailing)
    assert second is not None
    assert 55 * minutes < second < 70 * minutes


def test_the_speed_of_the_last_minute_and_what_is_put_off_tell(
    planned: Planned, sink: SmtpSink
) -> None:
    """A greylisted copy makes it as late as its next try; when all is out, nothing is told."""
    mailing = planned(6)
    sink.faults.recipients = {rows(mailing)[2].address: "451 4.7.1 greylisted"}
    deliver()
    found = told(mailing)
    assert found is not None
    assert dt.timedelta(minutes=4) < found <= dt.timedelta(minutes=5)
    sink.faults.recipients = {}
    with clock.turned(clock.now() + dt.timedelta(minutes=6)):
        deliver()
        assert told(mailing) is None


def test_nothing_is_told_while_sending_is_off(planned: Planned, sink: SmtpSink) -> None:
    """The brake holds everything back for as long as it is on."""
    use_routes({"name": "exchange", "port": sink.port, "limit": "30/min"})
    mailing = planned(5)
    settings.use(settings.current().model_copy(update={"sending": False}))
    assert told(mailing) is None

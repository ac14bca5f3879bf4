"""Delivery: from the ledger to the wire and back, also when the worker is killed on the way."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import dkim
import pytest
from sqlalchemy.exc import OperationalError

from core import clock, database, settings, tokens
from core.tokens import Purpose
from mailer import claims, copies, delivery, ledger, settling, silence
from mailer.models import Delivery, Mailing, MailingState, State
from mailer.smtp import Connections
from message import dkim as our_dkim
from message.mould import marker
from message.parse import parse
from subscribers import leaving
from tests.conftest import Network
from tests.mailer.conftest import Planned, rows, state_of, to_sink, totals
from tests.servers.process import free_port
from tests.servers.smtp import SmtpSink, smtp_server

ROOT = Path(__file__).parent.parent.parent


def deliver(worker: str = "w") -> int:
    """One run of a worker of this process."""
    connections = Connections(settings.current())
    try:
        return delivery.deliver(worker, connections, lambda: False)
    finally:
        connections.close()


def due() -> bool:
    """Whether there is anything to send."""
    with database.reading() as session:
        return delivery.anything_due(session)


def test_a_mailing_goes_out_once_to_each(planned: Planned, sink: SmtpSink) -> None:
    """Every member gets their own copy; the totals add up, and nothing is left to do."""
    mailing = planned(25)
    assert due()
    assert deliver() == 25
    assert totals(mailing) == ledger.Totals(planned=25, accepted=25)
    assert state_of(mailing) == MailingState.FINISHED
    assert not due()
    assert deliver() == 0
    got = sink.received()
    assert sorted(one.recipient for one in got) == sorted(row.address for row in rows(mailing))
    parsed = [parse(one.data) for one in got]
    assert len({one.get("List-Unsubscribe") for one in parsed}) == 25
    assert len({one.message_id for one in parsed}) == 1
    assert len({one.sender for one in got}) == 25
    assert all("Dear Officer" in one.text for one in parsed)


def test_o2_each_copy_is_signed_with_both_leave_fields(planned: Planned, sink: SmtpSink) -> None:
    """An independent verifier accepts every copy; both fields are in h=."""
    planned(2)
    deliver()
    record = our_dkim.dns_record((settings.current().data / "dkim.pem").read_bytes()).encode()
    for one in sink.received():
        assert dkim.verify(one.data, dnsfunc=lambda _name, timeout=5: record)
        signed = (parse(one.data).get("DKIM-Signature") or "").partition("h=")[2].partition(";")[0]
        names = {name.strip() for name in signed.split(":")}
        assert {"list-unsubscribe", "list-unsubscribe-post"} <= names


def test_a_retry_is_the_same_bytes(planned: Planned, sink: SmtpSink) -> None:
    """Tokens are dated on the day of planning, so a copy made a week later is the same."""
    mailing = planned(1)
    (row,) = rows(mailing)
    with database.reading() as session:
        found = session.get_one(Mailing, mailing)
        first = copies.Press(found, "ai-network").copy(row)
        with clock.turned(clock.now() + dt.timedelta(days=7)):
            assert copies.Press(found, "ai-network").copy(row) == first
    deliver()
    assert sink.received()[0].data == first.data
    assert sink.received()[0].sender == first.mail_from


def test_o13_the_envelope_sender_names_the_copy(planned: Planned, sink: SmtpSink) -> None:
    """A token of at most 64 octets with the list's name, that survives lower-casing."""
    mailing = planned(1)
    deliver()
    local, _, domain = sink.received()[0].sender.partition("@")
    name, _, token = local.partition("+")
    assert (name, domain) == ("ai-network", "lists.example.org")
    assert len(local) <= 64
    assert local == local.lower()
    assert tokens.read(token.upper(), Purpose.BOUNCE).ids == (rows(mailing)[0].id,)


def test_every_slot_has_its_value(planned: Planned, network: Network) -> None:
    """Links and reply addresses follow from the ids; what the kind gave stands in the row."""
    mailing = planned(1)
    (row,) = rows(mailing)
    row.slots = '{"name": "Jo", "own": "words"}'
    with database.reading() as session:
        found = session.get_one(Mailing, mailing)
        names = frozenset({
            "name", "own", "address", "leave_url", "leave_address", "reply_address:3", "rsvp_url",
            "organizer", "bounce_address", "unknown",
        })  # fmt: skip
        values = copies.values_of(found, row, "ai-network", names)
    assert set(values) == names - {"unknown"}
    token = values["reply_address:3"].partition("+")[2].partition("@")[0]
    assert tokens.read(token, Purpose.REPLY).ids == (row.id, 3)
    leave = values["leave_url"].rpartition("/")[2]
    assert values["leave_address"] == f"ai-network+{leave}@lists.example.org"
    assert tokens.read(leave, Purpose.LEAVE).ids == (row.person_id, network.main)
    assert marker("x").isalnum()


def test_a_copy_that_cannot_be_made_stops_nobody(planned: Planned, sink: SmtpSink) -> None:
    """Its row says so; all others go out."""
    mailing = planned(9)
    with database.transaction() as session:
        bad = session.get_one(Delivery, rows(mailing)[3].id)
        bad.slots = "["
    deliver()
    assert totals(mailing) == ledger.Totals(planned=9, accepted=8, refused=1)
    assert rows(mailing)[3].reason == "cannot be made"


def test_a_relay_that_is_away_holds_everything(planned: Planned) -> None:
    """No hammering: after a failed connection nothing is due for a while, then all goes out."""
    mailing = planned(6)
    port = free_port()
    to_sink(SmtpSink(0, None, True), smtp_port=port)
    deliver()
    assert totals(mailing).pending == 6
    assert not due()
    with clock.turned(clock.now() + dt.timedelta(seconds=21)), smtp_server(port=port) as sink:
        assert due()
        deliver()
        assert len(sink.received()) == 6
    assert all(row.attempts == 1 for row in rows(mailing))


def test_o12_greylisting_is_waited_out(planned: Planned, sink: SmtpSink) -> None:
    """One greylisted recipient among many comes later, the others at once."""
    mailing = planned(10)
    grey = rows(mailing)[2].address
    sink.faults.recipients = {grey: "451 4.7.1 greylisted"}
    deliver()
    assert totals(mailing) == ledger.Totals(planned=10, accepted=9, pending=1)
    assert state_of(mailing) == MailingState.SENDING
    sink.faults.recipients = {}
    with clock.turned(clock.now() + dt.timedelta(minutes=6)):
        deliver()
    assert totals(mailing).accepted == 10


def test_o9_leaving_while_a_mailing_goes_out(
    planned: Planned, network: Network, sink: SmtpSink
) -> None:  # fmt: skip
    """Whoever leaves while a slow mailing goes out and is not served yet, gets none."""
    sink.delay = 0.03
    mailing = planned(30)
    last = rows(mailing)[-1]
    assert last.person_id is not None
    thread = threading.Thread(target=deliver)
    thread.start()
    with database.transaction() as session:
        leaving.leave(session, last.person_id, network.main, "one-click")
    thread.join()
    assert totals(mailing) == ledger.Totals(planned=30, accepted=29, excluded=1)
    assert last.address not in {one.recipient for one in sink.received()}


def test_a_worker_asked_to_stop_finishes_what_it_has(planned: Planned, sink: SmtpSink) -> None:
    """What is on the wire gets its outcome, nothing more is claimed."""
    sink.delay = 0.02
    mailing = planned(40)
    connections = Connections(settings.current())
    delivery.deliver("w", connections, lambda: len(sink.received()) >= 10)
    connections.close()
    found = totals(mailing)
    assert 10 <= found.accepted < 20
    assert found.accepted + found.pending == 40
    assert not [row for row in rows(mailing) if row.state == State.ATTEMPTING]


def test_a_connection_lost_after_the_dot_is_repeated_and_marked(
    planned: Planned, sink: SmtpSink
) -> None:  # fmt: skip
    """O5: the same bytes go out again; the ledger shows which copies may have come twice."""
    mailing = planned(5)
    sink.faults.drop_after_dot = 1
    deliver()
    assert totals(mailing).in_doubt == 1
    with clock.turned(clock.now() + dt.timedelta(minutes=6)):
        with database.transaction() as session:
            assert delivery.reclaim(session) == 1
        deliver()
    assert totals(mailing) == ledger.Totals(planned=5, accepted=5)
    twice = [a for a, n in Counter(one.recipient for one in sink.received()).items() if n == 2]
    assert twice == [row.address for row in rows(mailing) if row.reason == ledger.REPEATED]
    assert len({one.data for one in sink.received() if one.recipient in twice}) == 1


def test_a_database_that_is_away_for_a_moment_loses_no_outcome(
    planned: Planned, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outcome that cannot be written at once is written when the database is back."""
    mailing = planned(6)
    settle, failures = settling.settle, [3]

    def failing(*args: object, **more: object) -> None:
        if failures[0]:
            failures[0] -= 1
            raise OperationalError("settle", {}, Exception("away"))
        settle(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(settling, "settle", failing)
    monkeypatch.setattr(delivery, "WAITS", (0.01, 0.01, 0.01))
    deliver()
    assert totals(mailing) == ledger.Totals(planned=6, accepted=6)
    assert len(sink.received()) == 6


def test_what_a_worker_left_under_its_own_name_is_taken_up(
    planned: Planned, sink: SmtpSink
) -> None:  # fmt: skip
    """If a run ends with an exception, the next one of the same worker sees to its copies."""
    mailing = planned(2)
    with database.transaction() as session:
        silence.beat(session, "w")
        claims.claim(session, "w", 1)
    deliver("w")
    assert totals(mailing).accepted == 2
    assert [row.reason for row in rows(mailing)] == [ledger.REPEATED, None]


# --- killed -----------------------------------------------------------------------------------

WORKER = """
import datetime as dt, os, sys
from core import database, settings
from mailer import delivery
from mailer.smtp import Connections
settings.use(settings.load(**{settings!r}))
database.connect({address!r})
delivery.SILENT = dt.timedelta(seconds=1)
delivery.BEAT_SECONDS = 0.2
import time
while True:
    with database.transaction() as session:
        delivery.reclaim(session)
    connections = Connections(settings.current())
    delivery.deliver(f"worker-{{os.getpid()}}", connections, lambda: False)
    connections.close()
    time.sleep(0.05)
"""


def worker() -> subprocess.Popen[bytes]:
    """A worker in a process of its own."""
    now = settings.current()
    given = {
        "data": str(now.data), "domain": now.domain, "smtp_host": now.smtp_host,
        "smtp_port": now.smtp_port, "smtp_security": "none", "base_url": now.base_url,
        "secret_key": now.secret_key.get_secret_value(),
    }  # fmt: skip
    address = database.engine().url.render_as_string(hide_password=False)
    code = WORKER.format(settings=given, address=address)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=env)


def test_o5_a_killed_worker_loses_nothing_and_doubles_only_what_was_in_doubt(
    planned: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    """kill -9 five times in 300 copies: all arrive; who got two is marked, and it is the same
    message; at most one copy a connection is marked per kill."""
    with smtp_server(delay=0.005) as sink:
        to_sink(sink)
        mailing = planned(300)
        end = time.monotonic() + 90
        for goal in (40, 90, 140, 190, 240, 10_000):
            process = worker()
            try:
                while len(sink.received()) < goal and totals(mailing).accepted < 300:
                    assert time.monotonic() < end, totals(mailing)
                    assert process.poll() is None, "the worker ended by itself"
                    time.sleep(0.002)
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
        got = Counter(one.recipient for one in sink.received())
        marked = {row.address for row in rows(mailing) if row.reason == ledger.REPEATED}
        twice = {address for address, times in got.items() if times > 1}
        with capsys.disabled():
            print(f"\n5 kills: {len(marked)} marked, {len(twice)} came twice")
        assert totals(mailing) == ledger.Totals(planned=300, accepted=300)
        assert len(got) == 300
        assert twice <= marked
        assert len(marked) <= 5 * settings.current().smtp_connections
        for address in twice:
            assert len({o.data for o in sink.received() if o.recipient == address}) == 1

"""Runs the parts of a working house as threads: worker, schedule, listener."""

import datetime as dt
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import dramatiq
from sqlalchemy import select

from core import clock, database, garbage, leases, outbox
from core.settings import Settings
from mailer import delivery, ledger, lmtp
from mailer.models import Worker
from workers import broker as brokers
from workers import listener
from workers.actors import Actors, declare

log = logging.getLogger(__name__)

#: The listener is what takes mail in: over IMAP, over LMTP, or both.
PARTS = frozenset({"worker", "schedule", "listener"})
#: How often each worker looks for what waits, and how often a tick is due.
LOOK_SECONDS = 1.0
TICK_SECONDS = 5.0
SCHEDULE_TERM_SECONDS = 15


def name_of_process() -> str:
    """A name for this process among all workers."""
    return f"{socket.gethostname()}:{os.getpid()}:{clock.now():%Y%m%dT%H%M%S}"


@contextmanager
def everything(
    settings: Settings, parts: frozenset[str] = PARTS, threads: int = 4
) -> Iterator[threading.Event]:
    """Run the given parts until the block ends; gives the event that stops them early.

    On the way out each part finishes what it has in hand.
    """
    stop = threading.Event()
    name = name_of_process()
    broker = brokers.connect(settings)
    actors = declare(broker, name, stop)
    outbox.bell.ring_with(actors.react.send)
    ledger.bell.ring_with(actors.deliver.send)
    worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=100)
    loops: list[Callable[[], None]] = []
    if "worker" in parts:
        loops.append(lambda: keep_looking(actors.clerk.look, stop))
        loops.append(lambda: keep_looking(actors.postman.look, stop))
    if "schedule" in parts:
        loops.append(lambda: keep_time(actors, name, stop))
    if "listener" in parts:
        loops += [
            partial(listener.listen, mailbox, name, stop) for mailbox in settings.each_mailbox()
        ]
    running = [threading.Thread(target=loop, daemon=True) for loop in loops]
    open_ = ExitStack()
    open_.enter_context(garbage.spared())
    if "listener" in parts and settings.lmtp_host:
        open_.enter_context(lmtp.serving(settings))
    try:
        if "worker" in parts:
            bury_the_dead(name)
            worker.start()
        for thread in running:
            thread.start()
        yield stop
    finally:
        open_.close()
        stop.set()
        for thread in running:
            thread.join(timeout=20)
        if "worker" in parts:
            worker.stop(timeout=20_000)
        for bell in (outbox.bell, ledger.bell):
            bell.ring_with(None)
        broker.close()


def bury_the_dead(ours: str) -> None:
    """Forget workers of this machine whose process has ended, so that nobody waits for them.

    What they had on the wire is in doubt from now on, not only after a minute of silence.
    """
    host = socket.gethostname()
    with database.transaction() as session:
        for row in session.scalars(select(Worker).where(Worker.id.startswith(f"{host}:"))):
            process = int(row.id.split(":")[1])
            if row.id != ours and (process == os.getpid() or not _lives(process)):
                session.delete(row)
        session.flush()
        delivery.reclaim(session)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def keep_looking(look: Callable[[], None], stop: threading.Event) -> None:
    """Look again and again for what waits, bell or no bell: a bell may be lost, or heard by one.

    A look that fails (a database that restarts) is tried again.
    """
    while not stop.is_set():
        try:
            look()
        except Exception as trouble:  # noqa: BLE001 - the next look will find it
            log.warning("look_failed", extra={"why": type(trouble).__name__})
        stop.wait(LOOK_SECONDS)


def keep_time(actors: Actors, holder: str, stop: threading.Event) -> None:
    """Ring a tick now and then; one holder does it.

    A ring that fails (a broker that is away) is tried again.
    """
    while not stop.is_set():
        try:
            if _on_duty(holder):
                actors.tick.send()
        except Exception as trouble:  # noqa: BLE001 - time goes on whatever fails
            log.warning("tick_failed", extra={"why": type(trouble).__name__})
        stop.wait(TICK_SECONDS)


def _on_duty(holder: str) -> bool:
    term = dt.timedelta(seconds=SCHEDULE_TERM_SECONDS)
    with database.transaction() as session:
        return leases.take(session, "schedule", holder, term) is not None

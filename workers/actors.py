"""The three actors: react to an event, deliver copies, do what is due."""

import logging
import threading
from dataclasses import dataclass
from typing import Any

import dramatiq

from core import clock, database, outbox, settings, statistics
from mailer import acceptance, delivery, dispatch
from mailer.smtp import Connections
from mailer.watching import Watch
from mailings import planning
from subscribers import incidents, joining, leavers
from workers import reactions, schedule

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Actors:
    """The actors as declared on one broker."""

    react: "dramatiq.Actor[[], None]"
    deliver: "dramatiq.Actor[[], None]"
    tick: "dramatiq.Actor[[], None]"
    clerk: "Clerk"
    postman: "Postman"


class Clerk:
    """Reacts to what waits, in this process one at a time: reactions write to one database."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._running = threading.Lock()
        self._again = threading.Event()

    def react(self) -> None:
        """Work until nothing waits; while that goes on, a second call only makes it look again."""
        self._again.set()
        while self._again.is_set() and self._running.acquire(blocking=False):
            try:
                self._again.clear()
                while not self._stop.is_set() and outbox.work(
                    reactions.names, reactions.find, reactions.find_together
                ):
                    pass
            finally:
                self._running.release()

    def look(self) -> None:
        """React to what waits though no bell was heard: this is the relay."""
        if self._running.locked():
            return
        with database.reading() as session:
            backlog = outbox.backlog(session)
        if backlog.stuck:
            log.warning("reactions_stuck", extra={"receipts": backlog.stuck})
        if backlog.events:
            self.react()


class Postman:
    """Delivers in this process, one run at a time, over connections of its own."""

    def __init__(self, worker: str, stop: threading.Event) -> None:
        self._worker, self._stop = worker, stop
        self._running = threading.Lock()
        self._again = threading.Event()

    def deliver(self) -> None:
        """Send what is due; while a run goes on, a second call only makes it look once more."""
        self._again.set()
        while self._again.is_set() and self._running.acquire(blocking=False):
            try:
                self._again.clear()
                self._run()
            finally:
                self._running.release()

    def look(self) -> None:
        """Take part in what is being sent, though it was another worker that heard the bell."""
        if self._running.locked():
            return
        with database.reading() as session:
            due = delivery.anything_due(session)
        if due:
            self.deliver()

    def _run(self) -> None:
        connections = Connections(settings.current())
        try:
            delivery.deliver(self._worker, connections, self._stop.is_set)
        finally:
            connections.close()


def declare(broker: dramatiq.Broker, worker: str, stop: threading.Event) -> Actors:
    """Declare the actors on a broker, for the worker of that name."""
    postman, watch = Postman(worker, stop), Watch(dispatch.used_up)
    clerk = Clerk(stop)

    def react() -> None:
        clerk.react()

    def deliver() -> None:
        postman.deliver()

    def tick() -> None:
        with database.transaction() as session:
            schedule.record_due(session, clock.now())
            joining.forget_unconfirmed(session)
            leavers.record_due(session, clock.now())
            incidents.close_quiet(session, acceptance.was_accepted)
        with database.transaction() as session:
            planning.plan_due(session)
        with database.transaction() as session:
            delivery.reclaim(session)
        with database.transaction() as session:
            watch.look(session)
        statistics.take_first()

    def actor(function: Any, priority: int) -> Any:
        return dramatiq.actor(broker=broker, priority=priority)(function)

    return Actors(actor(react, 0), actor(deliver, 5), actor(tick, 1), clerk, postman)

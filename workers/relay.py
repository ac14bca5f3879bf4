"""The relay: rings again for every event that still waits, whatever became of the bell."""

import datetime as dt
import logging
from collections.abc import Callable

from core import clock, database, outbox

log = logging.getLogger(__name__)

#: A bell that went unheard is rung again after so long.
PATIENCE = dt.timedelta(seconds=5)


class Relay:
    """Looks into the outbox and rings for what it finds."""

    def __init__(self, react: Callable[[int], object]) -> None:
        self._react = react
        self._rung: dict[int, dt.datetime] = {}

    def ring(self) -> int:
        """Ring for what waits and was not rung for lately; returns for how many events."""
        with database.reading() as session:
            backlog = outbox.backlog(session)
        now = clock.now()
        quiet = [
            event
            for event in backlog.events
            if event not in self._rung or now - self._rung[event] > PATIENCE
        ]
        waiting = set(backlog.events)
        self._rung = {event: at for event, at in self._rung.items() if event in waiting}
        for event in quiet:
            self._react(event)
            self._rung[event] = now
        if backlog.stuck:
            log.warning("reactions_stuck", extra={"receipts": backlog.stuck})
        return len(quiet)

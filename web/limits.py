"""Slows down whoever sends forms faster than people do, by the address they come from.

The address is that of the connection; behind a proxy uvicorn puts in what the proxy says, and only
if the proxy is one it trusts (`FORWARDED_ALLOW_IPS`, by default this machine). Counted in memory,
by each web process for itself; the limits for each mail address stand in `subscribers.brakes`.
"""

import threading
from collections import deque

from core import clock

#: A council's officers may all come from one address.
MOST = 60
WINDOW_SECONDS = 600.0
_MOST_REMEMBERED = 10_000


class Throttle:
    """How many forms each address has sent in the last ten minutes."""

    def __init__(self, most: int = MOST, window: float = WINDOW_SECONDS) -> None:
        self._most, self._window = most, window
        self._sent: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def passes(self, client: str) -> bool:
        """Count a form of this address; False if it has had its share."""
        now = clock.now().timestamp()
        with self._lock:
            if len(self._sent) > _MOST_REMEMBERED:
                self._forget(now)
            times = self._sent.get(client, deque())
            while times and times[0] <= now - self._window:
                times.popleft()
            if len(times) >= self._most:
                return False
            times.append(now)
            self._sent[client] = times
            return True

    def _forget(self, now: float) -> None:
        old = [who for who, times in self._sent.items() if times[-1] <= now - self._window]
        for who in old:
            del self._sent[who]

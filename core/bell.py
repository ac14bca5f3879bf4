"""Bells: who waits hears of a change as soon as it is committed, and need not ask again and again.

A bell only saves time. It may be lost, or heard by another; whoever waits looks every second too.
"""

import logging
from collections.abc import Callable

from sqlalchemy.orm import Session

from core import database

log = logging.getLogger(__name__)


class Bell:
    """Rung by transactions, once each and after the commit, for whoever listens in this process."""

    def __init__(self, name: str) -> None:
        """`name` tells one bell from another."""
        self._name, self._mark = name, f"bell:{name}"
        self._ring: Callable[[], object] | None = None

    def ring_with(self, ring: Callable[[], object] | None) -> None:
        """Have `ring` called by each transaction that has something to tell; None: nobody hears."""
        self._ring = ring

    def after_commit(self, session: Session) -> None:
        """Ring when the transaction of `session` is committed; once, however often this is said."""
        if self._mark not in session.info:
            session.info[self._mark] = True
            database.after_commit(session, self._sound)

    def keep_quiet(self, session: Session) -> None:
        """Do not ring for the transaction of `session`: whoever listens does what it tells of."""
        session.info[self._mark] = True

    def _sound(self) -> None:
        if self._ring is None:
            return
        try:
            self._ring()
        except Exception as trouble:  # noqa: BLE001 - a broken bell loses nothing: see above
            log.warning("bell_broken", extra={"bell": self._name, "why": type(trouble).__name__})

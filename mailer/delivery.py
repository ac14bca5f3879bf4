"""Delivery: claim a copy, make it, send it, settle it and claim the next one in the same commit.

Each connection has one copy at a time, and its outcome is committed as soon as it is known. So a
crash leaves a doubt only about what was under way, and a copy comes twice only if its final dot
had been sent and the commit after its answer had not been made.
"""

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TypeVar, cast

from sqlalchemy import Integer, Table, bindparam, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from core import clock, database, settings
from mailer import claims, dispatch, lateness, ledger, settling, silence
from mailer.claims import Claim
from mailer.copies import Envelope, Press
from mailer.dispatch import Dispatch
from mailer.limits import Limit
from mailer.models import Mailing, State
from mailer.settling import Outcome
from mailer.smtp import Connections, Work
from message.rewritten import rewritten_id
from subscribers.models import MailingList

log = logging.getLogger(__name__)
T = TypeVar("T")

#: A worker that was not heard of for so long is taken to be dead (tests shorten it).
SILENT = dt.timedelta(seconds=60)
#: A worker says that it is alive this often.
BEAT_SECONDS = 5.0
#: How long to wait for a database that is away, before each new try.
WAITS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
#: How many mailings a worker has ready; that many and those of one claim.
_MAILINGS_KEPT = 50
#: A worker that could not say so for this part of SILENT sends nothing more.
_STILL_SURE = 0.5

_list = cast(Table, MailingList.__table__)
_NAME_OF_LIST = select(_list.c.name).where(_list.c.id == bindparam("of_list", type_=Integer()))


def anything_due(session: Session) -> bool:
    """Whether there are copies to send now; cheap."""
    return claims.anything_due(session)


def reclaim(session: Session) -> int:
    """Plan again what silent workers had on the wire; returns how many copies."""
    return silence.reclaim(session, SILENT)


def deliver(worker_id: str, connections: Connections, stop: Callable[[], bool]) -> int:
    """Send what is due until nothing is, or `stop` says so; returns how many copies were settled.

    A worker id stands for one call at a time: what it left on the wire before is in doubt.
    """
    round_ = _Round(worker_id, stop, connections)
    with _heart(worker_id) as fresh:
        connections.carry(round_.turn, fresh)
    return round_.settled


class _Round:
    """What one call of `deliver` knows between its commits."""

    def __init__(self, worker: str, stop: Callable[[], bool], connections: Connections) -> None:
        self._worker, self._stop = worker, stop
        given = settings.current().domain_limits
        limits = {domain: Limit.parse(limit) for domain, limit in given.items() if limit}
        self._dispatch = Dispatch(connections.routes, limits)
        self._names: dict[int, str] = {}
        self._mailings: dict[int, Mailing] = {}
        self._presses: dict[int, Press] = {}
        self._on_wire: dict[int, Mailing] = {}
        self._hosts = {name: route.host for name, route in connections.routes.items()}
        self._unfinished: set[int] = set()
        self._held = self._begun = False
        self.settled = 0

    def turn(self, outcomes: list[Outcome], free: Mapping[str, int]) -> Work:
        """Settle what is known and claim as many copies as free connections may carry."""
        work = _patiently(partial(self._commit, outcomes, free))
        self.settled += len(outcomes)
        for outcome in outcomes:
            del self._on_wire[outcome.delivery_id]
        return work

    def _commit(self, outcomes: list[Outcome], free: Mapping[str, int]) -> Work:
        _make_room(self._mailings)
        with database.transaction() as session:
            if not self._begun:
                self._begin(session)
            settling.settle(session, outcomes, self._worker, finish=False)
            self._learn_ids(session, outcomes)
            self._hold_if_away(session, outcomes)
            idle = self._held or self._stop()
            room = 0 if idle else self._dispatch.room(session, free)
            taken = claims.claim(session, self._worker, room, self._mailings) if room else []
            self._unfinished |= {claim.mailing.id for claim in taken}
            shared = self._dispatch.share_out(session, taken)
            self._on_wire |= {claim.id: claim.mailing for claim, _ in shared}
            if len(taken) < room or not room:  # while there is more to claim, nothing is finished
                for mailing_id in sorted(self._unfinished):
                    ledger.finish_if_done(session, mailing_id)
            names = {claim.mailing.id: self._list_name(session, claim.mailing) for claim in taken}
        self._begun = True
        jobs = [
            (route, partial(self._made, claim, names[claim.mailing.id])) for claim, route in shared
        ]
        return Work(jobs, self._pause(idle, room))

    def _begin(self, session: Session) -> None:
        """Hold what is late, say that we live, and take up what an earlier run of ours left.

        In the transaction of the first claim, and before it.
        """
        lateness.hold_late(session, dispatch.used_up)
        silence.beat(session, self._worker)
        silence.take_up(session, self._worker, SILENT)

    def _learn_ids(self, session: Session, outcomes: list[Outcome]) -> None:
        """Keep the Message-IDs that relays put in place of ours: answers will refer to them."""
        for outcome in outcomes:
            if outcome.state != State.ACCEPTED or outcome.route is None or not outcome.words:
                continue
            mailing = self._on_wire[outcome.delivery_id]
            host = self._hosts[outcome.route]
            seen = rewritten_id(host, outcome.words, mailing.message_id)
            if seen is not None:
                settling.note_alias(session, seen, mailing.id)

    def _pause(self, idle: bool, room: int) -> float | None:
        """Seconds until a route may carry the next copy, where only budgets stop us now."""
        if idle or room or self._dispatch.next_at is None:
            return None
        return max(0.0, (self._dispatch.next_at - clock.now()).total_seconds())

    def _made(self, claim: Claim, list_name: str | None) -> Envelope | Outcome:
        try:
            if claim.mailing.id not in self._presses:
                _make_room(self._presses)
                self._presses[claim.mailing.id] = Press(claim.mailing, list_name)
            return self._presses[claim.mailing.id].copy(claim)
        except (ValueError, KeyError) as fault:
            # This copy will never be made; a person has to look at the mailing.
            state, trouble = State.REFUSED, type(fault).__name__
        except Exception as fault:  # noqa: BLE001 - a key that cannot be read, say: another try
            state, trouble = State.DEFERRED, type(fault).__name__
        log.error("copy_not_made", extra={"delivery": claim.id, "why": trouble})
        return Outcome(claim.id, state, None, trouble, "cannot be made")

    def _hold_if_away(self, session: Session, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            pause = settling.HOLD.get(outcome.reason or "")
            if pause is None:
                continue
            until = clock.now() + pause
            log.warning("sending_held", extra={"why": outcome.reason, "route": outcome.route})
            if outcome.route is not None and self._dispatch.mark_away(outcome.route, until):
                settling.hasten(session, outcome.delivery_id)  # another route takes it
            else:
                self._held = True
                settling.hold(session, until)

    def _list_name(self, session: Session, mailing: Mailing) -> str | None:
        if mailing.list_id is None:
            return None
        if mailing.list_id not in self._names:
            named = {"of_list": mailing.list_id}
            self._names[mailing.list_id] = session.connection().scalars(_NAME_OF_LIST, named).one()
        return self._names[mailing.list_id]


def _make_room(kept: dict[int, T]) -> None:
    """Keep what was made for the last mailings only, however many there are."""
    while len(kept) >= _MAILINGS_KEPT:
        kept.pop(next(iter(kept)))


def _patiently(act: Callable[[], T]) -> T:
    """Do what needs the database; while it is away (a restart), try again for a while."""
    for wait in WAITS:
        try:
            return act()
        except OperationalError as trouble:
            log.warning("database_away", extra={"why": type(trouble).__name__})
            time.sleep(wait)
    return act()


@contextmanager
def _heart(worker: str) -> Iterator[Callable[[], bool]]:
    """Say again and again that the worker lives; gives what tells whether that was heard."""
    stop = threading.Event()
    heard = [time.monotonic()]

    def beat() -> None:
        while not stop.wait(BEAT_SECONDS):
            try:
                with database.transaction() as session:
                    silence.beat(session, worker)
                heard[0] = time.monotonic()
            except DBAPIError as trouble:
                log.warning("beat_failed", extra={"why": type(trouble).__name__})

    thread = threading.Thread(target=beat, name="heart", daemon=True)
    thread.start()
    try:
        yield lambda: time.monotonic() - heard[0] < SILENT.total_seconds() * _STILL_SURE
    finally:
        stop.set()
        thread.join()

"""The connections to the mail servers of all routes: finished bytes out, one outcome a copy back.

aiosmtplib opens, secures and signs in; the transactions themselves are ours, so that MAIL, RCPT
and DATA go out in one piece (RFC 2920), the answer to the final dot has the ten minutes that
RFC 5321 §4.5.3.2.6 wants, and it is known whether a lost connection could have taken a copy.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core import database
from core.settings import Settings
from mailer import routes, settling
from mailer.copies import Envelope
from mailer.dialogue import ConnectionLost, Dialogue
from mailer.models import State
from mailer.opening import RouteTrouble, connect
from mailer.routes import Route
from mailer.settling import Outcome
from mailer.transaction import transact

#: A commit costs more than a short wait: outcomes that come within it are settled together.
GATHER_SECONDS = 0.002
#: Who has to wait longer for the next copy closes the connections and comes back.
LONGEST_PAUSE_SECONDS = 5.0
#: How often the loop must come round until the sockets that were given up are closed.
_TURNS_TO_CLOSE = 5

#: Makes a copy when a connection is free for it; or says why it cannot be made.
Maker = Callable[[], Envelope | Outcome]


@dataclass(frozen=True, slots=True)
class Work:
    """What to send now: copies, each with the name of its route; and when to ask again if none."""

    jobs: Sequence[tuple[str, Maker]]
    again_in: float | None = None


#: Called with what became of earlier copies and how many connections of each route are free.
Turn = Callable[[list[Outcome], Mapping[str, int]], Work]


class Connections:
    """The connections of each route, opened when needed and kept open.

    To be used and closed by one thread.
    """

    def __init__(self, settings: Settings) -> None:
        self.routes: Mapping[str, Route] = {one.name: one for one in routes.configured(settings)}
        self._runner = asyncio.Runner()
        self._idle: dict[str, list[Dialogue]] = {name: [] for name in self.routes}

    def carry(self, turn: Turn, may_send: Callable[[], bool] = lambda: True) -> None:
        """Send what `turn` hands out, each copy on a connection of its own, until nothing is left.

        `turn` is called whenever a copy has its outcome; `may_send` is asked last before a message
        goes out. Raises core.database.InTransaction inside of one, and whatever `turn` raises.
        """
        database.forbid_transaction()
        self._runner.run(self._carry(turn, may_send))

    def send(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Send these copies by the first route; one outcome each, in any order.

        Raises InTransaction inside of one.
        """
        waiting, outcomes = list(envelopes), list[Outcome]()
        first = next(iter(self.routes))

        def turn(done: list[Outcome], free: Mapping[str, int]) -> Work:
            outcomes.extend(done)
            taken, waiting[:] = waiting[: free[first]], waiting[free[first] :]
            return Work([(first, lambda one=one: one) for one in taken])  # type: ignore[misc]

        self.carry(turn)
        return outcomes

    def close(self) -> None:
        """Say QUIT on all connections and close them."""
        try:
            self._runner.run(self._quit())
        finally:
            self._runner.close()

    async def _quit(self) -> None:
        await asyncio.gather(*(line.quit() for lines in self._idle.values() for line in lines))
        for lines in self._idle.values():
            lines.clear()
        for _ in range(_TURNS_TO_CLOSE):  # a socket is closed only when the loop comes round
            await asyncio.sleep(0)

    async def _carry(self, turn: Turn, may_send: Callable[[], bool]) -> None:
        running: dict[asyncio.Task[Outcome], str] = {}
        done: list[Outcome] = []
        try:
            while True:
                busy = Counter(running.values())
                work = turn(done, {n: one.connections - busy[n] for n, one in self.routes.items()})
                # All are made before the first goes out, and here, not in a thread: one signature
                # after the other costs a fifth less than each between two looks at the network.
                made = [(name, make()) for name, make in work.jobs]
                done = [one for _, one in made if isinstance(one, Outcome)]
                for name, copy in made:
                    if isinstance(copy, Envelope):
                        task = asyncio.create_task(self._deliver(self.routes[name], copy, may_send))
                        running[task] = name
                if running:
                    done += await _some_of(running)
                elif done:
                    continue
                elif work.again_in is None or work.again_in > LONGEST_PAUSE_SECONDS:
                    return
                else:
                    await asyncio.sleep(work.again_in)
        finally:
            for task in running:
                task.cancel()

    async def _deliver(
        self, route: Route, envelope: Envelope, may_send: Callable[[], bool]
    ) -> Outcome:
        """Send one copy; on a kept connection that turns out to be dead, try once on a new one."""
        idle = self._idle[route.name]
        try:
            while idle:
                outcome = await self._transact(idle, idle.pop(), envelope, may_send)
                if outcome is not None:
                    return outcome
            outcome = await self._transact(idle, await connect(route), envelope, may_send)
        except RouteTrouble as trouble:
            return Outcome(
                envelope.delivery_id, State.DEFERRED, trouble.code, trouble.words, trouble.reason
            )
        if outcome is None:
            words = "the connection was lost before the message was sent"
            return Outcome(envelope.delivery_id, State.DEFERRED, None, words, settling.RELAY_AWAY)
        return outcome

    async def _transact(
        self, idle: list[Dialogue], line: Dialogue, envelope: Envelope, may_send: Callable[[], bool]
    ) -> Outcome | None:
        """The transaction for one copy; None if the connection ended before anything was sent."""
        try:
            outcome = await transact(line, envelope, may_send)
        except ConnectionLost:
            line.drop()
            return None
        except BaseException:
            line.drop()
            raise
        if line.usable:
            idle.append(line)
        else:
            line.drop()
        return outcome


def reach(route: Route) -> None:
    """Open a connection by a route and take leave at once; raises RouteTrouble."""

    async def there_and_back() -> None:
        await (await connect(route)).quit()

    asyncio.run(there_and_back())


async def _some_of(running: dict[asyncio.Task[Outcome], str]) -> list[Outcome]:
    """Wait for the first that ends, and a moment for others; takes them out of `running`."""
    ended, waiting = await asyncio.wait(running, return_when="FIRST_COMPLETED")
    if waiting:
        more, _ = await asyncio.wait(waiting, timeout=GATHER_SECONDS)
        ended |= more
    return [task.result()._replace(route=running.pop(task)) for task in ended]

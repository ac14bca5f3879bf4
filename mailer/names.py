"""The DNS: texts that stand under a name, asked for once, with an end to waiting."""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from message.signatures import Unanswered

#: How long an answer is believed, whatever it says of itself; and that there was none.
SHORTEST, LONGEST, ABSENT, SILENT = 60.0, 3600.0, 300.0, 30.0
#: The longest wait for one name; and how long nothing is asked when the name server is away, so
#: that mail of a thousand domains does not wait for each of them.
PATIENCE, AWAY = 3.0, 60.0
MOST_NAMES = 5_000
Answer = tuple[bytes, ...] | None


class NotAsked(Exception):
    """Nobody knows without asking."""


@dataclass(slots=True)
class _Known:
    answer: Future[Answer]
    until: float


class Names:
    """Asks a name server and remembers; for use by several threads at once."""

    def __init__(self, server: str = "") -> None:
        """`server` is host:port of a name server; empty: those of the system are asked."""
        self._server = server
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._resolver: dns.resolver.Resolver | None = None

    def texts(self, name: str, until: float) -> Sequence[bytes] | None:
        """The TXT records of a name: none, or None where there is no such name.

        Raises Unanswered when nobody answers before `until`, a moment of `time.monotonic`.
        """
        now = time.monotonic()
        with self._lock:
            known = self._known.get(name)
            ask = known is None or known.until < now
            if known is None or ask:
                known = self._known[name] = _Known(Future(), float("inf"))
                while len(self._known) > MOST_NAMES:
                    self._known.popitem(last=False)
        if ask:
            self._ask(name, known, until - now)
        try:
            return known.answer.result(max(until - time.monotonic(), 0.001))
        except TookTooLong:
            raise Unanswered from None

    def known(self, name: str) -> Sequence[bytes] | None:
        """The same without waiting. Raises NotAsked when nobody has asked lately."""
        known = self._known.get(name)
        if known is None or not known.answer.done() or known.until < time.monotonic():
            raise NotAsked
        return known.answer.result()

    def _ask(self, name: str, known: _Known, patience: float) -> None:
        """Fill in an answer; whatever happens it is filled in, for others may wait for it."""
        try:
            if time.monotonic() < self._away_until:
                raise Unanswered
            answer, keeps = self._asked(name, max(min(patience, PATIENCE), 0.1))
        except Exception:  # noqa: BLE001 - whatever it was: nobody answered
            if time.monotonic() >= self._away_until and not self._answers():
                self._away_until = time.monotonic() + AWAY
            known.until = time.monotonic() + SILENT
            known.answer.set_exception(Unanswered())
            return
        known.until = time.monotonic() + keeps
        known.answer.set_result(answer)

    def _answers(self) -> bool:
        """Whether the name server is there at all, asked for what each one knows."""
        try:
            self._resolving().resolve(dns.name.root, dns.rdatatype.NS, lifetime=1.0)
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            return True
        except Exception:  # noqa: BLE001 - no answer, whatever it was
            return False
        return True

    def _asked(self, name: str, patience: float) -> tuple[Answer, float]:
        try:
            full = dns.name.from_text(name)
        except dns.exception.DNSException:
            return None, ABSENT  # such a name cannot be
        try:
            found = self._resolving().resolve(
                full, dns.rdatatype.TXT, lifetime=patience, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return None, ABSENT
        if found.rrset is None:
            return (), ABSENT
        # RFC 6376 §3.6.2.2: the strings of a record are one text.
        texts = tuple(b"".join(record.strings) for record in found.rrset)
        return texts, min(max(float(found.rrset.ttl), SHORTEST), LONGEST)

    def _resolving(self) -> dns.resolver.Resolver:
        if self._resolver is None:
            resolver = dns.resolver.Resolver(configure=not self._server)
            if self._server:
                host, _, port = self._server.rpartition(":")
                resolver.nameservers, resolver.port = [host.strip("[]")], int(port)
            self._resolver = resolver
        return self._resolver

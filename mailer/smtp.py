"""The connections to our mail server: finished bytes out, one outcome a copy back.

aiosmtplib opens, secures and signs in; the transactions themselves are ours, so that MAIL, RCPT
and DATA go out in one piece (RFC 2920), the answer to the final dot has the ten minutes that
RFC 5321 §4.5.3.2.6 wants, and it is known whether a lost connection could have taken a copy.
"""

import asyncio
import contextlib
import logging
import re
import ssl
from collections.abc import Callable, Sequence

import aiosmtplib

from core import database
from core.settings import Settings
from mailer import claims
from mailer.claims import Outcome
from mailer.copies import Envelope
from mailer.dialogue import ConnectionLost, Dialogue, Reply
from mailer.models import State
from message import refusals

log = logging.getLogger(__name__)

ANSWER_SECONDS = 60.0
#: RFC 5321 §4.5.3.2.6: giving up earlier makes duplicates.
DOT_SECONDS = 600.0
#: A commit costs more than a short wait: outcomes that come within it are settled together.
GATHER_SECONDS = 0.002
#: How often the loop must come round until the sockets that were given up are closed.
_TURNS_TO_CLOSE = 5
#: What may stand between < and > of a path: anything else could begin a command of its own.
_PATH = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")

#: Makes a copy when a connection is free for it; or says why it cannot be made.
Maker = Callable[[], Envelope | Outcome]
#: Called with what became of earlier copies and how many connections are free; gives the next.
Turn = Callable[[list[Outcome], int], Sequence[Maker]]


class RelayTrouble(Exception):
    """Our mail server takes no mail at all now; `reason` is one of mailer.claims.HOLD."""

    def __init__(self, reason: str, code: str | None, words: str) -> None:
        super().__init__(reason)
        self.reason, self.code, self.words = reason, code, words


class Connections:
    """Up to `settings.smtp_connections` connections, opened when needed and kept open.

    To be used and closed by one thread.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runner = asyncio.Runner()
        self._idle: list[Dialogue] = []

    @property
    def size(self) -> int:
        """How many copies can be on the wire at once."""
        return self._settings.smtp_connections

    def carry(self, turn: Turn, may_send: Callable[[], bool] = lambda: True) -> None:
        """Send what `turn` hands out, each copy on a connection of its own, until nothing is left.

        `turn` is called whenever a copy has its outcome; `may_send` is asked last before a message
        goes out. Raises core.database.InTransaction inside of one, and whatever `turn` raises.
        """
        database.forbid_transaction()
        self._runner.run(self._carry(turn, may_send))

    def send(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Send these copies; one outcome each, in any order. Raises InTransaction inside of one."""
        waiting, outcomes = list(envelopes), list[Outcome]()

        def turn(done: list[Outcome], free: int) -> list[Maker]:
            outcomes.extend(done)
            taken, waiting[:] = waiting[:free], waiting[free:]
            return [lambda envelope=envelope: envelope for envelope in taken]  # type: ignore[misc]

        self.carry(turn)
        return outcomes

    def close(self) -> None:
        """Say QUIT on all connections and close them."""
        try:
            self._runner.run(self._quit())
        finally:
            self._runner.close()

    async def _quit(self) -> None:
        await asyncio.gather(*(line.quit() for line in self._idle))
        self._idle.clear()
        for _ in range(_TURNS_TO_CLOSE):  # a socket is closed only when the loop comes round
            await asyncio.sleep(0)

    async def _carry(self, turn: Turn, may_send: Callable[[], bool]) -> None:
        running: set[asyncio.Task[Outcome]] = set()
        done: list[Outcome] = []
        try:
            while True:
                for make in turn(done, self.size - len(running)):
                    running.add(asyncio.create_task(self._make_and_deliver(make, may_send)))
                if not running:
                    return
                ended, running = await asyncio.wait(running, return_when="FIRST_COMPLETED")
                if running:
                    more, running = await asyncio.wait(running, timeout=GATHER_SECONDS)
                    ended |= more
                done = [task.result() for task in ended]
        finally:
            for task in running:
                task.cancel()

    async def _make_and_deliver(self, make: Maker, may_send: Callable[[], bool]) -> Outcome:
        # Made here, not in a thread: handing it over and back costs as much as a third of it.
        made = make()
        return made if isinstance(made, Outcome) else await self._deliver(made, may_send)

    async def _deliver(self, envelope: Envelope, may_send: Callable[[], bool]) -> Outcome:
        """Send one copy; on a kept connection that turns out to be dead, try once on a new one."""
        if not (_PATH.fullmatch(envelope.rcpt_to) and _PATH.fullmatch(envelope.mail_from)):
            # RFC 6531 is not spoken here: such an address cannot stand in a command.
            words = "the address cannot be written in a command"
            return Outcome(envelope.delivery_id, State.REFUSED, None, words, "address")
        try:
            while self._idle:
                line = self._idle.pop()
                outcome = await self._transact(line, envelope, may_send)
                if outcome is not None:
                    return outcome
            line = await connect(self._settings)
            outcome = await self._transact(line, envelope, may_send)
        except RelayTrouble as trouble:
            return Outcome(
                envelope.delivery_id, State.DEFERRED, trouble.code, trouble.words, trouble.reason
            )
        if outcome is None:
            words = "the connection was lost before the message was sent"
            return Outcome(envelope.delivery_id, State.DEFERRED, None, words, claims.RELAY_AWAY)
        return outcome

    async def _transact(
        self, line: Dialogue, envelope: Envelope, may_send: Callable[[], bool]
    ) -> Outcome | None:
        """The transaction for one copy; None if the connection ended before anything was sent."""
        try:
            outcome = await _transaction(line, envelope, may_send)
        except ConnectionLost:
            line.drop()
            return None
        except BaseException:
            line.drop()
            raise
        if line.usable:
            self._idle.append(line)
        else:
            line.drop()
        return outcome


async def _transaction(line: Dialogue, envelope: Envelope, may_send: Callable[[], bool]) -> Outcome:
    """MAIL, RCPT, DATA and the message. Raises ConnectionLost while nothing of it has been sent."""
    copy = envelope.delivery_id
    commands = [f"MAIL FROM:<{envelope.mail_from}>", f"RCPT TO:<{envelope.rcpt_to}>", "DATA"]
    replies = await line.ask(commands, ANSWER_SECONDS)
    last = replies[-1]
    if any(
        reply.code == 421 for reply in replies
    ):  # RFC 5321 §3.8: the server is closing, whatever was asked
        raise ConnectionLost("closing")
    if len(replies) < len(commands) or last.code != 354 or replies[1].code // 100 != 2:
        await _clear(line, replies)
        return _refusal(copy, replies)
    if not may_send():
        line.drop()  # nothing was sent, and nothing is: the copy is no longer ours
        return Outcome(copy, State.DEFERRED, None, None, claims.WORKER_SILENT)
    try:
        reply = await line.send_message(envelope.data, DOT_SECONDS)
    except ConnectionLost as lost:
        line.drop()
        return Outcome(copy, State.IN_DOUBT, None, str(lost), "connection lost")
    return _outcome(copy, reply)


async def _clear(line: Dialogue, replies: list[Reply]) -> None:
    """Leave no half transaction behind, so that the connection can carry the next copy."""
    try:
        if replies[-1].code == 354:
            # RFC 2920 §3.1: DATA was accepted although nobody is left; end it empty.
            await line.send_message(b"", ANSWER_SECONDS)
        await line.ask(["RSET"], ANSWER_SECONDS)
    except ConnectionLost:
        line.drop()


def _refusal(copy: int, replies: list[Reply]) -> Outcome:
    """The outcome of a transaction whose commands were not all taken."""
    mail, *rest = replies
    if mail.code // 100 == 5 and not _about_size(mail):
        # Not this copy but our sender address is refused, and so would be all others.
        return Outcome(copy, State.DEFERRED, mail.status, mail.words, claims.SENDER_REFUSED)
    if mail.code // 100 != 2:
        return _outcome(copy, mail)
    bad = next((reply for reply in rest if reply.code // 100 not in (2, 3)), rest[-1])
    return _outcome(copy, bad)


def _about_size(reply: Reply) -> bool:
    return reply.code == 552 or (reply.enhanced or "") in {"5.3.4", "5.2.3"}


def _outcome(copy: int, reply: Reply) -> Outcome:
    if reply.code // 100 == 2:
        return Outcome(copy, State.ACCEPTED, reply.status, reply.words)
    judged = refusals.judge(reply.code, reply.enhanced, reply.words)
    # RFC 5321 §4.5.3.1.10: 452 and, from old servers, 552 after RCPT mean "too many recipients";
    # with one recipient a copy, 552 speaks of the mailbox or the size.
    state = State.REFUSED if judged.permanent else State.DEFERRED
    return Outcome(copy, state, reply.status, reply.words, str(judged.reason))


async def connect(settings: Settings) -> Dialogue:
    """Open a connection, secured and signed in as the settings say; raises RelayTrouble.

    RFC 8314 §3: with `starttls` or `tls` there is no connection without a checked certificate.
    """
    security = settings.smtp_security
    client = aiosmtplib.SMTP(
        hostname=settings.smtp_host, port=settings.smtp_port, local_hostname=settings.domain,
        username=settings.smtp_username or None,
        password=settings.smtp_password.get_secret_value() or None,
        use_tls=security == "tls", start_tls=security == "starttls",
        tls_context=None if security == "none" else _tls(), timeout=ANSWER_SECONDS,
    )  # fmt: skip
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:  # neither TLS nor login made it introduce itself
            await client.ehlo()
    except aiosmtplib.SMTPAuthenticationError as trouble:
        client.close()
        log.error("smtp_login_refused", extra={"code": trouble.code})
        raise RelayTrouble(claims.LOGIN_REFUSED, str(trouble.code), trouble.message) from None
    except (aiosmtplib.SMTPException, OSError) as trouble:
        client.close()
        log.warning("smtp_relay_away", extra={"why": type(trouble).__name__})
        code = getattr(trouble, "code", None)
        words = f"{type(trouble).__name__}: {trouble}"
        raise RelayTrouble(claims.RELAY_AWAY, str(code) if code else None, words) from None
    with contextlib.suppress(aiosmtplib.SMTPException):
        return Dialogue.take_over(client)
    raise RelayTrouble(claims.RELAY_AWAY, None, "the connection ended at once")


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

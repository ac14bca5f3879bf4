"""One SMTP transaction: a copy goes out on an open connection, and what became of it."""

import re
from collections.abc import Callable

from mailer import settling
from mailer.copies import Envelope
from mailer.dialogue import ConnectionLost, Dialogue, Reply
from mailer.models import State
from mailer.settling import Outcome
from message import refusals
from message.address import domain_of

ANSWER_SECONDS = 60.0
#: RFC 5321 §4.5.3.2.6: giving up earlier makes duplicates.
DOT_SECONDS = 600.0
#: What may stand between < and > of a path: anything else could begin a command of its own.
_PATH = re.compile(r"[^\x00-\x20\x7f<>]+@[!-;=?-~]+")
_NOT_XCHAR = re.compile(rb"[^!-*,-<>-~]")


async def transact(line: Dialogue, envelope: Envelope, may_send: Callable[[], bool]) -> Outcome:
    """MAIL, RCPT, DATA and the message. Raises ConnectionLost while nothing of it has been sent.

    `may_send` is asked last before the message goes out.
    """
    copy = envelope.delivery_id
    path = _path(envelope.rcpt_to)
    if path is None or not _PATH.fullmatch(envelope.mail_from):
        words = "the address cannot be written in a command"
        return Outcome(copy, State.REFUSED, None, words, "address")
    if not path.isascii() and not line.offers("smtputf8"):
        # RFC 6531 §3.2: such a message is not sent through a server that would not take it whole.
        words = "our mail server takes no international addresses (SMTPUTF8)"
        return Outcome(copy, State.REFUSED, None, words, "address")
    commands = [_mail(line, envelope, path), _rcpt(line, path), "DATA"]
    replies = await line.ask(commands, ANSWER_SECONDS)
    if any(reply.code == 421 for reply in replies):
        raise ConnectionLost("closing")  # RFC 5321 §3.8: whatever was asked
    if len(replies) < len(commands) or replies[-1].code != 354 or replies[1].code // 100 != 2:
        await _clear(line, replies)
        return _refusal(copy, replies)
    if not may_send():
        line.drop()  # nothing was sent, and nothing is: the copy is no longer ours
        return Outcome(copy, State.DEFERRED, None, None, settling.WORKER_SILENT)
    try:
        reply = await line.send_message(envelope.data, DOT_SECONDS)
    except ConnectionLost as lost:
        line.drop()
        return Outcome(copy, State.IN_DOUBT, None, str(lost), "connection lost")
    return _outcome(copy, reply)


def _path(address: str) -> str | None:
    """An address as it stands in a command, its domain in A-labels (RFC 5890); None if it cannot.

    RFC 6531 §3.4: a domain needs no SMTPUTF8, a local part may.
    """
    local, _, domain = address.rpartition("@")
    path = f"{local}@{domain if domain.isascii() else domain_of(address)}"
    return path if _PATH.fullmatch(path) else None


def _mail(line: Dialogue, envelope: Envelope, path: str) -> str:
    words = [f"MAIL FROM:<{envelope.mail_from}>"]
    if line.offers("size"):
        words.append(f"SIZE={len(envelope.data)}")  # RFC 1870 §6
    if line.offers("8bitmime") and not envelope.data.isascii():
        words.append("BODY=8BITMIME")  # RFC 6152 §3
    if not path.isascii():
        words.append("SMTPUTF8")
    if line.offers("dsn"):
        words += ["RET=HDRS", f"ENVID={envelope.delivery_id}"]  # RFC 3461 §4.3, §4.4
    return " ".join(words)


def _rcpt(line: Dialogue, path: str) -> str:
    if not line.offers("dsn"):
        return f"RCPT TO:<{path}>"
    # RFC 6533 §3: the other type is for addresses that are not ASCII.
    original = f"rfc822;{_xtext(path)}" if path.isascii() else f"utf-8;{path}"
    return f"RCPT TO:<{path}> NOTIFY=FAILURE,DELAY ORCPT={original}"  # RFC 3461 §4.1, §4.2


def _xtext(text: str) -> str:
    """RFC 3461 §4."""
    return _NOT_XCHAR.sub(lambda found: b"+%02X" % found[0][0], text.encode("ascii")).decode()


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
        return Outcome(copy, State.DEFERRED, mail.status, mail.words, settling.SENDER_REFUSED)
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

"""Fuzz: real mail, mutated, is read without an exception, without a loss and in bounded time.

    python -m bench.fuzz [--messages 1000000] [--processes 2] [--seed N]

Each message is one of all those in MAIL_CORPORA (or of a few made here, if there are none) with
some of its bytes changed, cut, repeated, or exchanged with those of another. What is read of it
must hold together: passages put together are the text, sanitised HTML is active nowhere and stays
as it is when sanitised again, no text holds a NUL. Prints what failed with the seed of the message,
the slowest ones, and ends with one JSON line.
"""

import argparse
import json
import multiprocessing
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from archive.letters import letter_of
from archive.mailboxes import messages_in
from core import settings
from message import bounces, itip, sanitise, verdict
from message.parse import Message, parse
from tests.corpora.mail import corpus

LARGEST = 300_000
SLOW_SECONDS = 1.0
MADE_HERE = (
    b"From: Ann <ann@ashford.example>\r\nTo: list@host.example\r\nSubject: =?utf-8?q?Re=3A_x?=\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
    b"Hello\r\n> quoted\r\n-- \r\nAnn\r\n--b\r\nContent-Type: text/html\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nPGI+aGk8L2I+\r\n--b--\r\n",
    b"From: MAILER-DAEMON@host.example\r\nSubject: Undelivered\r\nContent-Type: multipart/report; "
    b"report-type=delivery-status; boundary=r\r\n\r\n--r\r\n\r\nno\r\n--r\r\nContent-Type: "
    b"message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; "
    b"a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--r--\r\n",
    b"From: a@b.example\r\nContent-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\n"
    b"METHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:1@x\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example\r\n"
    b"END:VEVENT\r\nEND:VCALENDAR\r\n",
)
TOKENS = (
    b"\r\n\r\n", b"\n", b"\r", b"\x00", b"\xff\xfe", b"=?utf-8?b?", b"?=", b"--", b"boundary=",
    b"<", b"<<<", b"multipart/mixed", b"message/rfc822", b"charset=utf-7", b"charset=\"", b"base64",
    b"(", b"\"", b"; filename*0*=", b"%00", b"Content-Type: ", b"> ", b"-- \r\n", b"=", b"=3D",
    b"&#",
    b"<script>", b"BEGIN:VEVENT\r\n", b"From ", b"begin 644 x\n", b"\xe2\x80\xae", b"On Mon, ",
    b"wrote:\r\n", b"Status: 5.1.1\r\n", b"9" * 400, b"charset=base64", b"iso-8859-01", b"\x80",
)  # fmt: skip


@dataclass
class Outcome:
    """What became of a share of the messages."""

    messages: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)


def main() -> None:
    """Run as the command line says; exits with 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    share = options.messages // options.processes
    begun = time.monotonic()
    first = options.seed * 1_000_000_000
    shares = [(first + number * share, share) for number in range(options.processes)]
    with multiprocessing.Pool(options.processes) as pool:
        outcomes = pool.starmap(fuzz, shares)
    total = Outcome(
        sum(one.messages for one in outcomes),
        max(one.slowest for one in outcomes),
        [failure for one in outcomes for failure in one.failures],
        sum((one.kinds for one in outcomes), Counter()),
    )
    for failure in total.failures[:50]:
        print(failure)
    print(
        f"{total.messages} messages, {len(total.failures)} failures, "
        f"slowest {total.slowest:.2f} s, {time.monotonic() - begun:.0f} s in all\n"
        f"{dict(total.kinds)}"
    )
    facts = {"messages": total.messages, "slowest_s": round(total.slowest, 2)}
    print(json.dumps({"bench": "fuzz", "failures": len(total.failures), **facts}))
    sys.exit(1 if total.failures else 0)


def everything() -> list[bytes]:
    """All real mail there is, one by one; a few messages made here if there is none."""
    found: list[bytes] = []
    for path in sorted(corpus().rglob("*")) if corpus().exists() else []:
        if path.suffix == ".mbox":
            found += [kept.raw for kept in messages_in(path)]
        elif path.suffix in {".eml", ".txt", ".msg", ".raw"}:
            found.append(path.read_bytes())
    return [raw[:LARGEST] for raw in found] or list(MADE_HERE)


def fuzz(seed: int, messages: int) -> Outcome:
    """Read so many mutated messages, each with a seed of its own from `seed` on."""
    settings.use(settings.load(domain="lists.example.org", secret_key="fuzz"))
    mail = everything()
    outcome = Outcome(messages)
    for number in range(seed, seed + messages):
        raw = mutated(random.Random(number), mail)
        begun = time.process_time()
        try:
            outcome.kinds[check(raw)] += 1
        except Exception as trouble:  # noqa: BLE001 - that is what we are looking for
            outcome.failures.append(f"seed {number}: {type(trouble).__name__}: {trouble!s:.200}")
        spent = time.process_time() - begun
        outcome.slowest = max(outcome.slowest, spent)
        if spent > SLOW_SECONDS:
            outcome.failures.append(f"seed {number}: {spent:.1f} s for {len(raw)} bytes")
    return outcome


def mutated(chance: random.Random, mail: Sequence[bytes]) -> bytes:
    """One of these messages with up to eight mutations."""
    raw = bytearray(chance.choice(mail))
    for _ in range(chance.randrange(9)):
        chance.choice(MUTATIONS)(chance, raw, mail)
    return bytes(raw[: 2 * LARGEST])


def _place(chance: random.Random, raw: bytearray) -> int:
    """Anywhere, but in the header as often as in the body."""
    head = raw.find(b"\n\n") if chance.random() < 0.5 else -1
    return chance.randrange((head if head > 0 else len(raw)) + 1)


def _change(chance: random.Random, raw: bytearray, _mail: Sequence[bytes]) -> None:
    for _ in range(chance.randrange(1, 20)):
        if raw:
            raw[min(_place(chance, raw), len(raw) - 1)] = chance.randrange(256)


def _insert(chance: random.Random, raw: bytearray, _mail: Sequence[bytes]) -> None:
    at = _place(chance, raw)
    raw[at:at] = chance.choice(TOKENS) * chance.choice((1, 1, 1, 2, 50))


def _cut(chance: random.Random, raw: bytearray, _mail: Sequence[bytes]) -> None:
    at = _place(chance, raw)
    del raw[at : at + chance.choice((1, 2, 10, 100, 10_000))]


def _repeat(chance: random.Random, raw: bytearray, _mail: Sequence[bytes]) -> None:
    at = _place(chance, raw)
    raw[at:at] = raw[at : at + chance.randrange(300)] * chance.randrange(1, 8)


def _splice(chance: random.Random, raw: bytearray, mail: Sequence[bytes]) -> None:
    other = chance.choice(mail)
    at, there = _place(chance, raw), chance.randrange(len(other) + 1)
    raw[at:] = other[there:]


def _line_ends(chance: random.Random, raw: bytearray, _mail: Sequence[bytes]) -> None:
    ends = chance.choice((b"\n", b"\r", b"\r\n", b"\n\r"))
    raw[:] = bytes(raw).replace(b"\r\n", b"\n").replace(b"\n", ends)


MUTATIONS: Sequence[Callable[[random.Random, bytearray, Sequence[bytes]], None]] = (
    _change, _change, _insert, _insert, _cut, _repeat, _splice, _line_ends,
)  # fmt: skip
_ACTIVE = re.compile(r"<(?:script|iframe|object|embed|style|form|svg|base|meta)\b", re.IGNORECASE)


def check(raw: bytes) -> str:
    """Read a message in every way we do; raises if what is read does not hold together."""
    message = parse(raw)
    _texts(message)
    found = verdict.judge(message)
    bounces.read(message)
    bounces.returned_ids(message)
    for part in message.calendars:
        itip.read_answer(part.text)
    text = message.text
    if "".join(passage.text for passage in message.passages) != text:
        raise AssertionError("passages are not the text")
    letter = letter_of(message, "0" * 64, None)
    if letter.html is not None:
        if _ACTIVE.search(letter.html):
            raise AssertionError("sanitised HTML is active")
        if sanitise.clean(letter.html) != letter.html:
            raise AssertionError("sanitising twice is not as once")
    return str(found.kind)


def _texts(message: Message) -> None:
    for text in (message.text, message.html or "", message.subject, *message.defects):
        if "\x00" in text:
            raise AssertionError("a NUL in a text")
        text.encode()
    for file in message.attachments:
        if not file.name or "/" in file.name:
            raise AssertionError("a file name that is none")


if __name__ == "__main__":
    main()

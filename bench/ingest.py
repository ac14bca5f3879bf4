"""Ingest: messages in a mailbox of a real Dovecot become posts, threaded and searchable.

    python -m bench.ingest [--messages 5000] [--database sqlite|postgresql] [--import]

Prints CPU seconds per 1,000 messages of our processes (listener, sorting, filing, index; Dovecot
and the database server apart), messages a second and peak memory. As machines and hours differ, it
says too how many signatures with RSA-2048 could have been made. With `--import` the same
messages are read by the import of an mbox instead. Ends with one JSON line.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import func, insert, select

import migrations
from archive import access, search, transfer
from archive.models import Post
from bench.fanout import serving
from bench.measuring import cpu_of, own_cpu, own_peak_mib, signatures_per_1000
from core import clock, database, settings
from subscribers.models import Address, MailingList, Mode, Organisation, Person, Subscription
from tests.servers.dovecot import Dovecot, dovecot
from workers import running

LIST = "ai-network"
DOMAIN = "lists.example.org"
OFFICERS = 250
#: Four of five messages answer another, in discussions of a handful to some dozens.
ANSWERS, LONGEST_CHAIN = 0.8, 160
WORDS = """
    council officer transcription minutes planning housing benefits pilot procurement supplier
    privacy assessment policy training resident enquiry chatbot summary translation accuracy
    cost hours saved team evidence risk register guidance audit contract data protection
""".split()  # noqa: SIM905


@dataclass(frozen=True)
class Result:
    """One run; CPU in seconds per 1,000 messages, and in signatures of RSA-2048 a message."""

    bench: str
    database: str
    how: str
    messages: int
    bytes: int
    cpu_s_per_1000: float
    database_cpu_s_per_1000: float
    mail_server_cpu_s_per_1000: float
    per_second: float
    peak_mib: float
    in_signatures: float


def main() -> None:
    """Run the benchmark as the command line says."""
    options = _options()
    if options.work:
        _work(options.messages)
        return
    with (
        tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as name,
        serving(options.database, Path(name)) as (address, server),
        dovecot() as imap,
    ):
        folder = Path(name)
        ours = environment(folder, address, imap)
        settings.use(settings.load(**{key.lower(): value for key, value in ours.items()}))
        database.connect(address)
        migrations.upgrade()
        network()
        yardstick = signatures_per_1000()
        before = cpu_of(server) if server else 0.0
        if options.imported:
            size, cpu, peak, seconds = _imported(folder, options.messages)
            mail_server = 0.0
        else:
            size, cpu, peak, seconds, mail_server = _listened(ours, imap, options.messages)
        yardstick = (yardstick + signatures_per_1000()) / 2
        thousands = options.messages / 1000
        result = Result(
            "ingest", options.database, "import" if options.imported else "imap",
            options.messages, size // options.messages,
            cpu_s_per_1000=round(cpu / thousands, 3),
            database_cpu_s_per_1000=round(
                (cpu_of(server) - before) / thousands if server else 0.0, 3
            ),
            mail_server_cpu_s_per_1000=round(mail_server / thousands, 3),
            per_second=round(options.messages / seconds),
            peak_mib=round(peak),
            in_signatures=round(cpu / thousands / yardstick, 2),
        )  # fmt: skip
        _print(result)
        print(json.dumps(asdict(result)), flush=True)
        database.engine().dispose()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--import", dest="imported", action="store_true", help="an mbox instead")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# --- what there is to read ----------------------------------------------------------------------


def network() -> None:
    """A list whose members all read the digest: reading is measured, not sending."""
    now = clock.now()
    with database.transaction() as session:
        list_ = MailingList(name=LIST, title="AI Network", created_at=now)
        council = Organisation(name="Ashford Council")
        session.add_all([list_, council])
        session.flush()
        people = [
            {"id": n, "name": f"Officer {n}", "organisation_id": council.id, "created_at": now}
            for n in range(1, OFFICERS + 1)
        ]
        session.execute(insert(Person), people)
        addresses = [
            {"person_id": n, "mailbox": _officer(n), "key": _officer(n), "verified_at": now}
            for n in range(1, OFFICERS + 1)
        ]
        session.execute(insert(Address), addresses)
        session.execute(
            insert(Subscription),
            [
                {"person_id": n, "list_id": list_.id, "mode": Mode.MONTHLY, "joined_at": now}
                for n in range(1, OFFICERS + 1)
            ],
        )


def _officer(number: int) -> str:
    return f"officer{number}@council.example"


def letters(count: int) -> Iterator[bytes]:
    """Messages of some 4 kB: a new subject now and then, answers with a quotation otherwise."""
    chance = random.Random(1)
    open_: list[tuple[str, str, str]] = []
    for number in range(count):
        author, message_id = chance.randrange(1, OFFICERS + 1), f"<m{number}@council.example>"
        own = _prose(chance, 18)
        above = chance.choice(open_) if open_ and chance.random() < ANSWERS else None
        if above is None:
            subject, references, quoted = f"About {' '.join(chance.sample(WORDS, 4))}", "", ""
        else:
            parent, chain, subject = above
            references = f"In-Reply-To: {parent}\r\nReferences: {chain} {parent}\r\n"
            lines = _prose(chance, 14).splitlines()
            quoted = "\r\nOn Tue, 3 Nov 2026 at 10:01, Officer wrote:\r\n" + "\r\n".join(
                f"> {line}" for line in lines
            )
        answer = "Re: " if above else ""
        yield (
            f"Return-Path: <{_officer(author)}>\r\nDelivered-To: {LIST}@{DOMAIN}\r\n"
            "Received: from relay.council.example (relay.council.example [192.0.2.1])\r\n"
            f"\tby mx.host.example with ESMTPS id {number:08x}; Tue, 3 Nov 2026 10:00:00 +0000\r\n"
            "Authentication-Results: mx.host.example; dkim=pass header.d=council.example;\r\n"
            f"\tdmarc=pass header.from=council.example\r\nFrom: Officer {author} "
            f"<{_officer(author)}>\r\nTo: AI Network <{LIST}@{DOMAIN}>\r\n"
            f"Subject: {answer}{subject}\r\nMessage-ID: {message_id}\r\n{references}"
            "Date: Tue, 3 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n"
            f"{own}\r\n{quoted}\r\n-- \r\nOfficer {author}\r\nAshford Council\r\n"
        ).encode()
        chain = f"{above[1]} {above[0]}".strip() if above else ""
        if len(chain) < LONGEST_CHAIN:  # then the discussion dies down
            open_.append((message_id, chain, subject))
        del open_[:-60]


def _prose(chance: random.Random, lines: int) -> str:
    return "\r\n".join(" ".join(chance.choices(WORDS, k=14)) for _ in range(lines))


def environment(folder: Path, address: str, imap: Dovecot) -> dict[str, str]:
    """The settings of a house that reads this mailbox."""
    return {
        "DATA": str(folder / "var"), "DATABASE_URL": address, "DOMAIN": DOMAIN,
        "BASE_URL": "https://network.example.org", "NETWORK_NAME": "AI Network",
        "IMAP_HOST": "127.0.0.1", "IMAP_PORT": str(imap.port), "IMAP_SECURITY": "none",
        "IMAP_USERNAME": imap.user, "IMAP_PASSWORD": imap.secret,
        "TRUSTED_AUTHSERV_IDS": "mx.host.example",
        "SECRET_KEY": "a secret for measuring only", "CONTACT": "contact@host.example",
    }  # fmt: skip


# --- the two ways in ----------------------------------------------------------------------------


def _imported(folder: Path, count: int) -> tuple[int, float, float, float]:
    path, size = folder / "list.mbox", 0
    with path.open("wb") as box:  # no line of these letters begins with "From "
        for letter in letters(count):
            size += len(letter)
            box.write(b"From bench Tue Nov  3 10:00:00 2026\n%b\n" % letter.replace(b"\r\n", b"\n"))
    cpu, begun = own_cpu(), time.monotonic()
    transfer.import_mbox(path, LIST)
    cpu, seconds = own_cpu() - cpu, time.monotonic() - begun
    _check(count)
    return size, cpu, own_peak_mib(), seconds


def _listened(
    ours: dict[str, str], imap: Dovecot, count: int
) -> tuple[int, float, float, float, float]:
    new, size = imap.maildir / "new", 0
    for folder in (new, imap.maildir / "cur", imap.maildir / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    for number, letter in enumerate(letters(count)):
        size += len(letter)
        (new / f"{number:012d}.bench").write_bytes(letter)
    if imap.owner is not None:
        for path in (imap.maildir.parent, imap.maildir, *imap.maildir.rglob("*")):
            shutil.chown(path, imap.owner)
    with imap.client():  # Dovecot's own index of the folder is not what is measured
        pass
    before = cpu_of(imap.pid)
    variables = {f"FOLKMOOT_{name}": value for name, value in ours.items()}
    command = [sys.executable, "-m", "bench.ingest", "--work", "--messages", str(count)]
    done = subprocess.run(command, env=os.environ | variables, stdout=subprocess.PIPE, check=True)
    cpu, peak, seconds = json.loads(done.stdout.splitlines()[-1])
    _check(count)
    return size, cpu, peak, seconds, cpu_of(imap.pid) - before


def _work(messages: int) -> None:
    """The process under measurement: listener, worker and schedule until all are filed."""
    setting = settings.current()
    database.connect(setting.database_address())
    cpu, begun = own_cpu(), time.monotonic()
    with running.everything(setting):
        while _posts() < messages:
            time.sleep(0.25)
        print(json.dumps([own_cpu() - cpu, own_peak_mib(), time.monotonic() - begun]), flush=True)


def _posts() -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Post)) or 0


def _check(messages: int) -> None:
    """All are there, threaded, and the index finds them; raises SystemExit otherwise."""
    with database.reading() as session:
        posts = session.scalar(select(func.count()).select_from(Post)) or 0
        threads = session.scalar(select(func.count(Post.thread_id.distinct()))) or 0
        hits = search.search(session, access.Viewer(1, "coordinator"), "transcription pilot")
    if posts != messages or not 0 < threads < messages / 2 or not hits:
        raise SystemExit(f"{posts} posts in {threads} threads, {len(hits)} found")


def _print(result: Result) -> None:
    print(
        f"{result.messages} messages of {result.bytes} bytes, {result.how}, {result.database}:\n"
        f"  ours      {result.cpu_s_per_1000:.3f} CPU-s per 1,000: as many as "
        f"{result.in_signatures:.1f} signatures with RSA-2048 a message\n"
        f"  database  {result.database_cpu_s_per_1000:.3f}, mail server "
        f"{result.mail_server_cpu_s_per_1000:.3f} CPU-s per 1,000\n"
        f"  speed     {result.per_second:.0f} a second; memory {result.peak_mib:.0f} MiB at most"
    )


if __name__ == "__main__":
    main()

"""Commands that run the house: up, web, worker, listen, schedule, migrate, demo, doctor."""

from typing import Annotated

import typer

import migrations
from core import database
from folkmoot import demo as demonstration
from folkmoot import dkim_keys, dmarc, opening, terminal
from folkmoot import doctor as examination
from folkmoot import up as house
from workers.running import PARTS

Demo = Annotated[
    bool, typer.Option("--demo", help="Fill an empty network with the demo, and try it out here.")
]


def up(demo: Demo = False) -> None:
    """Run everything in one process: web pages, worker, schedule, listener.

    Example: folkmoot up --demo
    """
    opening.network(demo=demo)
    with opening.opened(upgrade=True) as settings:
        if demo:
            demonstration.fill()
        house.run(settings, PARTS, web=True, banner=house.banner(settings))


def web() -> None:
    """Run the web pages alone; workers run elsewhere.

    Example: folkmoot web
    """
    with opening.opened() as settings:
        house.run(settings, frozenset(), web=True, banner=house.banner(settings))


def worker() -> None:
    """Send mail and act on events; without Redis it keeps the schedule as well.

    Example: folkmoot worker
    """
    with opening.opened() as settings:
        alone = frozenset({"worker"} if settings.redis_url else {"worker", "schedule"})
        house.run(settings, alone, web=False, banner="The worker is at work. Ctrl-C stops it.")


def listen() -> None:
    """Read the mailbox of answers, or take mail over LMTP, and keep what arrives.

    Example: folkmoot listen
    """
    with opening.opened() as settings:
        hosts = [mailbox.imap_host for mailbox in settings.each_mailbox()]
        if not hosts and not settings.lmtp_host:
            raise terminal.Trouble(
                "No mailbox is set: FOLKMOOT_IMAP_HOST names its server. Or let your own mail "
                "server hand mail over: FOLKMOOT_LMTP_HOST."
            )
        lmtp = f"LMTP on {settings.lmtp_host}:{settings.lmtp_port}" if settings.lmtp_host else ""
        words = " and ".join(filter(None, (*hosts, lmtp)))
        words = f"Listening to {words}. Ctrl-C stops it."
        house.run(settings, frozenset({"listener"}), web=False, banner=words)


def schedule() -> None:
    """Turn what is due into events, and ring for what waits; needs Redis to be heard.

    Example: folkmoot schedule
    """
    with opening.opened() as settings:
        if not settings.redis_url:
            raise terminal.Trouble(
                "The schedule rings through Redis, and REDIS_URL is not set: "
                "`folkmoot worker` keeps the schedule without it."
            )
        words = "The schedule is kept. Ctrl-C stops it."
        house.run(settings, frozenset({"schedule"}), web=False, banner=words)


def migrate() -> None:
    """Bring the database up to date, and make the keys; what is there stays as it is.

    Example: folkmoot migrate
    """
    settings = opening.network()
    examination.make_keys(settings)
    database.connect(settings.database_address())
    try:
        if migrations.is_current():
            terminal.say("The database is up to date.")
            return
        migrations.upgrade()
        terminal.say("The database has been brought up to date.")
    finally:
        database.engine().dispose()


def demo() -> None:
    """Fill an empty network with the demo: councils, members, meetings, discussions.

    Doing it twice adds nothing. Example: folkmoot demo
    """
    opening.network(demo=True)
    with opening.opened(upgrade=True):
        terminal.say(demonstration.fill())


doctor = typer.Typer(invoke_without_command=True)


@doctor.callback()
def check(context: typer.Context) -> None:
    """Check settings, database, servers and what is stuck; says what to do.

    Example: folkmoot doctor
    """
    if context.invoked_subcommand is not None:
        return
    findings = examination.examine()
    for finding in findings:
        terminal.say(str(finding))
    if any(finding.state == examination.BAD for finding in findings):
        raise typer.Exit(1)


doctor.command("dkim")(dkim_keys.command)
doctor.command("dmarc")(dmarc.command)

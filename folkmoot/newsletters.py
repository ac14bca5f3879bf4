"""Commands about what is sent to many: newsletters and digests."""

import time
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from core import clock, database, outbox
from core.events import DigestDue
from folkmoot import opening, terminal
from folkmoot.lists import List, the_list
from mailer import ledger
from mailer.models import Mailing, MailingState
from mailings import approval

app = typer.Typer(help="Newsletters: draft, look, send, and see what became of it.",
                  no_args_is_help=True)  # fmt: skip
digest = typer.Typer(help="Digests, which go out by themselves each month.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="The number that `newsletter draft` gave.")]


@app.command("draft")
def draft(
    path: Annotated[str, typer.Argument(help="Text in Markdown; - reads standard input.")],
    list_: List,
    subject: Annotated[str, typer.Option(help="The subject line.")],
    send: Annotated[bool, typer.Option("--send", help="Send it if nothing is wrong.")] = False,
) -> None:
    """Draft a newsletter and check every copy of it; with --send it goes out.

    Example: folkmoot newsletter draft june.md --list ai-network --subject "June news"
    """
    text = terminal.read_text(path)
    with opening.opened():
        with database.transaction() as session:
            mailing = approval.draft_newsletter(session, the_list(session, list_), subject, text,
                                                by=None)  # fmt: skip
            number = mailing.id
        terminal.say(f"Newsletter {number} is drafted.")
        fine = _preflight(number)
        if not send:
            terminal.say(f"Send it with: folkmoot newsletter send {number}")
        elif fine:
            _approve(number)
    if send and not fine:
        raise terminal.Trouble(f"Newsletter {number} was not sent: see above.")


@app.command("send")
def send(number: Number) -> None:
    """Send a drafted newsletter, once its checks find nothing.

    Example: folkmoot newsletter send 12
    """
    with opening.opened():
        with database.reading() as session:
            _newsletter(session, number)
        if not _preflight(number):
            raise terminal.Trouble(f"Newsletter {number} was not sent: see above.")
        _approve(number)


@app.command("show")
def show(
    number: Number,
    follow: Annotated[bool, typer.Option("--follow", help="Stay until it is finished.")] = False,
) -> None:
    """Show what became of a newsletter's copies.

    Example: folkmoot newsletter show 12 --follow
    """
    with opening.opened():
        if follow:
            _follow(number)
        with database.reading() as session:
            mailing = _newsletter(session, number)
            totals = ledger.totals(session, number)
        terminal.say(f"{mailing.subject}: {mailing.state}")
        for name in ("planned", "accepted", "refused", "excluded", "pending", "in_doubt"):
            terminal.say(f"  {name.replace('_', ' '):10} {getattr(totals, name)}")


def _follow(number: int) -> None:
    ended = {MailingState.FINISHED, MailingState.CANCELLED, MailingState.DRAFT}
    with terminal.progress("Sending") as show_:
        while True:
            with database.reading() as session:
                state = _newsletter(session, number).state
                totals = ledger.totals(session, number)
            show_(totals.accepted + totals.refused)
            if state in ended:
                return
            time.sleep(0.5)


def _newsletter(session: Session, number: int) -> Mailing:
    mailing = session.get(Mailing, number)
    if mailing is None:
        raise terminal.Trouble(f"There is no newsletter {number}.")
    return mailing


def _preflight(number: int) -> bool:
    with terminal.progress("Checking every copy"), database.reading() as session:
        problems = approval.preflight(session, number)
    for problem in problems:
        terminal.complain(f"  {problem}")
    if not problems:
        terminal.say("Every copy is complete.")
    return not problems


def _approve(number: int) -> None:
    with database.transaction() as session:
        mailing = approval.approve(session, number, by=None)
        when = mailing.not_before
    zone = opening.network().zone
    after = f" not before {clock.spoken(when, zone)}" if when and when > clock.now() else ""
    terminal.say(f"Newsletter {number} is approved; the worker sends it{after}.")


@digest.command("now")
def digest_now(list_: List) -> None:
    """Have the digest of a list made and sent now, for what was said since the last one.

    Example: folkmoot digest now --list ai-network
    """
    with opening.opened(), database.transaction() as session:
        chosen = the_list(session, list_)
        outbox.record(session, DigestDue(chosen.id, clock.now()))
    terminal.say(f"The digest of {chosen.title} is due; the worker makes it.")

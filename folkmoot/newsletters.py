"""Commands about what is sent to many: newsletters and digests."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from core import clock, database, outbox
from core.events import DigestDue
from folkmoot import opening, terminal
from folkmoot.lists import List, the_list
from mailer import forecast, ledger
from mailer.models import Mailing, MailingState, Trouble
from mailings import approval

app = typer.Typer(help="Newsletters: draft, look, send, and see what became of it.",
                  no_args_is_help=True)  # fmt: skip
digest = typer.Typer(help="Digests, which go out by themselves each month.", no_args_is_help=True)
FORMS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
Number = Annotated[int, typer.Argument(help="The number that `newsletter draft` gave.")]


@app.command("draft")
def draft(
    path: Annotated[str, typer.Argument(help="Text in Markdown; - reads standard input.")],
    list_: List,
    subject: Annotated[str, typer.Option(help="The subject line.")],
    also: Annotated[
        list[str] | None,
        typer.Option(help="Another list that gets the same; who is on both gets one copy."),
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it if nothing is wrong.")] = False,
) -> None:  # fmt: skip
    """Draft a newsletter and check every copy of it; with --send it goes out.

    Example: folkmoot newsletter draft june.md --list ai-network --subject "June news"
    """
    text = terminal.read_text(path)
    with opening.opened():
        with database.transaction() as session:
            lists = [the_list(session, name) for name in dict.fromkeys([list_, *(also or ())])]
            drafts = approval.draft_for_lists(session, lists, subject, text, by=None)
            numbers = [mailing.id for mailing in drafts]
        fine = True
        for number in numbers:
            terminal.say(f"Newsletter {number} is drafted.")
            fine = _preflight(number) and fine
            if not send:
                terminal.say(f"Send it with: folkmoot newsletter send {number}")
        for number in numbers if send and fine else ():
            _approve(number)
    if send and not fine:
        raise terminal.Trouble("It was not sent: see above.")


@app.command("send")
def send(
    number: Number,
    at: Annotated[dt.datetime | None, typer.Option(formats=FORMS, help="When, as the clock on the "
                                                   "wall shows it: 2027-03-02T09:00.")] = None,
) -> None:  # fmt: skip
    """Send a drafted newsletter, now or at a time, once its checks find nothing.

    Example: folkmoot newsletter send 12 --at 2027-03-02T09:00
    """
    with opening.opened() as settings:
        when = approval.instant_of(at, settings.zone) if at is not None else None
        with database.reading() as session:
            _newsletter(session, number)
        if not _preflight(number):
            raise terminal.Trouble(f"Newsletter {number} was not sent: see above.")
        _approve(number, when)


@app.command("pause")
def pause(number: Number) -> None:
    """Hold back the copies that have not gone out yet.

    Example: folkmoot newsletter pause 12
    """
    _turn(number, approval.pause, "is paused. Go on with: folkmoot newsletter resume {}")


@app.command("resume")
def resume(number: Number) -> None:
    """Go on with a paused newsletter.

    Example: folkmoot newsletter resume 12
    """
    _turn(number, approval.resume, "goes on.")


@app.command("cancel")
def cancel(number: Number) -> None:
    """Call a newsletter back: what has not gone out never will.

    Example: folkmoot newsletter cancel 12
    """
    _turn(number, approval.cancel, "is cancelled.")


def _turn(number: int, act: Callable[[Session, int], Mailing], said: str) -> None:
    with opening.opened():
        with database.transaction() as session:
            act(session, _newsletter(session, number).id)
        with database.reading() as session:
            totals = ledger.totals(session, number)
    terminal.say(f"Newsletter {number} {said.format(number)}")
    if totals.planned:
        terminal.say(f"{totals.accepted} of {totals.planned} copies have gone out.")


@app.command("status")
def status(
    number: Number,
    follow: Annotated[bool, typer.Option("--follow", help="Stay until it is finished.")] = False,
) -> None:
    """Show what became of a newsletter's copies, and why some were left out.

    Example: folkmoot newsletter status 12 --follow
    """
    with opening.opened() as settings:
        if follow:
            _follow(number)
        with database.reading() as session:
            mailing = _newsletter(session, number)
            totals = ledger.totals(session, number)
            reasons = ledger.reasons(session, number)
            done_by = forecast.done_by(session, mailing)
        terminal.say(f"{mailing.subject}: {mailing.state}")
        if done_by is not None:
            terminal.say(f"  The last copy goes at about {clock.spoken(done_by, settings.zone)}.")
        if mailing.trouble and mailing.trouble_at:
            since = clock.spoken(mailing.trouble_at, settings.zone)
            terminal.say(f"  {approval.TROUBLES[Trouble(mailing.trouble)]} Since {since}.")
        for name in ("planned", "accepted", "refused", "excluded", "pending", "in_doubt"):
            terminal.say(f"  {name.replace('_', ' '):10} {getattr(totals, name)}")
            for state, reason, count in reasons:
                if state == name:
                    terminal.say(f"    {reason or 'no reason given'}: {count}")


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


def _approve(number: int, at: dt.datetime | None = None) -> None:
    with database.transaction() as session:
        mailing = approval.approve(session, number, by=None, at=at)
        when = mailing.not_before
    zone = opening.network().zone
    after = f" not before {clock.spoken(when, zone)}" if when and when > clock.now() else ""
    terminal.say(f"Newsletter {number} is approved; the worker sends it{after}.")
    said = approval.said_of_time(at, zone) if at is not None else ""
    if said:
        terminal.say(said)


@digest.command("now")
def digest_now(list_: List) -> None:
    """Have the digest of a list made and sent now, for what was said since the last one.

    Example: folkmoot digest now --list ai-network
    """
    with opening.opened(), database.transaction() as session:
        chosen = the_list(session, list_)
        outbox.record(session, DigestDue(chosen.id, clock.now()))
    terminal.say(f"The digest of {chosen.title} is due; the worker makes it.")

"""Commands about what was said and what happened: import, export, trace, events."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from archive import transfer, weaving
from core import database
from core.events import CATALOGUE, summary
from folkmoot import opening, terminal
from folkmoot.lists import List, the_list
from mailer import trace as tracing
from subscribers import lists
from workers import reactions

importing = typer.Typer(help="Bring the archive of another system in.", no_args_is_help=True)
exporting = typer.Typer(help="Take the archive out, in formats that others read.",
                        no_args_is_help=True)  # fmt: skip
Source = Annotated[Path, typer.Argument(exists=True, help="The mbox file or Maildir folder.")]
Names = Annotated[bool, typer.Option("--names", help="Also name each message known already.")]
Out = Annotated[str, typer.Option("--out", "-o", help="File to write; - is standard output.")]


class Form(StrEnum):
    """A form in which threads are exported."""

    JSON = "json"


@importing.command("mbox")
def import_mbox(path: Source, list_: List, names: Names = False) -> None:
    """File the messages of an mbox into a list's archive; nothing is sent to anyone.

    Example: folkmoot import mbox old-list.mbox --list ai-network
    """
    _import(path, list_, names, folder=False)


@importing.command("maildir")
def import_maildir(path: Source, list_: List, names: Names = False) -> None:
    """File the messages of a Maildir into a list's archive; nothing is sent to anyone.

    Example: folkmoot import maildir ./Maildir --list ai-network
    """
    _import(path, list_, names, folder=True)


def _import(path: Path, list_name: str, names: bool, *, folder: bool) -> None:
    bring_in = transfer.import_maildir if folder else transfer.import_mbox
    with opening.opened():
        with database.reading() as session:
            the_list(session, list_name)
        with terminal.progress(f"Importing {path.name}") as show:
            report = bring_in(path, list_name, show)
    terminal.say(
        f"{report.total} messages: {report.filed} filed, {len(report.duplicates)} known already, "
        f"{len(report.quarantined)} put aside."
    )
    for line in report.duplicates if names else ():
        terminal.say(f"known already: {line}")
    for line in report.quarantined:
        terminal.complain(f"put aside: {line}")


@exporting.command("mbox")
def export_mbox(list_: List, out: Out = "-") -> None:
    """Write a list's archive as an mbox, each message as it came.

    Example: folkmoot export mbox --list ai-network -o ai-network.mbox
    """
    with opening.opened(), database.reading() as session:
        chosen = the_list(session, list_)
        if out == "-":
            transfer.export_mbox(session, chosen, sys.stdout.buffer)
            return
        with open(out, "wb") as file:
            transfer.export_mbox(session, chosen, file)


@exporting.command("threads")
def export_threads(
    list_: List,
    form: Annotated[Form, typer.Option("--format", help="The form.")] = Form.JSON,
    out: Out = "-",
) -> None:
    """Write a list's threads: each post with its Message-ID, parent, and why it stands there.

    Example: folkmoot export threads --list ai-network --format json
    """
    with opening.opened(), database.reading() as session:
        threads = transfer.export_threads(session, the_list(session, list_))
    text = json.dumps(threads, indent=2, ensure_ascii=False, default=str) + "\n"
    if out == "-":
        sys.stdout.write(text)
    else:
        Path(out).write_text(text, encoding="utf-8")


def rethread(
    list_: Annotated[
        str, typer.Option("--list", metavar="NAME", help="One list; without it all of them.")
    ] = "",
) -> None:
    """Draw all discussions anew from what the posts say; the result is that of their arrival.

    Example: folkmoot rethread --list ai-network
    """
    with opening.opened():
        with database.reading() as session:
            chosen = [the_list(session, list_)] if list_ else lists.all_lists(session)
            names = {one.id: one.name for one in chosen}
        moved: dict[str, int] = {}
        with terminal.progress("Drawing discussions anew", len(names)) as tell:
            for turn, (list_id, name) in enumerate(names.items(), 1):
                with database.transaction() as session:
                    moved[name] = weaving.weave_anew(session, list_id)
                tell(turn)
    for name, number in moved.items():
        terminal.say(f"{name}: {number} {'post' if number == 1 else 'posts'} moved.")


def trace(address: Annotated[str, typer.Argument(help="The address to follow.")]) -> None:
    """Tell everything that happened to an address: requests, consents, copies, answers.

    Example: folkmoot trace jo@swindon.example
    """
    with opening.opened(), database.reading() as session:
        lines = tracing.of(session, address)
    if not lines:
        raise terminal.Trouble(f"Nothing is known about {address}.")
    rows = [(f"{at:%Y-%m-%d %H:%M:%S}", what) for at, what in lines]
    terminal.show_table(("When (UTC)", "What"), rows)


def events() -> None:
    """List everything that can happen, what it means, and what the network does about it.

    Example: folkmoot events
    """
    for name, event in CATALOGUE.items():
        terminal.say(f"{name}: {summary(event)}")
        for reaction in reactions.names(event):
            terminal.say(f"    -> {reaction}")

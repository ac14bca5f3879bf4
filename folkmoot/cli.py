"""The command line: `folkmoot` and what it can be asked to do."""

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from folkmoot import (
    archives,
    inspect,
    lists,
    meeting,
    members,
    newsletters,
    opening,
    organisations,
    rehearsal,
    services,
    terminal,
)
from mailer import vouching

app = typer.Typer(
    cls=terminal.Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Mailing lists, newsletters, meetings and a forum for a peer network, run by e-mail.\n\n"
    "To try it out on this machine: folkmoot up --demo",
)


@app.callback()
def main(
    demo: Annotated[
        bool, typer.Option("--demo", help="Speak to the network that `up --demo` runs.")
    ] = False,
) -> None:
    """Settings come from FOLKMOOT_<NAME> in the environment, then from folkmoot.toml."""
    if demo:
        opening.network(demo=True)


for service in (services.up, services.web, services.worker, services.listen, services.schedule,
                services.migrate, services.demo):  # fmt: skip
    app.command()(service)
app.add_typer(services.doctor, name="doctor")
app.add_typer(members.app, name="members")
app.command()(members.coordinator)
app.add_typer(lists.app, name="lists")
app.add_typer(organisations.app, name="organisations")
app.add_typer(newsletters.app, name="newsletter")
app.add_typer(newsletters.digest, name="digest")
app.add_typer(meeting.app, name="meeting")
app.add_typer(archives.importing, name="import")
app.add_typer(archives.exporting, name="export")
app.command()(archives.rethread)
app.command()(archives.trace)
app.command()(archives.events)


@app.command("inspect")
def inspect_(
    files: Annotated[list[str], typer.Argument(help="Messages (.eml); - reads standard input.")],
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    trust: Annotated[
        list[str] | None,
        typer.Option(help="Believe the Authentication-Results of this server only; without it, "
                     "those of the topmost."),
    ] = None,
    check: Annotated[
        bool, typer.Option(help="Ask the DNS and verify the signatures, in place of believing.")
    ] = False,
    here: Annotated[
        bool, typer.Option("--here", help="Also say what would become of them here: where they "
                           "would be filed, why, and who would get copies. Nothing is changed.")
    ] = False,
) -> None:  # fmt: skip
    """Show what the network understands of messages; without --here it needs no database.

    Example: folkmoot inspect --json answer.eml
    """
    failed = 0
    with (
        opening.opened() if here else contextlib.nullcontext(),
        terminal.progress("Reading", len(files)) as show,
    ):
        for number, name in enumerate(files, 1):
            try:
                raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            except OSError as trouble:
                terminal.complain(f"{name}: cannot be read: {trouble.strerror}.")
                failed += 1
                continue
            found = inspect.look(name, raw, trust or (), vouching.asking() if check else None)
            outcome = rehearsal.rehearse(raw) if here else None
            if outcome is not None:
                found["here"] = outcome.as_found()
            terminal.say(inspect.as_json(found) if json_ else inspect.in_words(found))
            if outcome is not None and not json_:
                terminal.say(rehearsal.in_words(outcome))
            show(number)
    if failed:
        raise typer.Exit(1)

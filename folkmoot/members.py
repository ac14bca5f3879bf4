"""Commands about members: list, add, import from CSV, export, make somebody coordinator."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import database
from folkmoot import opening, terminal
from folkmoot.lists import List, the_list
from message import address as addresses
from subscribers import joining, people, transfer
from subscribers.models import MailingList, Person, Role, Standing, Subscription

app = typer.Typer(help="Who takes part, and on which lists.", no_args_is_help=True)
Address = Annotated[str, typer.Argument(help="A mail address.")]


@app.command("list")
def show(list_: List) -> None:
    """Show the members of a list: address, name, organisation, how they take posts.

    Example: folkmoot members list --list ai-network
    """
    with opening.opened(), database.reading() as session:
        chosen = the_list(session, list_)
        rows = [_row(subscription) for subscription in _subscriptions(session, chosen)]
    terminal.show_table(("Address", "Name", "Organisation", "Posts", "State"), rows)
    terminal.say(f"{len(rows)} on {chosen.title}")


def _subscriptions(session: Session, list_: MailingList) -> list[Subscription]:
    here = Subscription.list_id == list_.id, Subscription.state != Standing.LEFT
    return list(
        session.scalars(
            select(Subscription).join(Person).where(*here).order_by(Person.name, Person.id)
        )
    )


def _row(subscription: Subscription) -> tuple[object, ...]:
    person = subscription.person
    organisation = person.organisation.name if person.organisation else ""
    state = subscription.state + (", moderator" if subscription.moderator else "")
    return (people.preferred_address(person).mailbox, person.name, organisation,
            subscription.mode, state)  # fmt: skip


@app.command("add")
def add(
    address: Address,
    list_: List,
    name: Annotated[str, typer.Option(help="The person's name.")],
    organisation: Annotated[str, typer.Option(help="If the domain does not tell it.")] = "",
) -> None:
    """Ask somebody to join a list: they get the mail in which they confirm it.

    Example: folkmoot members add jo@swindon.example --name "Jo Field" --list ai-network
    """
    checked = addresses.check(address)
    with opening.opened(), database.transaction() as session:
        request = joining.request(
            session, the_list(session, list_), checked, name,
            organisation=organisation, source="import", evidence="added on the command line",
        )  # fmt: skip
    if request is None:
        raise terminal.Trouble(
            f"{checked} was asked lately and not again: too many confirmations look like abuse."
        )
    terminal.say(f"{checked} will be asked to confirm; they join when they do.")


@app.command("import")
def import_(
    path: Annotated[str, typer.Argument(help="CSV file (address,name,organisation,mode); - reads "
                                        "standard input.")],
    list_: List,
) -> None:  # fmt: skip
    """Bring members in from a CSV file, row by row; rows with faults are named and left out.

    Example: folkmoot members import members.csv --list ai-network
    """
    text = terminal.read_text(path)
    with opening.opened(), database.transaction() as session:
        report = transfer.import_csv(session, the_list(session, list_), text, by=None)
    terminal.say(f"{report.added} added.")
    for fault in report.faults:
        terminal.complain(str(fault))
    if report.faults:
        raise typer.Exit(1)


@app.command("export")
def export(
    list_: List,
    out: Annotated[str, typer.Option("--out", "-o", help="File; - is standard output.")] = "-",
) -> None:
    """Write the members of a list as CSV.

    Example: folkmoot members export --list ai-network -o members.csv
    """
    with opening.opened(), database.reading() as session:
        text = transfer.export_csv(session, the_list(session, list_))
    if out == "-":
        sys.stdout.write(text)
    else:
        Path(out).write_text(text, encoding="utf-8", newline="")


def coordinator(
    address: Address,
    name: Annotated[str, typer.Option(help="Needed when the person is new.")] = "",
) -> None:
    """Make somebody coordinator: they see the desk and approve what goes out.

    Example: folkmoot coordinator carol@host.example --name "Carol Field"
    """
    checked = addresses.check(address)
    with opening.opened(), database.transaction() as session:
        person = people.by_address(session, checked)
        if person is None and not name:
            raise terminal.Trouble(f"Nobody has {checked}: give --name to enter them as well.")
        if person is None:
            person = people.add_person(session, name, checked)
        person.role = Role.COORDINATOR
    terminal.say(f"{checked} is coordinator and can sign in on the web pages.")

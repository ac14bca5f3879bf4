"""Commands about organisations: the councils and others that are recognised by mail domain."""

from typing import Annotated

import typer
from sqlalchemy import select

from core import database
from folkmoot import opening, terminal
from subscribers import organisations
from subscribers.models import Organisation, OrganisationDomain, OrganisationKind

app = typer.Typer(help="Councils, partners and others, recognised by their mail domains.",
                  no_args_is_help=True)  # fmt: skip


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Its name, such as Swindon Council.")],
    domain: Annotated[list[str], typer.Option(help="A mail domain of theirs; may be repeated.")],
    kind: Annotated[
        OrganisationKind, typer.Option(help="Officers of councils and of the host join at once.")
    ] = OrganisationKind.COUNCIL,
) -> None:
    """Enter an organisation by its mail domains, or add domains to a known one.

    Example: folkmoot organisations add "Swindon Council" --domain swindon.example
    """
    with opening.opened(), database.transaction() as session:
        organisations.add(session, name, kind, tuple(domain))
    terminal.say(f"Whoever writes from {', '.join(domain)} is taken to be of {name}.")


@app.command("list")
def list_all() -> None:
    """List the organisations with what they are and their mail domains.

    Example: folkmoot organisations list
    """
    with opening.opened(), database.reading() as session:
        rows = session.execute(
            select(Organisation.name, Organisation.kind, OrganisationDomain.domain)
            .outerjoin(OrganisationDomain)
            .order_by(Organisation.name, OrganisationDomain.domain)
        ).all()
    terminal.show_table(
        ("Name", "Kind", "Domain"), ((name, str(kind), domain or "") for name, kind, domain in rows)
    )

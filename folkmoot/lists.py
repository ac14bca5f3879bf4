"""Commands about lists: create one, show one."""

from collections import Counter
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import addresses, database
from folkmoot import opening, terminal
from subscribers import lists as subscriber_lists
from subscribers.models import MailingList, Mode, Subscription

app = typer.Typer(help="The network's lists: the main one and its subgroups.", no_args_is_help=True)
List = Annotated[str, typer.Option("--list", "-l", help="The list's name, such as ai-network.")]
Name = Annotated[str, typer.Argument(help="What stands before the @ in the list's address.")]


def the_list(session: Session, name: str) -> MailingList:
    """The list of that name; raises Trouble naming those that there are."""
    found = subscriber_lists.by_name(session, name)
    if found is not None:
        return found
    names = ", ".join(each.name for each in subscriber_lists.all_lists(session))
    have = f"there are: {names}" if names else "there is none yet: `folkmoot lists create`"
    raise terminal.Trouble(f"There is no list {name}; {have}.")


@app.command("create")
def create(
    name: Name,
    title: Annotated[str, typer.Argument(help="What members call it.")],
    description: Annotated[str, typer.Option(help="One sentence on what it is for.")] = "",
    parent: Annotated[str, typer.Option(help="The list of which it is a subgroup.")] = "",
    closed: Annotated[bool, typer.Option("--closed", help="Councils and the host only.")] = False,
    announce_only: Annotated[
        bool, typer.Option("--announce-only", help="Only coordinators and moderators post.")
    ] = False,
    mode: Annotated[Mode, typer.Option(help="How new members take posts.")] = Mode.MONTHLY,
) -> None:
    """Create a list.

    Example: folkmoot lists create ai-network "AI Network"
    """
    with opening.opened(), database.transaction() as session:
        above = the_list(session, parent) if parent else None
        made = subscriber_lists.create(
            session, name, title, description=description,
            parent_id=above.id if above else None, closed=closed,
            announce_only=announce_only, default_mode=mode,
        )  # fmt: skip
        terminal.say(f"{made.title} is there: {addresses.of(made.name)}")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Its name; without it, all lists.")] = "",
) -> None:
    """Show a list, or all of them, with how many members each has.

    Example: folkmoot lists show ai-network
    """
    with opening.opened(), database.reading() as session:
        chosen = [the_list(session, name)] if name else list(subscriber_lists.all_lists(session))
        for list_ in chosen:
            _tell(session, list_)
    if not chosen:
        terminal.say("There is no list yet: `folkmoot lists create NAME TITLE`.")


def _tell(session: Session, list_: MailingList) -> None:
    states = Counter(
        session.scalars(select(Subscription.state).where(Subscription.list_id == list_.id))
    )
    traits = [
        word
        for word, holds in (("closed", list_.closed), ("announcements only", list_.announce_only))
        if holds
    ]
    terminal.say(f"{list_.title} <{addresses.of(list_.name)}>")
    if list_.description:
        terminal.say(f"  {list_.description}")
    terminal.say("  members: " + (", ".join(f"{n} {state}" for state, n in states.items()) or "0"))
    terminal.say(f"  new members take posts: {list_.default_mode}")
    if traits:
        terminal.say(f"  {', '.join(traits)}")

"""Commands about meetings: plan one, announce it, list those to come."""

import datetime as dt
from typing import Annotated

import typer

from core import clock, database
from folkmoot import opening, terminal
from folkmoot.lists import List, the_list
from meetings import agenda, changes, rsvp

app = typer.Typer(help="Meetings: plan, announce, see who comes.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="The number that `meeting new` gave.")]
FORMS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]


@app.command("new")
def new(
    title: Annotated[str, typer.Argument(help="What the meeting is called.")],
    list_: List,
    starts: Annotated[dt.datetime, typer.Option(formats=FORMS, help="As the clock on the wall "
                                                "shows it: 2027-03-02T10:00.")],
    minutes: Annotated[int, typer.Option(min=5, max=1440, help="How long it takes.")] = 90,
    theme: Annotated[str, typer.Option(help="Its theme.")] = "",
    description: Annotated[str, typer.Option(help="What it is about.")] = "",
    place: Annotated[str, typer.Option(help="Where it is.")] = "Microsoft Teams",
    join_link: Annotated[str, typer.Option(help="The link to join.")] = "",
) -> None:  # fmt: skip
    """Plan a meeting; nobody is told before it is announced.

    Example: folkmoot meeting new "March meeting" --list ai-network --starts 2027-03-02T10:00
    """
    with opening.opened() as settings, database.transaction() as session:
        meeting = changes.create(
            session, the_list(session, list_), title, starts,
            starts + dt.timedelta(minutes=minutes), theme=theme, description=description,
            place=place, join_link=join_link, by=None,
        )  # fmt: skip
        span = clock.spoken_span(meeting.starts_at, meeting.ends_at, settings.zone)
        terminal.say(f"Meeting {meeting.id}: {title}, {span}")
        terminal.say(f"Announce it with: folkmoot meeting announce {meeting.id}")


@app.command("announce")
def announce(number: Number) -> None:
    """Announce a meeting to its list: each member gets an invitation of their own.

    Example: folkmoot meeting announce 3
    """
    with opening.opened(), database.transaction() as session:
        changes.announce(session, number)
    terminal.say(f"Meeting {number} is being announced; the worker sends the invitations.")


@app.command("list")
def show(list_: List) -> None:
    """List the meetings to come, and how many said that they come.

    Example: folkmoot meeting list --list ai-network
    """
    with opening.opened() as settings, database.reading() as session:
        chosen = the_list(session, list_)
        rows = []
        for meeting in agenda.coming(session, chosen.id, clock.now(), planned=True):
            span = clock.spoken_span(meeting.starts_at, meeting.ends_at, settings.zone)
            coming = rsvp.coming(session, meeting.id)
            rows.append((meeting.id, span, meeting.title, meeting.state, coming))
    terminal.show_table(("No.", "When", "Title", "State", "Coming"), rows)
    if not rows:
        terminal.say("No meeting is planned.")

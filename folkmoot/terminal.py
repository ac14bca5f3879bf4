"""How commands speak: sentences on standard error, results on standard output, progress between."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
import typer.core
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from core.settings import SettingsError

#: Packages whose errors are sentences written for the person who reads them.
ROOMS = frozenset(
    {"archive", "core", "folkmoot", "mailer", "mailings", "meetings", "message", "privacy",
     "subscribers", "templates", "web", "workers"}
)  # fmt: skip


class Trouble(Exception):
    """A command cannot do what it was asked; the text says why and what to do."""


class Commands(typer.core.TyperGroup):
    """The commands: expected errors end in one sentence and exit code 1, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            sentence = sentence_for(error)
            if sentence is None:
                raise
            complain(sentence if sentence[-1:] in ".`:?!)" else f"{sentence}.")
            raise typer.Exit(1) from None


def sentence_for(error: Exception) -> str | None:
    """What to tell the person about an error; None for one that nobody expected."""
    if isinstance(error, SettingsError | Trouble):
        return str(error)
    if isinstance(error, OperationalError | ProgrammingError):
        return _about_the_database(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror or 'cannot be used'}."
    if type(error).__module__.partition(".")[0] in ROOMS and str(error):
        return str(error)
    if isinstance(error, ValueError | LookupError) and _raised_by_us(error):
        return str(error)
    return None


def _about_the_database(error: DBAPIError) -> str:
    words = str(error.orig).splitlines()[0] if error.orig else "no answer"
    if "no such table" in words or "does not exist" in words:
        return f"The database is not up to date ({words}): run `folkmoot migrate`."
    return f"The database cannot be used ({words}): check DATABASE_URL and that it runs."


def _raised_by_us(error: Exception) -> bool:
    """Whether an error of a plain kind carries a sentence: raised in a room, with more than a key.

    Rooms say `raise ValueError("...")` for what a person may get wrong; a KeyError from a
    dictionary or a ValueError out of a library is a fault of ours and keeps its traceback.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    return module.partition(".")[0] in ROOMS and " " in str(error) and type(error) is not KeyError


def say(text: str = "") -> None:
    """A line of the result."""
    typer.echo(text)


def complain(text: str) -> None:
    """A line about what went wrong, on standard error."""
    typer.echo(text, err=True)


def show_table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Show rows in columns, with nothing cut off that a narrow terminal could wrap."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else _literal(cell) for cell in row))
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def _literal(cell: object) -> str:
    return str(cell).replace("[", "\\[")


@contextmanager
def progress(words: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error while the block runs; gives the function to call with the count.

    Nothing is shown when standard error is not a terminal.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(words, total=total)
        yield lambda done: bar.update(task, completed=done)


def read_text(path: str) -> str:
    """The text of a file, or of standard input for `-`; raises Trouble when it is no UTF-8."""
    try:
        if path == "-":
            return sys.stdin.read()
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except UnicodeDecodeError:
        raise Trouble(f"{path} is not text in UTF-8: save it as UTF-8 and try again.") from None

"""Fixtures of the front door: the command line, in a folder and on a database of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from core import database, settings
from folkmoot.cli import app

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line in an empty folder: `run("lists", "show")`; `text` goes to its input."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run_(*words: str | Path, text: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], input=text)

    return run_


@pytest.fixture
def here(db: str, run: Run) -> Iterator[Run]:
    """The command line on a migrated, empty database, once on SQLite and once on PostgreSQL."""
    address = database.engine().url.render_as_string(hide_password=False)
    settings.use(settings.current().model_copy(update={"database_url": address}))
    yield run
    database.connect(address)


@pytest.fixture
def alone(run: Run) -> Iterator[Run]:
    """The command line on SQLite in the data folder, which it makes by itself."""
    yield run
    if database._engine is not None:
        database._engine.dispose()

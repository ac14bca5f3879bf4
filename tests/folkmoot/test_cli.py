"""The command line: it teaches, and what goes wrong ends in a sentence."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from core import settings
from folkmoot.cli import app
from tests.folkmoot.conftest import Run
from tests.servers.process import free_port


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be run, by its full name."""
    top: Any = typer.main.get_command(app)
    waiting = [("", top)]
    while waiting:
        name, command = waiting.pop()
        below = getattr(command, "commands", {})
        waiting += [(f"{name} {each}".strip(), below[each]) for each in below]
        if not below or getattr(command, "invoke_without_command", False):
            yield name, command


COMMANDS = sorted(commands(), key=lambda pair: pair[0])


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_each_command_teaches(name: str, command: Any) -> None:
    """Each says what it does in a sentence, and shows an example of itself that is valid."""
    words = " ".join(command.help.split())
    first, _, example = words.partition("Example: ")
    assert first.strip().endswith(".")
    assert example.startswith(f"folkmoot {name}"), words
    given = shlex.split(example)[1 + len(name.split()) :]
    if not hasattr(command, "commands"):
        known = {option for p in command.params for option in p.opts}
        assert [w for w in given if w.startswith("-") and w not in known] == []


def test_the_commands_of_the_agreement_are_there() -> None:
    """Nothing that was promised is missing."""
    names = {name for name, _ in COMMANDS}
    assert names >= {
        "up", "web", "worker", "listen", "schedule", "demo", "doctor", "migrate", "members list",
        "members add", "members import", "members export", "lists create", "lists show",
        "newsletter draft", "newsletter send", "newsletter status", "meeting new",
        "meeting announce", "meeting list", "digest now", "inspect", "import mbox",
        "import maildir", "export mbox", "export threads", "trace", "events", "coordinator",
        "doctor dkim",
    }  # fmt: skip


def test_help_names_every_command(run: Run) -> None:
    """`folkmoot` alone shows what there is."""
    out = run("--help").stdout
    assert all(name in out for name in typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_faults_in_the_settings_are_listed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every fault of folkmoot.toml in one list, exit code 1, no traceback."""
    monkeypatch.setattr(settings, "_current", None)
    (tmp_path / "folkmoot.toml").write_text('web_port = "eight"\nseparator = "%"\n')
    result = run("lists", "show")
    assert result.exit_code == 1
    assert "FOLKMOOT_WEB_PORT" in result.stderr
    assert "FOLKMOOT_SEPARATOR" in result.stderr
    assert "Traceback" not in result.output


def test_a_database_that_is_away_is_said(run: Run) -> None:
    """PostgreSQL that does not answer: one sentence, without the password."""
    address = f"postgresql://folkmoot:secret@127.0.0.1:{free_port()}/x"
    settings.use(settings.current().model_copy(update={"database_url": address}))
    result = run("lists", "show")
    assert result.exit_code == 1
    assert "DATABASE_URL" in result.stderr
    assert "secret" not in result.output


def test_a_data_folder_that_cannot_be_is_said(run: Run, tmp_path: Path) -> None:
    """A file where the data folder should be: the sentence names it."""
    (tmp_path / "blocked").write_text("")
    settings.use(settings.current().model_copy(update={"data": tmp_path / "blocked" / "var"}))
    result = run("lists", "show")
    assert result.exit_code == 1
    assert "blocked" in result.stderr


@pytest.mark.parametrize(
    "words",
    [("lists", "show", "none"), ("newsletter", "status", "7"), ("newsletter", "send", "7"),
     ("meeting", "announce", "7"), ("trace", "nobody@x.example"), ("coordinator", "no address"),
     ("members", "list", "--list", "none"), ("digest", "now", "--list", "none"),
     ("listen",), ("schedule",)],
    ids=" ".join,
)  # fmt: skip
def test_what_there_is_not_is_said_in_a_sentence(alone: Run, words: tuple[str, ...]) -> None:
    """Asking for what is not there is exit 1 and a sentence on standard error."""
    result = alone(*words)
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stderr.strip()
    assert result.stderr.strip()[-1] in ".`:"


def test_wrong_use_is_exit_code_2(run: Run) -> None:
    """An option that there is not, or an argument that is missing."""
    assert run("lists", "create").exit_code == 2
    assert run("inspect", "--nonsense", "x").exit_code == 2

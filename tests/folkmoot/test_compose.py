"""Dockerfile and docker-compose.yml name only what there is."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from core.settings import Settings
from folkmoot.cli import app

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LAID_OUT: dict[str, Any] = yaml.safe_load(COMPOSE)
OURS = {name: s for name, s in LAID_OUT["services"].items() if s.get("image") == "folkmoot"}


def variables() -> set[str]:
    """The name of every environment variable that a setting is read from."""
    names = {f"FOLKMOOT_{name.upper()}" for name in Settings.model_fields}
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        choices = getattr(alias, "choices", [alias] if alias else [])
        names |= {str(choice) for choice in choices}
    return names


def test_the_services_are_those_of_the_house() -> None:
    """Web, worker, listener and schedule run, after the database was brought up to date."""
    assert set(OURS) == {"migrate", "web", "worker", "listener", "schedule"}
    assert {"database", "redis"} <= set(LAID_OUT["services"])
    rehearsal = {n for n, s in LAID_OUT["services"].items() if s.get("profiles") == ["rehearsal"]}
    assert rehearsal == {"postfix", "dovecot"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_service_runs_a_command_that_there_is(name: str) -> None:
    """The command of every service of ours is one of the command line."""
    [command] = OURS[name]["command"]
    assert command in typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_the_image_starts_with_a_command_that_there_is() -> None:
    """What the image does when it is told nothing exists."""
    [command] = re.findall(r'^CMD \["(\w+)"\]$', DOCKERFILE, re.M)
    assert command in typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", [COMPOSE, DOCKERFILE], ids=["compose", "Dockerfile"])
def test_each_variable_is_a_setting(text: str) -> None:
    """Every FOLKMOOT_... and ..._URL that is named is read by the settings."""
    named = set(re.findall(r"\b(?:FOLKMOOT_[A-Z_]+|[A-Z]+_URL)\b", text))
    assert named
    assert named <= variables()


def test_each_file_is_there() -> None:
    """Everything that the image copies, and every file that a service mounts, exists."""
    copied = re.findall(r"^COPY (\S+) \S+$", DOCKERFILE, re.M)
    assert copied
    assert [path for path in copied if not (ROOT / path).exists()] == []
    mounts = [v for s in LAID_OUT["services"].values() for v in s.get("volumes", [])]
    folders = [m.split(":")[0] for m in mounts]
    assert all(f in LAID_OUT["volumes"] or (ROOT / f).exists() for f in folders)


def test_the_image_holds_every_room() -> None:
    """Every package that is a room, and the migrations, are copied into the image."""
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert rooms <= set(re.findall(r"^COPY (\w+) /app/\w+$", DOCKERFILE, re.M))


def test_no_secret_has_a_default() -> None:
    """Passwords and keys must be given: none is written here, none is empty unless optional."""
    for name in ("POSTGRES_PASSWORD", "FOLKMOOT_SECRET_KEY", "FOLKMOOT_IMAP_PASSWORD"):
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", COMPOSE)
        assert uses
        assert all(use.startswith(":?") for use in uses)
    for service in LAID_OUT["services"].values():
        for key, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|KEY", key):
                assert str(value).startswith("${"), key


def test_the_image_does_not_run_as_root_and_checks_hashes() -> None:
    """Dependencies come with their hashes, and the last USER is not root."""
    assert "--require-hashes" in DOCKERFILE
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.M)[-1] == "folkmoot"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in lock

"""Rules about the house that no linter can say: sizes, layers, kinds, events, commits, words."""

import ast
import dataclasses
import datetime as dt
import importlib
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from core.events import CATALOGUE
from core.settings import Settings
from tests.events_page import page

ROOT = Path(__file__).parent.parent
ROOMS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "root_packages"
]
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
LONGEST_MODULE = 400
LONGEST_FUNCTION = 45

#: Modules and functions that are longer, by name. These lists may only shrink.
LONG_MODULES: set[str] = set()
LONG_FUNCTIONS: set[str] = set()


def functions(path: Path) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions of a module with their names, those of classes too."""
    tree = ast.parse(path.read_text())
    return [
        (f"{path.relative_to(ROOT)}:{node.name}", node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    start = node.body[0]
    documented = (
        isinstance(start, ast.Expr)
        and isinstance(start.value, ast.Constant)
        and isinstance(start.value.value, str)
    )
    said = (start.end_lineno or 0) - start.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - said


def test_every_folder_of_code_is_a_room() -> None:
    """The linter's list of rooms is the list of packages."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests", "bench", "migrations"} == set(ROOMS)


def test_no_dependency_ships_a_package_of_our_names() -> None:
    """A room's name must not meet a package of the same name."""
    shipped = metadata.packages_distributions()
    clash = {room: set(shipped.get(room, [])) - {"folkmoot"} for room in ROOMS}
    assert not {room: found for room, found in clash.items() if found}


def test_modules_are_short() -> None:
    """A module that is longer than agreed is split."""
    long = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if len(path.read_text().splitlines()) > LONGEST_MODULE
    }
    assert long == LONG_MODULES


def test_functions_are_short() -> None:
    """A function that is longer than agreed is split."""
    long = {
        name
        for path in SOURCES
        for name, node in functions(path)
        if length(node) > LONGEST_FUNCTION
    }
    assert long == LONG_FUNCTIONS


def test_only_the_database_commits() -> None:
    """Functions take the session and never commit; entry points open the transaction."""
    guilty = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"\.commit\(", path.read_text())
        and path.relative_to(ROOT) != Path("core/database.py")
    ]
    assert guilty == []


def test_events_carry_ids_enums_and_instants() -> None:
    """An event may travel and be logged, so nothing personal fits into it."""
    allowed = {int, dt.datetime, bool, "int", "bool", "dt.datetime"}
    for name, event in CATALOGUE.items():
        for field in dataclasses.fields(event):
            code = field.type in allowed or (name, field.name) == ("AddressRefused", "reason")
            assert code, f"{name}.{field.name} is a {field.type}"


def test_every_event_says_what_it_means() -> None:
    """The catalogue is also the documentation."""
    for name, event in CATALOGUE.items():
        assert (event.__doc__ or "").strip(), name
        assert not (event.__doc__ or "").startswith(f"{name}("), name


def test_every_setting_is_explained() -> None:
    """A setting without a meaning is not set by anybody."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_say_their_reason(path: Path) -> None:
    """The first line of a module is one sentence that says why it exists."""
    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    first = said.partition("\n")[0]
    assert first.endswith((".", ":")) or said, path
    assert len(first) > 15, path


def test_every_reaction_has_a_name_of_its_own() -> None:
    """Receipts remember reactions by name, so each name finds exactly one."""
    reactions = importlib.import_module("workers.reactions")
    for event in CATALOGUE.values():
        for name in reactions.names(event):
            assert callable(reactions.find(name))


def test_the_page_of_events_is_up_to_date() -> None:
    """What `make docs` writes is what stands there."""
    assert (ROOT / "docs" / "events.md").read_text() == page()


def test_words_that_are_not_used() -> None:
    """No utils, no helpers, no managers: a name says what a thing is."""
    bad = re.compile(r"(^|_)(utils?|helpers?|manager|misc|common)(_|$)")
    assert [str(path) for path in SOURCES if bad.search(path.stem)] == []


def test_every_rfc_that_the_code_cites_is_in_the_index() -> None:
    """docs/rfc.md lists each RFC: yes, part or no; what it calls `yes` is cited somewhere."""
    index = (ROOT / "docs" / "rfc.md").read_text()
    listed = dict(re.findall(r"^\| (\d{3,5}) \|[^|]*\| (yes|part|no) \|", index, re.MULTILINE))
    cited = {
        number for path in SOURCES for number in re.findall(r"RFC (\d{3,5})", path.read_text())
    }
    assert cited - set(listed) == set()
    assert {number for number, state in listed.items() if state == "yes"} - cited == set()


def test_python_is_supported() -> None:
    """The oldest Python that the project promises is the one it is linted for."""
    assert sys.version_info >= (3, 11)

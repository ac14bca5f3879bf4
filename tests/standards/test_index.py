"""docs/standards.md tells the truth: each must that is kept has a test named after its id."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(
    r"^\| (O\d+) \| ([^|]+) \| (must|should) \| (yes|part|open|no) \| ([^|]*) \| ([^|]*)\|$", re.M
)
TEXT = (ROOT / "docs" / "standards.md").read_text()
ROWS: dict[str, re.Match[str]] = {found[1]: found for found in ROW.finditer(TEXT)}


def ids_in(path: Path) -> set[str]:
    """The ids in the names of a file's tests."""
    names = re.findall(r"def test_((?:o\d+_)+)", path.read_text())
    return {one.upper() for name in names for one in name.split("_") if one}


def test_every_id_stands_once_and_in_order() -> None:
    """O1 to O47, each in a row that can be read."""
    assert [found[1] for found in ROW.finditer(TEXT)] == [f"O{n}" for n in range(1, 48)]
    assert len(re.findall(r"^\| O\d", TEXT, re.MULTILINE)) == len(ROWS)


@pytest.mark.parametrize("id_", ROWS)
def test_what_is_kept_is_tested_where_it_is_said(id_: str) -> None:
    """Each file named has a test with the id, each place exists; nothing kept is untested."""
    _, what, kind, state, kept, files = ROWS[id_].groups()
    named = [name.strip() for name in files.split(",") if name.strip()]
    for name in named:
        assert id_ in ids_in(ROOT / "tests" / name), f"{name} has no test of {id_}: {what}"
    if state in {"yes", "part"}:
        assert named, f"{kind} {id_} is said to be kept, and no test shows it"
        for place in re.findall(r"\b[a-z_]+/[\w/]+(?:\.py)?", kept):
            assert (ROOT / place).exists(), place
    else:
        assert kept.strip(), f"{id_} is {state}: say why"


def test_no_test_is_named_after_an_unknown_id() -> None:
    """An id in a test's name is one of the page."""
    found = {id_ for path in (ROOT / "tests").rglob("test_*.py") for id_ in ids_in(path)}
    assert found - set(ROWS) == set()

"""Where the real mail is; it stays outside of the project and is only read."""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest


def corpus() -> Path:
    """The folder of real mail: MAIL_CORPORA, or `../shared/corpora` beside the project."""
    home = Path(__file__).parents[2]
    return Path(os.environ.get("MAIL_CORPORA", home.parent / "shared" / "corpora"))


def cases(source: str, capability: str) -> list[Any]:
    """The cases of a source that show a capability; one that says so when there is no mail."""
    manifest = corpus() / source / "manifest.json"
    if not manifest.exists():
        skip = pytest.mark.skip(reason=f"no real mail in {manifest.parent} (MAIL_CORPORA)")
        return [pytest.param({"id": source}, marks=skip)]
    found = json.loads(manifest.read_text())["cases"]
    return [case for case in found if capability in case["capability"]]


def present(source: str, capability: str) -> list[dict[str, Any]]:
    """The cases of a source, for use inside a test, which skips when there is no real mail."""
    if not (corpus() / source / "manifest.json").exists():
        pytest.skip(f"no real mail in {corpus() / source} (MAIL_CORPORA)")
    return cases(source, capability)


def given(sources: tuple[str, ...], capability: str) -> list[Any]:
    """The cases of several sources with their source's name."""
    found = []
    for source in sources:
        for case in cases(source, capability):
            marks = getattr(case, "marks", ())
            value = case.values[0] if marks else case
            found.append(pytest.param(source, value, marks=marks, id=str(value["id"])))
    return found


def explained(file: str, about: str) -> set[str]:
    """The cases that we read otherwise than their source, on purpose; the reasons are printed.

    `file` names a file of `disagreements/`, `about` a question in it.
    """
    path = Path(__file__).parent / "disagreements" / f"{file}.toml"
    groups = tomllib.loads(path.read_text()).get(about, [])
    for group in groups:
        print(f"  {len(group['cases'])} otherwise: {group['why']}")
    return {one for group in groups for one in group["cases"]}

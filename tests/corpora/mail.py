"""Where the real mail is; it stays outside of the project and is only read."""

import json
import os
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

"""The letters of this folder with their answers: each set has a manifest beside its files."""

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_MARKS = re.compile(r"[\s\u200b\ufeff*_>|•·\-–+#=]|(?<!\w)\d+[.)]")


def written(name: str) -> list[dict[str, Any]]:
    """The cases of a set, each with its bytes as `raw`."""
    cases: list[dict[str, Any]] = json.loads((HERE / name / "manifest.json").read_text())
    return [case | {"raw": (HERE / name / case["file"]).read_bytes()} for case in cases]


def folded(text: str) -> str:
    """A text with its blanks folded, without what takes no room."""
    return " ".join(text.replace("\u200b", "").replace("\ufeff", "").split())


def bare(text: str) -> str:
    """A text without blanks, and without the marks by which HTML becomes text."""
    return _MARKS.sub("", text)

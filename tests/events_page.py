"""The page docs/events.md, from the catalogue of events and the page of reactions."""

from core.events import CATALOGUE, summary
from workers import reactions

HEAD = """# Events and what follows from them

Written by `make docs` from the catalogue (`core/events.py`) and the page of reactions
(`workers/reactions.py`).
"""


def page() -> str:
    """The page as it should be."""
    lines = [HEAD, "| event | what it means | reactions |", "|---|---|---|"]
    for name, event in CATALOGUE.items():
        reacting = ", ".join(f"`{one}`" for one in reactions.names(event)) or "-"
        lines.append(f"| {name} | {summary(event)} | {reacting} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")

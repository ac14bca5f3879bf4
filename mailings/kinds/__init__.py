"""The kinds of mailing, found by walking this folder: each module has a constant `KIND`."""

import importlib
import pkgutil

from mailings.kind import Kind


def _found() -> dict[str, Kind]:
    """All kinds by name; the name of a kind is that of its module."""
    kinds: dict[str, Kind] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        kind: Kind = importlib.import_module(f"{__name__}.{module.name}").KIND
        if kind.name != module.name:
            raise ValueError(f"the kind in {module.name}.py calls itself {kind.name}")
        kinds[kind.name] = kind
    return kinds


ALL: dict[str, Kind] = _found()

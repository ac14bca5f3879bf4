"""Many rows as one parameter of a statement, for tables of which a message makes several.

With a parameter for each field of each row, to hand rows over costs more than to write them.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    String,
    Subquery,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.types import TypeEngine

from core import database

_WORD, _NUMBER = String(), BigInteger()


def given(words: str, numbers: str, instants: str = "") -> dict[str, Subquery]:
    """The rows of the parameter `rows`, to be selected from; by the name of the dialect.

    The columns are named, with blanks between: those that hold words, those of numbers, and those
    of instants. The parameter is what `handed` makes of rows.
    """
    columns: dict[str, TypeEngine[Any]] = dict.fromkeys(words.split(), _WORD)
    columns |= dict.fromkeys(numbers.split(), _NUMBER)
    columns |= dict.fromkeys(instants.split(), database.UtcDateTime())
    rows = bindparam("rows", type_=String())
    typed = [column(each, kind) for each, kind in columns.items()]
    records = func.json_to_recordset(cast(rows, JSON)).table_valued(*typed)
    value = func.json_each(rows).table_valued("value")
    fields: list[ColumnElement[Any]] = [
        func.json_extract(value.c.value, f"$.{each}", type_=kind).label(each)
        for each, kind in columns.items()
    ]
    return {
        "postgresql": select(records.render_derived(with_types=True)).subquery(),
        "sqlite": select(*fields).subquery(),
    }


def handed(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows of words, numbers, instants and nothing (None) as the parameter of a statement."""
    return _JSON.encode(rows)


def _in_words(value: object) -> str:
    """What JSON has no form for, in that of the databases."""
    if isinstance(value, dt.datetime):
        return database.in_words(value)
    raise TypeError(f"no column of ours holds {type(value).__name__}")


_JSON = json.JSONEncoder(default=_in_words)

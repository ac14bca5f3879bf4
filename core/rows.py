"""Many rows as one parameter of a statement, for tables of which a message makes several.

With a parameter for each field of each row, to hand rows over costs more than to write them.
"""

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

_WORD, _NUMBER = String(), BigInteger()


def given(words: str, numbers: str, name: str = "rows") -> dict[str, Subquery]:
    """The rows of the parameter `name`, to be selected from; by the name of the dialect.

    The columns are named, with blanks between: those that hold words, and those of numbers. The
    parameter is what `handed` makes of rows.
    """
    columns: dict[str, TypeEngine[Any]] = dict.fromkeys(words.split(), _WORD)
    columns |= dict.fromkeys(numbers.split(), _NUMBER)
    rows = bindparam(name, type_=String())
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
    """Rows of words, numbers and nothing (None) as the parameter of a statement."""
    return json.dumps(rows)

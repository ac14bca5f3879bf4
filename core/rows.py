"""Many rows as one parameter of a statement, for tables of which a message makes several.

With a parameter for each field of each row, to hand rows over costs more than to write them.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Insert,
    String,
    Subquery,
    Table,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from core import database

_WORD, _NUMBER = String(), BigInteger()


def given(words: str, numbers: str, name: str = "rows") -> dict[str, Subquery]:
    """The rows of the parameter `name`, to be selected from; by the name of the dialect.

    The columns are named, with blanks between: those that hold words, and those of numbers. The
    parameter is what `handed` makes of rows.
    """
    columns: dict[str, TypeEngine[Any]] = dict.fromkeys(words.split(), _WORD)
    columns |= dict.fromkeys(numbers.split(), _NUMBER)
    rows = bindparam(name, type_=String())
    value = func.json_each(rows).table_valued("value")
    fields: list[ColumnElement[Any]] = [
        func.json_extract(value.c.value, f"$.{each}", type_=kind).label(each)
        for each, kind in columns.items()
    ]
    return {
        "postgresql": _records(columns, name),
        "sqlite": select(*fields).subquery(),
    }


def handed(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows of words, numbers and nothing (None) as the parameter of a statement."""
    return json.dumps(rows)


def write(session: Session, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Write new rows of a table, all with the same columns.

    The driver for PostgreSQL sends each row by itself otherwise, and each of its fields as a value
    of its own; that for SQLite does it as fast as it goes.
    """
    if not rows:
        return
    connection = session.connection()
    if database.on_postgresql(session):
        told = json.dumps(rows, default=_in_words)
        connection.execute(_from_records(table, tuple(rows[0])), {"rows": told})
    else:
        connection.execute(insert(table), rows)


@cache
def _from_records(table: Table, names: tuple[str, ...]) -> Insert:
    told = _records({name: table.c[name].type for name in names}, "rows")
    return insert(table).from_select(names, select(*told.c))


def _records(columns: Mapping[str, TypeEngine[Any]], name: str) -> Subquery:
    """What PostgreSQL finds in the JSON of the parameter `name`."""
    rows = bindparam(name, type_=String())
    typed = [column(each, kind) for each, kind in columns.items()]
    records = func.json_to_recordset(cast(rows, JSON)).table_valued(*typed)
    return select(records.render_derived(with_types=True)).subquery()


def _in_words(value: object) -> str:
    """What JSON has no form for, in that of PostgreSQL."""
    if isinstance(value, dt.datetime):
        return database.in_utc(value).isoformat()
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"no column of ours holds {type(value).__name__}")

"""Many values as one parameter: a statement is the same, however many it asks for.

To spell out each value would have a new statement built, sent and parsed for each number of them.
"""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    String,
    bindparam,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine


def among(column: Column[Any] | InstrumentedAttribute[Any], name: str) -> ColumnElement[bool]:
    """Whether a column of numbers or words has one of the values of the parameter `name`.

    The values are given when the statement is executed, as any collection.
    """
    of = column.type if isinstance(column.type, Integer) else String()
    return _Among(column, bindparam(name, type_=_Many(of)))


class _Many(TypeDecorator[Collection[Any]]):
    """An array on PostgreSQL, JSON on SQLite, which has none."""

    impl = String
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(self.of) if dialect.name == "postgresql" else String()

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> Any:
        """As it is: compared with 1, as SQLAlchemy would for SQLite, no index is used."""
        return self


@compiles(_Among, "postgresql")
def _with_array(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, many = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} = ANY ({many})"


@compiles(_Among, "sqlite")
def _with_json(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, many = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({many}))"  # noqa: S608 - names of our own

"""The migrations, put together, make the tables of the models: nothing is forgotten in either."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import workers.reactions  # noqa: F401 - every table is known once all rooms are
from core import database

#: The full-text index is made by hand, in words that the models do not know.
BY_HAND = "post_search"


def test_the_migrations_make_the_models(db: str) -> None:
    """On both databases."""
    with database.engine().connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), database.Base.metadata)
    assert [change for change in found if BY_HAND not in str(change)] == []

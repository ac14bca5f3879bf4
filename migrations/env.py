"""How Alembic reaches the database: through the engine of this process."""

from alembic import context

import archive.models
import core.leases
import core.outbox
import mailer.models
import meetings.models
import subscribers.models
import web.models
from core import database

TABLES = (archive.models, core.leases, core.outbox, mailer.models, meetings.models,
          subscribers.models, web.models)  # fmt: skip

#: Full-text tables are made by hand; comparing models must leave them alone.
BY_HAND = ("post_search",)


def _include(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and (name or "").startswith(BY_HAND))


with database.engine().connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=database.Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        include_name=_include,
        user_module_prefix="database.",
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()

"""Statistics of tables that have just been filled, without which PostgreSQL plans by guesses.

Autovacuum takes them a minute later or more. Until then a house that is new, or moves in with its
archive, would have whole tables read for each message.
"""

from sqlalchemy import text

from core import database

#: To read a table of fewer rows as a whole costs nothing.
ENOUGH = 1_000
_NEVER_TAKEN = text(
    "SELECT quote_ident(schemaname) || '.' || quote_ident(relname) FROM pg_stat_user_tables"
    " WHERE last_analyze IS NULL AND last_autoanalyze IS NULL AND n_live_tup >= :enough"
)


def take_first() -> None:
    """Take the statistics of tables of which there are none yet, where the database needs that."""
    with database.transaction() as session:
        if database.on_postgresql(session):
            for name in session.scalars(_NEVER_TAKEN, {"enough": ENOUGH}).all():
                session.execute(text(f"ANALYZE {name}"))

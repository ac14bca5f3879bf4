"""Full-text search over posts: FTS5 on SQLite, tsvector on PostgreSQL."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQLITE = """
CREATE VIRTUAL TABLE post_search USING fts5(
    subject, author, body, tokenize = "porter unicode61 remove_diacritics 2"
)
"""
# On PostgreSQL the foreign key does this.
SQLITE_FORGETS = """
CREATE TRIGGER post_search_forgets AFTER DELETE ON post
BEGIN DELETE FROM post_search WHERE rowid = old.id; END
"""
POSTGRESQL = """
CREATE TABLE post_search (
    post_id integer PRIMARY KEY REFERENCES post (id) ON DELETE CASCADE,
    document tsvector NOT NULL
)
"""
POSTGRESQL_INDEX = "CREATE INDEX ix_post_search_document ON post_search USING gin (document)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(SQLITE)
        op.execute(SQLITE_FORGETS)
    else:
        op.execute(POSTGRESQL)
        op.execute(POSTGRESQL_INDEX)

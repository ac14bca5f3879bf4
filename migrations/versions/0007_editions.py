"""Mailings that bring the same to several lists."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In words of its own: SQLite can add such a column, but not a constraint to a table in use.
    op.execute(
        "ALTER TABLE mailing ADD COLUMN edition INTEGER"
        " CONSTRAINT fk_mailing_edition_mailing REFERENCES mailing (id)"
    )
    op.create_index("ix_mailing_edition", "mailing", ["edition"])

"""An index of the events that wait, by name: it stays small however many have happened."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_event_unspread", "event")
    waiting = text("spread_at IS NULL")
    op.create_index(
        "ix_event_unspread", "event", ["name", "id"],
        postgresql_where=waiting, sqlite_where=waiting,
    )  # fmt: skip

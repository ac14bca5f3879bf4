"""Words of moderators on the places of posts: joined, split, moved, undone."""

import sqlalchemy as sa
from alembic import op

from core import database

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "edit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("list_id", sa.Integer(), sa.ForeignKey("list.id"), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("message_id", sa.String(length=998), nullable=False),
        sa.Column("below", sa.String(length=998), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("was_below", sa.String(length=998), nullable=False),
        sa.Column("was_in", sa.Integer(), sa.ForeignKey("thread.id"), nullable=False),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("at", database.UtcDateTime(), nullable=False),
        sa.Column("undone_at", database.UtcDateTime(), nullable=True),
        sa.Column("undone_by", sa.Integer(), sa.ForeignKey("person.id"), nullable=True),
    )
    op.create_index("ix_edit_person_id", "edit", ["person_id"])
    standing = sa.text("undone_at IS NULL")
    op.create_index(
        "ix_edit_standing", "edit", ["list_id"],
        postgresql_where=standing, sqlite_where=standing,
    )  # fmt: skip

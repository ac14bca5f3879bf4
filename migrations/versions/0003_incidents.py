"""Refusals of a whole domain, the words of servers, and people who seem to have left."""

import sqlalchemy as sa
from alembic import op

from core import database

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What follows the last @ of a key.
SQLITE = "UPDATE address SET domain = replace(key, rtrim(key, replace(key, '@', '')), '')"
POSTGRESQL = "UPDATE address SET domain = substring(key from '[^@]*$')"


def upgrade() -> None:
    domain = sa.Column("domain", sa.String(length=320), nullable=False, server_default="")
    op.add_column("address", domain)
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(SQLITE if on_sqlite else POSTGRESQL)
    op.create_index("ix_address_domain", "address", ["domain"])
    op.create_table(
        "incident",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("opened_at", database.UtcDateTime(), nullable=False),
        sa.Column("last_at", database.UtcDateTime(), nullable=False),
        sa.Column("closed_at", database.UtcDateTime(), nullable=True),
        sa.Column("closed_by", sa.Integer(), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("addresses", sa.Integer(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
    )
    op.create_index("ix_incident_domain", "incident", ["domain"])
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_incident_open", "incident", ["domain"], unique=True,
        postgresql_where=still_open, sqlite_where=still_open,
    )  # fmt: skip
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.add_column(sa.Column("words", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("delivery", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("incident_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key("fk_refusal_incident_id", "incident", ["incident_id"], ["id"])
        batch_op.create_unique_constraint("uq_refusal_delivery_reason", ["delivery", "reason"])
    op.create_index("ix_refusal_incident_id", "refusal", ["incident_id"])
    op.create_index("ix_refusal_at", "refusal", ["at"])
    op.create_table(
        "leaver",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("at", database.UtcDateTime(), nullable=False),
        sa.Column("told_at", database.UtcDateTime(), nullable=True),
        sa.Column("decision", sa.String(length=10), nullable=True),
        sa.Column("decided_at", database.UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), sa.ForeignKey("person.id"), nullable=True),
    )
    op.create_index("ix_leaver_person_id", "leaver", ["person_id"])

"""The name on a copy, so that planning is one statement; the sum and the trouble of a mailing."""

import sqlalchemy as sa
from alembic import op

from core import database

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Copies planned before keep their texts in `slots`, which go first: a retry is the same bytes.
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sa.String(length=200), nullable=True))
        batch_op.alter_column("slots", existing_type=sa.String(), nullable=True)
    with op.batch_alter_table("mailing", schema=None) as batch_op:
        batch_op.add_column(sa.Column("copies", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("trouble", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("trouble_at", database.UtcDateTime(), nullable=True))
    op.execute(
        "UPDATE mailing SET copies = (SELECT count(*) FROM delivery"
        " WHERE delivery.mailing_id = mailing.id) WHERE planned_at IS NOT NULL"
    )

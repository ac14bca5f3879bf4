"""What was found out about the author of a message when it came."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incoming", sa.Column("vouched", sa.String(255), nullable=True))
    op.add_column("incoming", sa.Column("doubt", sa.String(200), nullable=True))

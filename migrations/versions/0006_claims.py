"""An index of copies in the order in which they are claimed."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_delivery_due", "delivery")
    op.drop_index("ix_delivery_mailing_state", "delivery")
    op.create_index("ix_delivery_claim", "delivery", ["state", "mailing_id", "next_try", "id"])

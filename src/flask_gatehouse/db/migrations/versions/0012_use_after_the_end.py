"""When somebody first came with the cookie of a session that had ended"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gatehouse_sessions", sa.Column("used_after_end_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("gatehouse_sessions", "used_after_end_at")

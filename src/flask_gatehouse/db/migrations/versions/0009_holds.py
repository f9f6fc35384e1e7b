"""Holds on accounts whose owner says that it was not she, and the language in which somebody is written to"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEX = "ix_gatehouse_users_held_at"


def upgrade() -> None:
    op.add_column("gatehouse_users", sa.Column("held_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("gatehouse_users", sa.Column("language", sa.String(length=8), nullable=True))
    held = sa.text("held_at IS NOT NULL")
    op.create_index(op.f(INDEX), "gatehouse_users", ["held_at"], sqlite_where=held, postgresql_where=held)


def downgrade() -> None:
    op.drop_index(op.f(INDEX), table_name="gatehouse_users")
    op.drop_column("gatehouse_users", "language")
    op.drop_column("gatehouse_users", "held_at")

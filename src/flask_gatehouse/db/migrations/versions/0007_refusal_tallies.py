"""How often accounts and networks were refused lately"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gatehouse_refusal_tallies",
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waits", sa.Integer(), nullable=False),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_gatehouse_refusal_tallies")),
    )
    op.create_index(op.f("ix_gatehouse_refusal_tallies_forget_at"), "gatehouse_refusal_tallies", ["forget_at"])


def downgrade() -> None:
    op.drop_table("gatehouse_refusal_tallies")

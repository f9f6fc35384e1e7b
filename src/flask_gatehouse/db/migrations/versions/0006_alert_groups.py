"""What sinks will be told, gathered by rule and by what the events have in common"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gatehouse_alert_groups",
        sa.Column("sink", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("examples", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sink"],
            ["gatehouse_alert_sinks.name"],
            name=op.f("fk_gatehouse_alert_groups_sink"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sink", "rule", "key", name=op.f("pk_gatehouse_alert_groups")),
    )
    for columns in (["sink", "due_at"], ["sink", "forget_at"]):
        op.create_index(op.f("_".join(["ix_gatehouse_alert_groups", *columns])), "gatehouse_alert_groups", columns)


def downgrade() -> None:
    op.drop_table("gatehouse_alert_groups")

"""The ledger's key, erasures on their way into it, how far retention has come; an invitation's id stays its own"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = op.create_table(
        "gatehouse_ledger_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatehouse_ledger_key")),
    )
    # Before the first backup: one without the key could not be told from that of another database.
    op.bulk_insert(key, [{"id": 1, "key": secrets.token_bytes(32)}])
    op.create_table(
        "gatehouse_pending_erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatehouse_pending_erasures")),
    )
    op.create_table(
        "gatehouse_retention_cursors",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_gatehouse_retention_cursors")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(sqlite_autoincrement=True)


def _rebuild(**options: bool) -> None:
    """Make the table of invitations anew, which is the only way in which SQLite changes how it gives out ids."""
    with op.batch_alter_table("gatehouse_invitations", recreate="always", table_kwargs=options):
        pass


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(sqlite_autoincrement=False)
    op.drop_table("gatehouse_retention_cursors")
    op.drop_table("gatehouse_pending_erasures")
    op.drop_table("gatehouse_ledger_key")

"""Since when nobody has come in, and since when nobody has decided about a role"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NEVER = sa.text("'1970-01-01 00:00:00.000000'")
LISTS = {"idle_since": None, "role_confirmed_at": sa.text("role <> 'viewer'")}


def upgrade() -> None:
    for column in LISTS:
        added = sa.Column(column, sa.DateTime(timezone=True), server_default=NEVER, nullable=False)
        op.add_column("gatehouse_users", added)
    # That somebody has a role from of old is no decision: the first review asks about everybody.
    op.get_bind().exec_driver_sql(
        "UPDATE gatehouse_users SET idle_since = coalesce(last_sign_in_at, created_at), role_confirmed_at = created_at"
    )
    for column, where in LISTS.items():
        name = op.f(f"ix_gatehouse_users_is_active_{column}_id")
        op.create_index(
            name, "gatehouse_users", ["is_active", column, "id"], sqlite_where=where, postgresql_where=where
        )


def downgrade() -> None:
    for column in LISTS:
        op.drop_index(op.f(f"ix_gatehouse_users_is_active_{column}_id"), table_name="gatehouse_users")
        op.drop_column("gatehouse_users", column)

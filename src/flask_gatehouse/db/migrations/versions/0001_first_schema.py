"""People, identities, sessions, spent attempts and the first form of the trail"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gatehouse_audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "success", "denied", "failure", name="outcome", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.String(length=22), nullable=True),
        sa.Column("resource_type", sa.String(length=64), nullable=True),
        sa.Column("resource_id", sa.String(length=255), nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.String(length=255), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatehouse_audit_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_gatehouse_audit_events_occurred_at"), "gatehouse_audit_events", ["occurred_at"], unique=False
    )
    op.create_table(
        "gatehouse_invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column(
            "role",
            sa.Enum("admin", "editor", "viewer", name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("invited_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatehouse_invitations")),
        sa.UniqueConstraint("email", name=op.f("uq_gatehouse_invitations_email")),
    )
    op.create_table(
        "gatehouse_spent_attempts",
        sa.Column("state_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_digest", name=op.f("pk_gatehouse_spent_attempts")),
    )
    op.create_index(
        op.f("ix_gatehouse_spent_attempts_spent_at"), "gatehouse_spent_attempts", ["spent_at"], unique=False
    )
    op.create_table(
        "gatehouse_users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_is_fixed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("admin", "editor", "viewer", name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("session_generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatehouse_users")),
        sa.UniqueConstraint("email", name=op.f("uq_gatehouse_users_email")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_gatehouse_users_created_at_id"), "gatehouse_users", ["created_at", "id"], unique=False)
    op.create_table(
        "gatehouse_identities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("email_is_authoritative", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["gatehouse_users.id"], name=op.f("fk_gatehouse_identities_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatehouse_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_gatehouse_identities_issuer_subject")),
    )
    op.create_index(op.f("ix_gatehouse_identities_user_id"), "gatehouse_identities", ["user_id"], unique=False)
    op.create_table(
        "gatehouse_sessions",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("provider_session_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "end_reason",
            sa.Enum(
                "logout",
                "revoked",
                "idle",
                "absolute",
                "replaced",
                "deactivated",
                "generation",
                name="endreason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["gatehouse_users.id"], name=op.f("fk_gatehouse_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatehouse_sessions")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_gatehouse_sessions_token_digest")),
    )
    op.create_index(
        op.f("ix_gatehouse_sessions_ended_at_last_seen_at"),
        "gatehouse_sessions",
        ["ended_at", "last_seen_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_gatehouse_sessions_user_id_ended_at"), "gatehouse_sessions", ["user_id", "ended_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_gatehouse_sessions_user_id_ended_at"), table_name="gatehouse_sessions")
    op.drop_index(op.f("ix_gatehouse_sessions_ended_at_last_seen_at"), table_name="gatehouse_sessions")
    op.drop_table("gatehouse_sessions")
    op.drop_index(op.f("ix_gatehouse_identities_user_id"), table_name="gatehouse_identities")
    op.drop_table("gatehouse_identities")
    op.drop_index(op.f("ix_gatehouse_users_created_at_id"), table_name="gatehouse_users")
    op.drop_table("gatehouse_users")
    op.drop_index(op.f("ix_gatehouse_spent_attempts_spent_at"), table_name="gatehouse_spent_attempts")
    op.drop_table("gatehouse_spent_attempts")
    op.drop_table("gatehouse_invitations")
    op.drop_index(op.f("ix_gatehouse_audit_events_occurred_at"), table_name="gatehouse_audit_events")
    op.drop_table("gatehouse_audit_events")

"""What the list of users is searched and sorted by, requests to join, and the way from a person to her events"""

import logging
import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

log = logging.getLogger("flask_gatehouse.migrations")

ORDERS = (["search_text", "id"], ["email", "id"], ["role", "id"], ["is_active", "id"], ["last_sign_in_at", "id"])
TRIGRAMS = "ix_gatehouse_users_search_trigrams"
BATCH = 5000
# ``INSERT … VALUES ('delete', …)`` is how an index over another table's content is told what it forgets.
TRIGGERS = {
    "insert": """CREATE TRIGGER gatehouse_user_search_insert AFTER INSERT ON gatehouse_users BEGIN
        INSERT INTO gatehouse_user_search (rowid, search_text) VALUES (new.id, new.search_text); END""",
    "delete": """CREATE TRIGGER gatehouse_user_search_delete AFTER DELETE ON gatehouse_users BEGIN
        INSERT INTO gatehouse_user_search (gatehouse_user_search, rowid, search_text)
        VALUES ('delete', old.id, old.search_text); END""",
    "update": """CREATE TRIGGER gatehouse_user_search_update AFTER UPDATE OF search_text ON gatehouse_users
        WHEN old.search_text IS NOT new.search_text BEGIN
        INSERT INTO gatehouse_user_search (gatehouse_user_search, rowid, search_text)
        VALUES ('delete', old.id, old.search_text);
        INSERT INTO gatehouse_user_search (rowid, search_text) VALUES (new.id, new.search_text); END""",
}


def upgrade() -> None:
    connection = op.get_bind()
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:
        # In the order of its bytes a prefix is a range of the index, in whatever language the database sorts.
        connection.exec_driver_sql('ALTER TABLE gatehouse_users ALTER COLUMN email TYPE varchar(254) COLLATE "C"')
    text = sa.String(length=456).with_variant(sa.String(length=456, collation="C"), "postgresql")
    op.add_column("gatehouse_users", sa.Column("search_text", text, server_default="", nullable=False))
    _fill(connection)
    for columns in ORDERS:
        op.create_index(op.f("_".join(["ix_gatehouse_users", *columns])), "gatehouse_users", columns)
    if is_postgresql:
        _index_trigrams_of_postgresql(connection)
    else:
        _index_trigrams_of_sqlite(connection)
    op.create_index(
        op.f("ix_gatehouse_audit_events_resource_type_resource_id_id"),
        "gatehouse_audit_events",
        ["resource_type", "resource_id", "id"],
    )
    _create_join_requests()


def _create_join_requests() -> None:
    op.create_table(
        "gatehouse_join_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("email_is_authoritative", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "approved_role",
            sa.Enum("admin", "editor", "viewer", name="role", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatehouse_join_requests")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_gatehouse_join_requests_issuer_subject")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_gatehouse_join_requests_requested_at"), "gatehouse_join_requests", ["requested_at"])


def _fill(connection: sa.Connection) -> None:
    """Write for everybody who is here already what she is searched by, as ``accounts.fold`` does for newcomers."""
    users = sa.table(
        "gatehouse_users", sa.column("id"), sa.column("name"), sa.column("email"), sa.column("search_text")
    )
    change = sa.update(users).where(users.c.id == sa.bindparam("key")).values(search_text=sa.bindparam("text"))
    last = 0
    while rows := connection.execute(
        sa.select(users.c.id, users.c.name, users.c.email).where(users.c.id > last).order_by(users.c.id).limit(BATCH)
    ).all():
        connection.execute(
            change,
            [{"key": row.id, "text": f"\n{_folded(row.name)[:200]}\n{_folded(row.email or '')[:254]}"} for row in rows],
        )
        last = rows[-1].id


def _folded(text: str) -> str:
    bare = unicodedata.normalize("NFD", text).translate(dict.fromkeys(range(0x0300, 0x0370)))
    return unicodedata.normalize("NFC", bare.casefold())


def _index_trigrams_of_postgresql(connection: sa.Connection) -> None:
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            connection.exec_driver_sql(
                f"CREATE INDEX {TRIGRAMS} ON gatehouse_users USING gin (search_text gin_trgm_ops)"
            )
    except DBAPIError as error:
        log.warning("searching users will be slower than it could be: pg_trgm cannot be used here (%s)", error.orig)


def _index_trigrams_of_sqlite(connection: sa.Connection) -> None:
    try:
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE gatehouse_user_search USING fts5("
            "search_text, content='gatehouse_users', content_rowid='id', tokenize='trigram')"
        )
    except DBAPIError as error:
        log.warning("searching users will be slower than it could be: SQLite has no trigrams here (%s)", error.orig)
        return
    version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
    if tuple(map(int, version.split("."))) >= (3, 42):
        # What is deleted leaves no trace in the index either.
        connection.exec_driver_sql(
            "INSERT INTO gatehouse_user_search (gatehouse_user_search, rank) VALUES ('secure-delete', 1)"
        )
    connection.exec_driver_sql("INSERT INTO gatehouse_user_search (gatehouse_user_search) VALUES ('rebuild')")
    for trigger in TRIGGERS.values():
        connection.exec_driver_sql(trigger)


def downgrade() -> None:
    op.drop_index(op.f("ix_gatehouse_join_requests_requested_at"), table_name="gatehouse_join_requests")
    op.drop_table("gatehouse_join_requests")
    op.drop_index(op.f("ix_gatehouse_audit_events_resource_type_resource_id_id"), table_name="gatehouse_audit_events")
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # The extension stays: somebody else may use it.
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {TRIGRAMS}")
        connection.exec_driver_sql("ALTER TABLE gatehouse_users ALTER COLUMN email TYPE varchar(254)")
    else:
        for name in TRIGGERS:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS gatehouse_user_search_{name}")
        connection.exec_driver_sql("DROP TABLE IF EXISTS gatehouse_user_search")
    for columns in ORDERS:
        op.drop_index(op.f("_".join(["ix_gatehouse_users", *columns])), table_name="gatehouse_users")
    op.drop_column("gatehouse_users", "search_text")

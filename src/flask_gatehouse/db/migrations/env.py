"""Run by Alembic, with the connection that ``db.migrate`` hands over."""

from alembic import context
from sqlalchemy import Connection, text

from flask_gatehouse.db.base import Base
from flask_gatehouse.db.database import begin_immediately
from flask_gatehouse.db.schema import VERSION_TABLE

# Any fixed number: it names the lock that makes a second node wait.
_MIGRATION_LOCK = 7_205_349_412
# Made by the migrations for searching, and known to no model: what they are differs from database to database.
_UNMODELLED = ("gatehouse_user_search", "ix_gatehouse_users_search_trigrams")


def is_modelled(name: str | None, kind: str, _parents: object) -> bool:
    """Return whether Alembic shall compare this with the models."""
    if name is not None and name.startswith(_UNMODELLED):
        return False
    return kind != "table" or bool(name and name.startswith("gatehouse_"))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        include_name=is_modelled,
        compare_type=True,
        compare_server_default=False,
        # On SQLite too, which can do it and is not expected to: whoever stops the first start halfway would otherwise
        # have a database that no start can go on with.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        begin_immediately(connection)
        if connection.dialect.name == "postgresql":
            # The deadlines of requests are not for this: another node's migration may take long, and so may ours.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        context.run_migrations()


run(context.config.attributes["connection"])

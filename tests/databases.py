"""Fresh PostgreSQL databases at the price of a TRUNCATE.

Copying a template costs a tenth of a second, which hundreds of tests would pay. A worker keeps its database
instead, empties it before each test, and makes it anew only if the test before changed more than rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from flask_gatehouse.db import migrate
from flask_gatehouse.db.engine import make_engine
from tests.services import Services

# Everything in the schema that is not a row: tables, columns, sequences, indexes, constraints, triggers, functions.
SHAPE = """
WITH ours AS (SELECT oid, relname FROM pg_class WHERE relnamespace = to_regnamespace('public'))
SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
  SELECT concat(oid, relname) FROM ours
  UNION ALL SELECT concat(attrelid, attname, atttypid, attnotnull) FROM pg_attribute JOIN ours ON attrelid = ours.oid
  UNION ALL SELECT concat(oid, conname) FROM pg_constraint
  UNION ALL SELECT concat(oid, tgname, tgenabled) FROM pg_trigger
  UNION ALL SELECT concat(oid, proname) FROM pg_proc WHERE pronamespace = to_regnamespace('public')
) AS parts(part)
"""
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'gatehouse_%%' AND relname <> ALL(%s)"
# In which the migrations themselves have put something.
FILLED = ["gatehouse_alembic_version", "gatehouse_ledger_key"]


class WorkerDatabase:
    """The PostgreSQL database of one worker, and the migrated template from which it is made."""

    def __init__(self, services: Services, worker: str) -> None:
        self._services = services
        self._name, self._template = f"test_{worker}", f"template_{worker}"
        self._shape: str | None = None
        with self._connect("postgres") as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(self._template)))
        engine = make_engine(services.database_url(self._template))
        migrate.upgrade(engine)
        engine.dispose()

    def fresh(self) -> str:
        """Return the address of the database, with nothing in it but what the migrations made."""
        with self._connect("postgres") as connection:
            connection.execute(OTHERS, [self._name])
        if self._shape is None or not self._emptied():
            self._make()
        return self._services.database_url(self._name)

    @contextmanager
    def another(self, name: str) -> Iterator[str]:
        """Have one more database of the server, migrated and empty, and yield its address."""
        with self._connect("postgres") as connection:
            self._make_of_template(connection, name)
            yield self._services.database_url(name)
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))

    def copied(self, name: str) -> str:
        """Return the address of a copy of the database as it is now; the next test of that name replaces it."""
        copy, here = Identifier(f"{self._name}_{name}"), Identifier(self._name)
        with self._connect("postgres") as connection:
            connection.execute(OTHERS, [self._name])
            connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(copy))
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(copy, here))
        return self._services.database_url(f"{self._name}_{name}")

    def _emptied(self) -> bool:
        with self._connect(self._name) as connection:
            if self._current_shape(connection) != self._shape:
                return False
            tables = [name for (name,) in connection.execute(TABLES, [FILLED])]
            names = SQL(", ").join(map(Identifier, tables))
            # Without the guards of the trail, which let nobody empty it.
            connection.execute("SET session_replication_role = replica")
            connection.execute(SQL("TRUNCATE {} RESTART IDENTITY").format(names))
        return True

    def _make(self) -> None:
        with self._connect("postgres") as connection:
            connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(self._name)))
            self._make_of_template(connection, self._name)
        with self._connect(self._name) as connection:
            self._shape = self._current_shape(connection)

    def _make_of_template(self, connection: psycopg.Connection[Any], name: str) -> None:
        made = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(made.format(Identifier(name), Identifier(self._template)))

    def _current_shape(self, connection: psycopg.Connection[Any]) -> str:
        (shape,) = connection.execute(SHAPE).fetchone() or ("",)
        return str(shape)

    def _connect(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self._services.database_url(name), autocommit=True)

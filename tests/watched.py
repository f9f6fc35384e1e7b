"""How a database finds what it is asked for, told by itself while it answers: which indexes, and how much work.

PostgreSQL's ``auto_explain`` hands over the plan of each statement that has run, with the rows that it looked at.
SQLite explains each statement that is about to run, and counts the steps of its machine.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

_PLANS = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_analyze = on",
    "SET auto_explain.log_timing = off",
    "SET auto_explain.log_buffers = on",
    "SET auto_explain.log_format = json",
    # To the client, and not into the server's own log.
    "SET client_min_messages = log",
    "SET log_min_messages = fatal",
)
# SQLite counts its steps in so many at a time.
_STEPS = 50
_EXPLAINED = {"SELECT", "WITH", "UPDATE", "DELETE"}
_NO_TABLE = {"Subquery Scan", "CTE Scan", "Function Scan", "WorkTable Scan"}
_READ = re.compile(
    r"(?P<way>SCAN|SEARCH) (?P<table>\S+)"
    r"(?: USING (?:COVERING )?(?:INTEGER )?(?:INDEX )?(?P<index>.*)| VIRTUAL TABLE (?P<virtual>.*))?"
)
_NO_ROWS = ("SUBQUERY", "(", "CONSTANT", "json_each")


@dataclass(slots=True)
class Work:
    """What was done for one question.

    :param rows: how many rows PostgreSQL looked at, also those that did not fit.
    :param pages: how many pages of tables and indexes PostgreSQL looked into for them.
    :param steps: how many steps SQLite's machine made.
    :param indexes: by which tables were read.
    :param whole: tables that were read without any.
    :param plans: what the database said, for whoever has to find out why.
    """

    rows: int = 0
    pages: int = 0
    steps: int = 0
    indexes: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)

    @property
    def amount(self) -> int:
        """Return how much was done, in what this database counts."""
        return self.rows or self.steps

    def read(self, table: str, index: str | None) -> None:
        known = self.indexes if index else self.whole
        name = index or table
        if name not in known:
            known.append(name)


class Watch:
    """What a database has done since the last :meth:`take`."""

    def __init__(self) -> None:
        self._work = Work()

    def take(self) -> Work:
        taken, self._work = self._work, Work()
        return taken

    def step(self) -> None:
        self._work.steps += _STEPS

    def explained(self, details: list[str]) -> None:
        """Take what SQLite says of a statement."""
        self._work.plans += details
        for detail in details:
            found = _READ.fullmatch(detail)
            if found and not found["table"].startswith(_NO_ROWS):
                index = found["index"] or (found["virtual"] and f"{found['table']} {found['virtual']}")
                self._work.read(found["table"], index or ("rowid" if found["way"] == "SEARCH" else None))

    def ran(self, message: str) -> None:
        """Take what PostgreSQL says of a statement."""
        _, is_plan, told = message.partition("plan:\n")
        if is_plan:
            plan = json.loads(told)["Plan"]
            self._work.plans.append(told)
            self._work.pages += plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
            self._node(plan)

    def _node(self, node: dict[str, Any]) -> None:
        for part in node.get("Plans", ()):
            self._node(part)
        kind = node["Node Type"]
        if not kind.endswith("Scan") or kind in _NO_TABLE:
            return
        removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        self._work.rows += (node.get("Actual Rows", 0) + removed) * node.get("Actual Loops", 1)
        if kind != "Bitmap Heap Scan":
            self._work.read(node.get("Relation Name", ""), node.get("Index Name"))


@contextmanager
def watching(engine: Engine, *, prepared: bool = False) -> Iterator[Watch]:
    """Watch every connection that this engine opens from now on.

    :param prepared: let PostgreSQL prepare a statement when it comes for the first time, and not for the sixth.
    """
    watch = Watch()

    def connected(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_progress_handler(watch.step, _STEPS)
        elif isinstance(connection, psycopg.Connection):
            _tell_plans(connection, watch, prepared=prepared)

    def asked(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if isinstance(cursor, sqlite3.Cursor) and statement.split(None, 1)[0] in {"SELECT", "WITH", "UPDATE", "DELETE"}:
            said = cursor.connection.cursor().execute(
                f"EXPLAIN QUERY PLAN {statement}", parameters[0] if many else parameters
            )
            watch.explained([row[3] for row in said])

    event.listen(engine, "connect", connected)
    event.listen(engine, "before_cursor_execute", asked)
    yield watch


def _tell_plans(connection: psycopg.Connection[Any], watch: Watch, *, prepared: bool) -> None:
    was = connection.autocommit
    connection.autocommit = True
    for statement in _PLANS:
        connection.execute(statement)
    if prepared:
        connection.prepare_threshold = 0
    connection.add_notice_handler(lambda notice: watch.ran(notice.message_primary or ""))
    connection.autocommit = was

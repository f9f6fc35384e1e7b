"""Nodes that share one database, and what the database says of them."""

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import func, select

from flask_gatehouse.accounts.models import User
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.audit.sealing import seal_lag
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.sessions.models import UserSession
from tests.ports import free_port
from tests.prepared import run_prepared
from tests.processes import PROGRAMS, Node, running_gatehouse
from tests.trail import said

REPOSITORY = Path(__file__).parent.parent.parent
Server = Literal["run", "gunicorn"]
# How long a command may take, on a busy machine.
PATIENCE_S = 300
# Where one administrator serves many tests, which together may take longer than her proof counts on a busy machine.
CONFIRMED_FOR_LONG = {"GATEHOUSE_CONFIRM_MAX_AGE": "12h"}


@dataclass(frozen=True, slots=True)
class Site:
    """Nodes behind one address, which is the first one's, and their database as somebody else sees it.

    :param environment: what each node was started with.
    """

    nodes: Sequence[Node]
    database: Database
    environment: Mapping[str, str]

    @property
    def node(self) -> Node:
        return self.nodes[0]

    @property
    def other(self) -> Node:
        return self.nodes[1]

    def user_id(self, email: str) -> int | None:
        with self.database.reading() as connection:
            return connection.scalar(select(User.id).where(User.email == email))

    def users(self) -> int:
        with self.database.reading() as connection:
            return connection.scalar(select(func.count(User.id))) or 0

    def sessions(self, email: str) -> list[dict[str, Any]]:
        """Return the rows of all sessions of a person, the oldest first."""
        table = UserSession.__table__
        wanted = select(table).join(User, User.id == table.c.user_id).where(User.email == email)
        with self.database.reading() as connection:
            return [dict(row._mapping) for row in connection.execute(wanted.order_by(table.c.created_at))]

    def is_sealed(self) -> bool:
        """Return whether the worker has sealed all that has happened, so that a checkpoint signs it."""
        with self.database.reading() as connection:
            return not seal_lag(connection)

    def last_event(self) -> int:
        """Return where the trail ends now, for ``events``."""
        with self.database.reading() as connection:
            return connection.scalar(select(func.max(AuditEventRow.id))) or 0

    def events(self, since: int = 0, **having: Any) -> list[tuple[str, dict[str, Any]]]:
        """Return names and details of the events after ``since`` whose columns are these, in their order.

        After a certain one, without those of the worker: it ends the sessions of other tests when it comes to them.
        """
        wanted = select(AuditEventRow.event, AuditEventRow.body).where(AuditEventRow.id > since)
        if since:
            wanted = wanted.where(AuditEventRow.actor_kind != "system")
        with self.database.reading() as connection:
            rows = connection.execute(wanted.filter_by(**having).order_by(AuditEventRow.id)).all()
        return [(event, said(body)) for event, body in rows]

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``gatehouse …`` as the operator of this site would."""
        return gatehouse(words, self.environment, self.node.directory)


@contextmanager
def running_site(
    database_url: str,
    env: Mapping[str, str] | None = None,
    *,
    servers: Sequence[Server] = ("run",),
    application: str = "flask_gatehouse.wsgi:app",
    threads: int = 4,
) -> Iterator[Site]:
    """Start one node for each of ``servers`` on one migrated database.

    They share their key and the address of the first one, as nodes behind a balancer do.

    :param application: what those of them serve that are gunicorn; a module of the tests may be named.
    """
    ports = [free_port() for _ in servers]
    environment = {
        "GATEHOUSE_ENV": "development",
        "GATEHOUSE_BASE_URL": f"http://localhost:{ports[0]}",
        "DATABASE_URL": database_url,
        "SECRET_KEY": secrets.token_urlsafe(32),
        # Where gunicorn finds the applications of the tests.
        "PYTHONPATH": str(REPOSITORY),
    } | dict(env or {})
    engine = make_engine(database_url)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        nodes = [
            stack.enter_context(
                running_gatehouse(environment, server=server, port=port, application=application, threads=threads)
            )
            for server, port in zip(servers, ports, strict=True)
        ]
        yield Site(nodes, Database(lambda: engine), environment)


def gatehouse(
    words: Sequence[str], environment: Mapping[str, str], directory: Path
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, which sees nothing of our environment but this."""
    return run_prepared(words, _own() | dict(environment), directory, timeout=PATIENCE_S)


def console_script(
    words: Sequence[str], environment: Mapping[str, str], directory: Path
) -> subprocess.CompletedProcess[str]:
    """Run the same as an operator does, from the start: what it loads, and what it says before it has."""
    return subprocess.run(
        [PROGRAMS / "gatehouse", *words],
        env=_own() | dict(environment),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


def _own() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}

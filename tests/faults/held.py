"""The application, in which a request that says so waits at a door of the test; see ``door``.

``Test-Before`` says where: before the first ``transaction``, when everything has been asked about whoever is there and
nothing is locked; or before the first statement that begins like this, within its transaction.
"""

import socket
from contextlib import AbstractContextManager
from typing import Any

from flask import has_request_context, request
from sqlalchemy import event
from sqlalchemy.orm import Session

from flask_gatehouse.db import engine
from flask_gatehouse.db.database import Database
from flask_gatehouse.web.state import EXTENSION, State

# Whoever waits for the lock of somebody at the door gets it, however long this machine takes afterwards.
engine.LOCK_TIMEOUT_MS, engine.STATEMENT_TIMEOUT_MS, engine.ANSWER_TIMEOUT_S = 60_000, 90_000, 100.0

from flask_gatehouse.wsgi import app  # noqa: E402 - its engine is made when it is imported

PATIENCE_S = 120
_transaction = Database.transaction


def wait_at_the_door() -> None:
    request.environ["test.waited"] = True
    with socket.create_connection(("127.0.0.1", int(request.headers["Test-Door"])), PATIENCE_S) as line:
        line.settimeout(PATIENCE_S)
        assert line.recv(1) == b"!"


def has_to_wait() -> bool:
    return has_request_context() and "Test-Door" in request.headers and "test.waited" not in request.environ


def transaction(database: Database) -> AbstractContextManager[Session]:
    if has_to_wait() and request.headers["Test-Before"] == "transaction":
        wait_at_the_door()
    return _transaction(database)


def before_statement(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
    if has_to_wait() and text.startswith(request.headers["Test-Before"]):
        wait_at_the_door()


state: State = app.extensions[EXTENSION]
Database.transaction = transaction  # type: ignore[method-assign]
event.listen(state.database.engine, "before_cursor_execute", before_statement)

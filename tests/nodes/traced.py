"""The application under gunicorn, with SQLite itself writing down each statement that it runs: ``TRACE_FILE``.

The trace comes from the database library, not from SQLAlchemy, so that what a driver sends by itself is in it too.
"""

import os
import sqlite3
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from flask_gatehouse.web.state import EXTENSION, State
from flask_gatehouse.wsgi import app

TRACE_FILE = Path(os.environ["TRACE_FILE"])
state: State = app.extensions[EXTENSION]


@event.listens_for(state.database.engine, "connect")
def trace(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        raise TypeError("only SQLite is traced here; PostgreSQL writes a log")
    connection.set_trace_callback(write_down)


def write_down(statement: str) -> None:
    with TRACE_FILE.open("a") as file:
        file.write(" ".join(statement.split()) + "\n")

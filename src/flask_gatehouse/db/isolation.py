"""Engines as their connections are isolated for us; whoever owns one keeps its own level."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import Dialect, Engine

IsolationLevel: TypeAlias = Literal["AUTOCOMMIT", "READ COMMITTED"]


@dataclass(frozen=True, slots=True, eq=False)
class Isolated:
    """An engine as it is asked at one level of isolation.

    :param engine: whose arrangements count.
    :param view: the same engine, for SQLAlchemy: its connections are isolated like this. Both share one pool.
    """

    engine: Engine
    view: Engine


def isolated(engine: Engine, level: IsolationLevel) -> Isolated:
    """Return an engine as its connections are isolated like this."""
    # Where nothing is begun, SQLAlchemy would take the option back with a PRAGMA after each request, and leave a driver
    # that its host has set up differently than it was.
    view = engine.execution_options(isolation_level=level) if begins(engine.dialect) else engine
    return Isolated(engine, view)


def begins(dialect: Dialect) -> bool:
    """Return whether a SELECT begins a transaction; Python's SQLite driver sends no BEGIN before one."""
    return dialect.name != "sqlite"

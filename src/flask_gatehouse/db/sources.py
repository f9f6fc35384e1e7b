"""Whose database it is: the host's, in one of the shapes that Flask applications have, or our own."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from ..settings import Settings
from .database import Database
from .engine import make_engine


class Extension(Protocol):
    """What Flask-SQLAlchemy's and Flask-SQLAlchemy-Lite's objects have in common."""

    @property
    def engine(self) -> Engine: ...

    @property
    def session(self) -> Any: ...


HostDatabase: TypeAlias = Extension | sessionmaker[Any] | Engine


def database_of(db: HostDatabase | None, settings: Settings, info: Mapping[str, Any] | None = None) -> Database:
    """Return the database of an application.

    :param db: None for a database of our own at ``DATABASE_URL``.
    :param info: what each session of ours carries as its ``info``.
    :raises TypeError: for what has no engine.
    """
    if db is None:
        engine = make_engine(settings.database_url.reveal())
        return Database(lambda: engine, info)
    return Database(_engine_of(db), info)


def session_of(db: HostDatabase | None) -> Callable[[], Any] | None:
    """Return how to find the host's own session of the running request, for events that it records itself."""
    if db is None or isinstance(db, Engine | sessionmaker):
        return None
    return lambda: db.session


def _engine_of(db: HostDatabase) -> Callable[[], Engine]:
    if isinstance(db, Engine):
        return lambda: db
    if isinstance(db, sessionmaker):
        return lambda: _bind_of(db)
    # Of the class: to ask the object would call the property, which works within an application's context only.
    if hasattr(type(db), "engine"):
        # Read at each use: it exists within an application's context only, and tests may exchange it.
        return lambda: db.engine
    raise TypeError(
        "Gatehouse(db=…) takes Flask-SQLAlchemy's or Flask-SQLAlchemy-Lite's object, a sessionmaker or an Engine, "
        f"not {type(db).__name__}."
    )


def _bind_of(maker: "sessionmaker[Session]") -> Engine:
    bind = maker.kw.get("bind")
    if not isinstance(bind, Engine):
        raise TypeError("The sessionmaker that Gatehouse got has no engine: sessionmaker(bind=engine).")
    return bind

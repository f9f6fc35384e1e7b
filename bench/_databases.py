"""Databases for a bench: a fresh one of each kind that this machine has, with as many rows as one asks for."""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.migrate import upgrade
from tests.services import Services, running_services

KINDS = ("SQLite", "PostgreSQL")

# Fills a migrated database, whose address is given, with so many.
Fill = Callable[[str, int], None]


def filling(sqlite: Fill, postgresql: Fill) -> Fill:
    """Return what fills a database of either kind; the one of SQLite is told its file in place of an address."""

    def fill(url: str, count: int) -> None:
        if url.startswith("sqlite"):
            sqlite(url.removeprefix("sqlite:///"), count)
        else:
            postgresql(url, count)

    return fill


@contextmanager
def quickly(path: str) -> Iterator[sqlite3.Connection]:
    """Yield a connection to a file of SQLite that keeps what it fills in memory, and nothing of what was before.

    A crash would leave half of it, which a bench throws away. Otherwise SQLite writes ten million rows twice, and looks
    for pages in a log that is larger than what it keeps.
    """
    connection = sqlite3.connect(path)
    for word in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2000000"):
        connection.execute(f"PRAGMA {word}")
    yield connection
    connection.commit()
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where databases of one kind are made.

    :param folder: for those that are files.
    """

    kind: str
    folder: Path
    services: Services

    def new(self, name: str) -> str:
        """Make a migrated database that is empty, and return its address."""
        if self.kind == "SQLite":
            url = f"sqlite:///{self.folder}/{name}.db"
        else:
            with psycopg.connect(self.services.database_url("postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            url = self.services.database_url(name)
        engine = make_engine(url)
        upgrade(engine)
        engine.dispose()
        return url

    def filled(self, fill: Fill, *counts: int) -> list[str]:
        """Make a migrated database with each of these numbers of rows, and return their addresses."""
        started = time.perf_counter()
        urls = []
        for count in counts:
            urls.append(self.new(f"bench_{count}"))
            fill(urls[-1], count)
        print(f"{self.kind}: seeded in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        return urls


def arguments(description: str | None, **others: int | str) -> argparse.Namespace:
    """Return what the command line says: what is named here, and ``only``, one kind of database.

    :param description: its first line is shown by ``--help``.
    :param others: numbers and words by their names, with what holds unless told otherwise.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    for name, otherwise in others.items():
        parser.add_argument(f"--{name}", type=type(otherwise), default=otherwise)
    parser.add_argument("--only", choices=KINDS)
    return parser.parse_args()


@contextmanager
def places(only: str | None = None) -> Iterator[list[Place]]:
    """Yield a place for each kind of database that this machine has, or for one kind alone."""
    with running_services() as services, tempfile.TemporaryDirectory() as folder:
        yield places_of(services, Path(folder), only)


def places_of(services: Services, folder: Path, only: str | None) -> list[Place]:
    """Return such places for servers that run already."""
    kinds = [kind for kind in KINDS if only in {None, kind}]
    if services.postgresql_url is None and "PostgreSQL" in kinds:
        print("PostgreSQL: not installed on this machine", file=sys.stderr)
        kinds.remove("PostgreSQL")
    return [Place(kind, folder, services) for kind in kinds]


def verdict(goal: str, reached: bool) -> int:
    """Say whether a goal is reached, and return how the bench exits."""
    print(f"{goal}: {'reached' if reached else 'MISSED'}", flush=True)
    return 0 if reached else 1

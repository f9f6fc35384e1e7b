"""What does it cost to record an event? Prints a table; the goal is 1.25 times the bare INSERT and its COMMIT.

    python bench/audit_append.py [--rounds 20] [--only SQLite]

Each round lets every writer commit some transactions in each of three ways, in turn:

* driver: a row made beforehand, by the database's driver alone, with a statement that is prepared already;
* bare: such a row in a transaction as a caller has it anyway, SQLAlchemy's, with a statement that is compiled already;
* record: ``audit.record()`` in such a transaction.

A writer is a process. Both databases are durable, as an operator runs them: a commit is on the disk.
"""

import multiprocessing
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# The database server of the tests is started, and their folder stands beside this one's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg
from bench._databases import arguments, places, verdict
from sqlalchemy import event, insert, select

from flask_gatehouse.audit import record
from flask_gatehouse.audit.models import AuditEventRow
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.context import Actor
from tests.services import POSTGRESQL_OPTIONS

GOAL = 1.25
WRITERS = (1, 16)
WARM_UP = 3
WAYS = ("driver", "bare", "record")
# Transactions of one writer, in one way, in one round.
STRETCH = 40
ROWS = 200
PATIENCE_S = 60
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "log_statement": "none"}
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
ADA = Actor(12, "s" * 22, "203.0.113.9", BROWSER, "user", "0123456789abcdef")
SAID: dict[str, Any] = {"details": {"section": "news", "words": 812}, "change": {"status": ("draft", "published")}}
COLUMNS = [column.name for column in AuditEventRow.__table__.columns if column.name != "id"]

Way = Callable[[int], object]


def write(db: Any, number: int) -> None:
    record("article.published", resource=("article", number), session=db, actor=ADA, **SAID)


@contextmanager
def ways(url: str) -> Iterator[dict[str, Way]]:
    """Yield the three ways of committing one event, each with a connection of its own."""
    engine = make_engine(url)
    database = Database(lambda: engine)
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite:
        # A writer among sixteen, on a busy machine, waits for longer than a request would.
        event.listen(
            engine, "connect", lambda connection, _: connection.execute(f"PRAGMA busy_timeout = {PATIENCE_S}000")
        )
    places = ", ".join(["?" if is_sqlite else "%s"] * len(COLUMNS))
    statement = f"INSERT INTO gatehouse_audit_events ({', '.join(COLUMNS)}) VALUES ({places})"  # noqa: S608
    connection = _sqlite(url) if is_sqlite else psycopg.connect(url)
    with database.transaction() as db:
        for number in range(ROWS):
            write(db, number)
    # What record() writes, in the words of the driver, so that all three write the same.
    rows = [tuple(row) for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM gatehouse_audit_events")]  # noqa: S608
    connection.rollback()
    compiled = insert(AuditEventRow).inline()
    with database.reading() as reading:
        ready = [dict(row._mapping) for row in reading.execute(select(*AuditEventRow.__table__.columns[1:]))]

    def driver(number: int) -> None:
        if is_sqlite:
            connection.execute("BEGIN IMMEDIATE")
        connection.execute(statement, rows[number % ROWS])
        connection.commit()

    def bare(number: int) -> None:
        with database.transaction() as db:
            db.execute(compiled, ready[number % ROWS])

    def recording(number: int) -> None:
        with database.transaction() as db:
            write(db, number)

    yield {"driver": driver, "bare": bare, "record": recording}
    connection.close()
    engine.dispose()


def _sqlite(url: str) -> sqlite3.Connection:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=PATIENCE_S, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def work(url: str, rounds: int, stretch: int, meet: Any, told: Any) -> None:
    """Be one writer; tell of each round how many microseconds a transaction took in each way."""
    times = []
    with ways(url) as known:
        for turn in range(WARM_UP + rounds):
            taken = {}
            # Whoever comes first in a round has no advantage over all of them.
            for name in WAYS[turn % 3 :] + WAYS[: turn % 3]:
                meet.wait()
                start = time.perf_counter()
                for number in range(stretch):
                    known[name](turn * stretch + number)
                taken[name] = (time.perf_counter() - start) / stretch * 1e6
            times.append([taken[name] for name in WAYS])
    told.put(times[WARM_UP:])


def measure(url: str, writers: int, rounds: int) -> list[list[float]]:
    """Return of each round what a transaction took in each way, as the mean of all writers."""
    context = multiprocessing.get_context("spawn")
    meet, told = context.Barrier(writers), context.Queue()
    processes = [context.Process(target=work, args=(url, rounds, STRETCH, meet, told)) for _ in range(writers)]
    for process in processes:
        process.start()
    everybody = [told.get(timeout=600) for _ in processes]
    for process in processes:
        process.join()
    return [
        [statistics.mean(taken) for taken in zip(*of_each, strict=True)] for of_each in zip(*everybody, strict=True)
    ]


def report(kind: str, url: str, rounds: int) -> bool:
    print(f"\n{kind}: microseconds for one transaction, medians of {rounds} rounds")
    print(f"{'writers':>8}{'driver':>10}{'bare':>10}{'record':>10}{'record/bare':>14}{'record/driver':>16}")
    reached = True
    for writers in WRITERS:
        times = measure(url, writers, rounds)
        driver, bare, recording = (statistics.median(taken) for taken in zip(*times, strict=True))
        ratio = statistics.median(row[2] / row[1] for row in times)
        whole = statistics.median(row[2] / row[0] for row in times)
        missed = "" if ratio <= GOAL else "  MISSED"
        reached = reached and not missed
        print(f"{writers:8}{driver:10.0f}{bare:10.0f}{recording:10.0f}{ratio:13.2f}×{whole:15.2f}×{missed}")
    return reached


def main() -> int:
    options = arguments(__doc__, rounds=20)
    POSTGRESQL_OPTIONS.update(DURABLE)
    reached = True
    with places(options.only) as found:
        for place in found:
            reached = report(place.kind, place.new("trail"), options.rounds) and reached
    return verdict(f"\nThe goal is at most {GOAL:g} times the bare one", reached)


if __name__ == "__main__":
    sys.exit(main())

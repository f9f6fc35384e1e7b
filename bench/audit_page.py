"""Does a page of a long trail come as fast as one of 10,000 events? Prints a table; the goal is 3 times as long.

    python bench/audit_page.py [--events 10000000] [--rounds 30] [--only SQLite]

Each round asks the small and the large database in turn, so that whatever else the machine does meets both. Both cover
the same two years. A page that is not full says how many of its rows were found before the search took a rest. The goal
is set at 10,000,000 events; fewer are made unless told.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

# The seeder stands beside this file, and starts the database server that the tests use.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._events import END, OFFICE, RARE_PERSON, START, make_postgresql, make_sqlite
from sqlalchemy import Connection

from flask_gatehouse.audit.events import Outcome
from flask_gatehouse.audit.reading import read_page
from flask_gatehouse.audit.search import TrailQuery
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from tests.services import Services, running_services

SMALL = 10_000
GOAL = 3.0
WARM_UP = 10
ENOUGH_MS = 20_000
FAR_DAY = {"since": START + timedelta(days=100), "until": START + timedelta(days=101)}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of both databases.

    :param pages: how many pages further back.
    """

    title: str
    query: TrailQuery
    pages: int = 0


ADMIN = {"people": (1,)}
QUESTIONS = (
    Question("first page", TrailQuery()),
    Question("tenth page", TrailQuery(), pages=9),
    Question("person (a tenth of all events)", TrailQuery(**ADMIN)),
    Question("person (few events)", TrailQuery(people=(RARE_PERSON,))),
    Question("event (a quarter)", TrailQuery(event="authn_login_success")),
    Question("event (one in 5,000)", TrailQuery(event="user_deleted")),
    Question("event (nowhere)", TrailQuery(event="article.published")),
    Question("outcome", TrailQuery(outcome=Outcome.DENIED)),
    Question("far day", TrailQuery(**FAR_DAY)),
    Question("network address (an office)", TrailQuery(ip=OFFICE)),
    Question("network address (nowhere)", TrailQuery(ip="192.0.2.1")),
    Question("person and event", TrailQuery(event="authz_change", **ADMIN)),
    Question("person and rare event", TrailQuery(event="user_deleted", **ADMIN)),
    Question("person and outcome", TrailQuery(outcome=Outcome.DENIED, **ADMIN)),
    Question("event and far day", TrailQuery(event="authn_login_success", **FAR_DAY)),
    Question("person, rare event, far day", TrailQuery(event="user_deleted", **ADMIN, **FAR_DAY)),
    Question("person, address, outcome, far day", TrailQuery(ip=OFFICE, outcome=Outcome.DENIED, **ADMIN, **FAR_DAY)),
    Question("person and event that never meet", TrailQuery(event="join_requested", **ADMIN)),
    Question("address and event that never meet", TrailQuery(event="join_requested", ip=OFFICE)),
)


def _asked(connection: Connection, question: Question) -> TrailQuery:
    query = question.query
    for _ in range(question.pages):
        query = replace(query, before=read_page(connection, query).next)
    return query


def measure(small: Database, large: Database, rounds: int) -> Iterator[tuple[Question, float, float, float, str]]:
    """Yield each question with the medians for both databases, the median of their ratios, and the rows found."""
    with small.reading() as little, large.reading() as much:
        for question in QUESTIONS:
            queries = [(connection, _asked(connection, question)) for connection in (little, much)]
            pages = [read_page(*query) for query in queries]
            found = " / ".join(f"{len(page.events)}{'…' if page.searched_to else ''}" for page in pages)
            pairs: list[Sequence[float]] = []
            for number in range(WARM_UP + rounds):
                pair = [_timed(*query) for query in queries]
                if number >= WARM_UP:
                    pairs.append(pair)
                if sum(map(sum, pairs)) > ENOUGH_MS and len(pairs) >= 5:
                    break
            times = [statistics.median(times) for times in zip(*pairs, strict=True)]
            yield question, times[0], times[1], statistics.median(many / few for few, many in pairs), found


def _timed(connection: Connection, query: TrailQuery) -> float:
    start = time.perf_counter()
    read_page(connection, query)
    return (time.perf_counter() - start) * 1000


@contextmanager
def _databases(urls: Sequence[str]) -> Iterator[list[Database]]:
    engines = [make_engine(url) for url in urls]
    yield [Database(lambda engine=engine: engine) for engine in engines]  # type: ignore[misc]
    for engine in engines:
        engine.dispose()


def _report(kind: str, urls: Sequence[str], events: int, rounds: int) -> bool:
    print(f"\n{kind}: milliseconds, medians of {rounds} pairs; rows found")
    print(f"{'':36}{SMALL:>12,}{events:>12,}{'ratio':>9}")
    reached = True
    with _databases(urls) as (small, large):
        for question, few, many, ratio, found in measure(small, large, rounds):
            missed = ratio > GOAL
            reached = reached and not missed
            print(f"{question.title:36}{few:12.2f}{many:12.2f}{ratio:8.1f}×{'  MISSED' if missed else ''}  {found}")
    return reached


def _urls(kind: str, services: Services, folder: Path, events: int) -> list[str]:
    started = time.perf_counter()
    if kind == "SQLite":
        urls = [make_sqlite(folder / f"{count}.db", count) for count in (SMALL, events)]
    else:
        urls = [make_postgresql(services, count) for count in (SMALL, events)]
    print(f"{kind}: seeded in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return urls


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    options = parser.parse_args()
    print(f"{options.events:,} events from {START:%d %b %Y} to {END:%d %b %Y}")
    reached = True
    with running_services() as services, tempfile.TemporaryDirectory() as folder:
        for kind in ("SQLite", "PostgreSQL"):
            if options.only not in {None, kind}:
                continue
            if kind == "PostgreSQL" and services.postgresql_url is None:
                print("\nPostgreSQL: not installed on this machine", file=sys.stderr)
                continue
            urls = _urls(kind, services, Path(folder), options.events)
            reached = _report(kind, urls, options.events, options.rounds) and reached
    print(f"\nThe goal is at most {GOAL:g} times as long: {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

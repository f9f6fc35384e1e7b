"""Does the list of users answer as fast with many people as with 1,000? Prints a table; the goal is 3 times as long.

    python bench/user_list.py [--people 1000000] [--rounds 50]

Each round asks the small and the large database in turn, so that whatever else the machine does meets both.
The goal is set at 1,000,000 people; fewer are made unless told.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The seeder stands beside this file, and starts the database server that the tests use.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._people import address_of, make_postgresql, make_sqlite
from sqlalchemy import Connection

from flask_gatehouse.accounts.listing import count_users, list_users
from flask_gatehouse.accounts.queries import UserQuery
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from tests.services import Services, running_services

SMALL = 1000
GOAL = 3.0
WARM_UP = 12

Ask = Callable[[Connection], object]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of both databases.

    :param is_goal: whether the goal is set for it; the others are shown so that nothing hides.
    :param ask: makes the question for a database of so many people.
    """

    title: str
    ask: Callable[[Connection, int], Ask]
    is_goal: bool = False


def _page(**words: Any) -> Callable[[Connection, int], Ask]:
    query = UserQuery.parse(**words)
    return lambda connection, people: lambda connection: list_users(connection, query)


def _last(**words: Any) -> Callable[[Connection, int], Ask]:
    def make(connection: Connection, people: int) -> Ask:
        query = UserQuery.parse(**words)
        last = list_users(connection, query).last
        at_the_end = query if last is None else query.at(last)
        return lambda connection: list_users(connection, at_the_end)

    return make


def _middle(connection: Connection, people: int) -> Ask:
    query = UserQuery.parse(sort="name")
    page = list_users(connection, query)
    for _ in range(5):
        assert page.next is not None
        page = list_users(connection, query.at(page.next))
    cursor = page.next or ""
    return lambda connection: list_users(connection, query.at(cursor))


def _part_of_one_address(start: int, end: int | None = None) -> Callable[[Connection, int], Ask]:
    def make(connection: Connection, people: int) -> Ask:
        query = UserQuery.parse(q=address_of(people // 2)[start:end])
        return lambda connection: list_users(connection, query)

    return make


def _count(**words: Any) -> Callable[[Connection, int], Ask]:
    query = UserQuery.parse(**words)
    return lambda connection, people: lambda connection: count_users(connection, query)


QUESTIONS = (
    Question("first page", _page(), is_goal=True),
    Question("last page", _last(), is_goal=True),
    Question("search: the end of one name", _part_of_one_address(7, 15), is_goal=True),
    Question("search: the beginning of one", _part_of_one_address(0, 12), is_goal=True),
    Question("search: one whole address", _part_of_one_address(0), is_goal=True),
    Question("search: part of all addresses", _page(q="example"), is_goal=True),
    Question("search: part of a third of them", _page(q="mail.ex"), is_goal=True),
    Question("count", _count(), is_goal=True),
    Question("count of a common search", _count(q="example"), is_goal=True),
    Question("by name, first page", _page(sort="name")),
    Question("by name, last page", _last(sort="name")),
    Question("by name, a page between", _middle),
    Question("by address, last page", _last(sort="email")),
    Question("by last sign-in, first page", _page(sort="-last_sign_in")),
    Question("by last sign-in, last page", _last(sort="-last_sign_in")),
    Question("by role, last page", _last(sort="role")),
    Question("by status, last page", _last(sort="status")),
    Question("administrators", _page(role="admin")),
    Question("editors, last page", _last(role="editor")),
    Question("inactive, by name", _page(status="inactive", sort="name")),
    Question("count of the inactive", _count(status="inactive")),
    Question("search: two letters", _page(q="ka")),
    Question("search: two letters, by name", _page(q="ol", sort="name")),
    Question("search: a name, by name", _page(q="müller", sort="name")),
    Question("search: one in 4,096", _page(q="77a@")),
    Question("search: one in 256", _page(q="7a@")),
    Question("search: nobody", _page(q="qqqqq")),
)


def measure(
    small: Database, large: Database, people: int, rounds: int
) -> Iterator[tuple[Question, float, float, float]]:
    """Yield of each question the median milliseconds in both databases, and the median ratio of the pairs."""
    with small.reading() as little, large.reading() as much:
        for question in QUESTIONS:
            asks = [(question.ask(little, SMALL), little), (question.ask(much, people), much)]
            pairs: list[Sequence[float]] = []
            for number in range(WARM_UP + rounds):
                pair = [_timed(ask, connection) for ask, connection in asks]
                if number >= WARM_UP:
                    pairs.append(pair)
                if sum(map(sum, pairs)) > 20_000 and len(pairs) >= 5:
                    break
            times = [statistics.median(times) for times in zip(*pairs, strict=True)]
            yield question, times[0], times[1], statistics.median(many / few for few, many in pairs)


def _timed(ask: Ask, connection: Connection) -> float:
    start = time.perf_counter()
    ask(connection)
    return (time.perf_counter() - start) * 1000


@contextmanager
def _databases(urls: Sequence[str]) -> Iterator[list[Database]]:
    engines = [make_engine(url) for url in urls]
    yield [Database(lambda engine=engine: engine) for engine in engines]  # type: ignore[misc]
    for engine in engines:
        engine.dispose()


def _report(kind: str, urls: Sequence[str], people: int, rounds: int) -> bool:
    print(f"\n{kind}: milliseconds, medians of {rounds} pairs")
    print(f"{'':34}{SMALL:>12,}{people:>12,}{'ratio':>9}")
    reached = True
    with _databases(urls) as (small, large):
        for question, few, many, ratio in measure(small, large, people, rounds):
            missed = question.is_goal and ratio > GOAL
            reached = reached and not missed
            mark = " *" if question.is_goal else ""
            print(f"{question.title + mark:34}{few:12.2f}{many:12.2f}{ratio:8.1f}×{'  MISSED' if missed else ''}")
    return reached


def _urls(kind: str, services: Services, folder: Path, people: int) -> list[str]:
    started = time.perf_counter()
    if kind == "SQLite":
        urls = [make_sqlite(folder / f"{count}.db", count) for count in (SMALL, people)]
    else:
        urls = [make_postgresql(services, count) for count in (SMALL, people)]
    print(f"{kind}: seeded in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return urls


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    options = parser.parse_args()
    reached = True
    with running_services() as services, tempfile.TemporaryDirectory() as folder:
        for kind in ("SQLite", "PostgreSQL"):
            if options.only not in {None, kind}:
                continue
            if kind == "PostgreSQL" and services.postgresql_url is None:
                print("\nPostgreSQL: not installed on this machine", file=sys.stderr)
                continue
            urls = _urls(kind, services, Path(folder), options.people)
            reached = _report(kind, urls, options.people, options.rounds) and reached
    print(f"\n* the goal is at most {GOAL:g} times as long: {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

"""Does the list of users answer as fast with many people as with 1,000? Prints a table; the goal is 3 times as long.

    python bench/user_list.py [--people 1000000] [--rounds 50]

Each round asks the small and the large database in turn, so that whatever else the machine does meets both.
The goal is set at 1,000,000 people; fewer are made unless told.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The seeder stands beside this file, and starts the database server that the tests use.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._databases import arguments, places, verdict
from bench._growth import GOAL, Ask, Question, report
from bench._people import address_of, fill
from sqlalchemy import Connection

from flask_gatehouse.accounts.listing import count_users, list_users
from flask_gatehouse.accounts.queries import UserQuery

SMALL = 1000
MOST_MS = 10.0

Make = Callable[[Connection, int], Ask]


def _page(**words: Any) -> Make:
    query = UserQuery.parse(**words)
    return lambda connection, people: lambda: list_users(connection, query)


def _last(**words: Any) -> Make:
    def make(connection: Connection, people: int) -> Ask:
        query = UserQuery.parse(**words)
        last = list_users(connection, query).last
        at_the_end = query if last is None else query.at(last)
        return lambda: list_users(connection, at_the_end)

    return make


def _middle(connection: Connection, people: int) -> Ask:
    query = UserQuery.parse(sort="name")
    page = list_users(connection, query)
    for _ in range(5):
        assert page.next is not None
        page = list_users(connection, query.at(page.next))
    cursor = page.next or ""
    return lambda: list_users(connection, query.at(cursor))


def _part_of_one_address(start: int, end: int | None = None) -> Make:
    def make(connection: Connection, people: int) -> Ask:
        query = UserQuery.parse(q=address_of(people // 2)[start:end])
        return lambda: list_users(connection, query)

    return make


def _count(**words: Any) -> Make:
    query = UserQuery.parse(**words)
    return lambda connection, people: lambda: count_users(connection, query)


def _search(title: str, make: Make) -> Question:
    return Question(f"search: {title}", make, most_ms=MOST_MS)


def _shown(title: str, make: Make) -> Question:
    return Question(title, make, is_goal=False)


QUESTIONS = (
    Question("first page", _page()),
    Question("last page", _last()),
    _search("the end of one name", _part_of_one_address(7, 15)),
    _search("the beginning of one", _part_of_one_address(0, 12)),
    _search("one whole address", _part_of_one_address(0)),
    _search("part of all addresses", _page(q="example")),
    _search("part of a third of them", _page(q="mail.ex")),
    Question("count", _count()),
    Question("count of a common search", _count(q="example")),
    _shown("by name, first page", _page(sort="name")),
    _shown("by name, last page", _last(sort="name")),
    _shown("by name, a page between", _middle),
    _shown("by address, last page", _last(sort="email")),
    _shown("by last sign-in, first page", _page(sort="-last_sign_in")),
    _shown("by last sign-in, last page", _last(sort="-last_sign_in")),
    _shown("by role, last page", _last(sort="role")),
    _shown("by status, last page", _last(sort="status")),
    _shown("administrators", _page(role="admin")),
    _shown("editors, last page", _last(role="editor")),
    _shown("inactive, by name", _page(status="inactive", sort="name")),
    _shown("count of the inactive", _count(status="inactive")),
    _shown("search: two letters", _page(q="ka")),
    _shown("search: two letters, by name", _page(q="ol", sort="name")),
    _shown("search: a name, by name", _page(q="müller", sort="name")),
    _shown("search: one in 4,096", _page(q="77a@")),
    _shown("search: one in 256", _page(q="7a@")),
    _shown("search: nobody", _page(q="qqqqq")),
)


def main() -> int:
    options = arguments(__doc__, people=50_000, rounds=50)
    counts, reached = (SMALL, options.people), True
    with places(options.only) as found:
        for place in found:
            reached = report(place.kind, place.filled(fill, *counts), counts, QUESTIONS, options.rounds) and reached
    return verdict(
        f"\n* the goal is at most {GOAL:g} times as long, and {MOST_MS:g} ms for a search on PostgreSQL", reached
    )


if __name__ == "__main__":
    sys.exit(main())

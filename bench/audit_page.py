"""Does a page of a long trail come as fast as one of 10,000 events? Prints a table; the goal is 3 times as long.

    python bench/audit_page.py [--events 10000000] [--rounds 30] [--only SQLite]

Each round asks the small and the large database in turn, so that whatever else the machine does meets both. Both cover
the same two years. A page that is not full says how many of its rows were found before the search took a rest. The goal
is set at 10,000,000 events; fewer are made unless told.
"""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

# The seeder stands beside this file, and starts the database server that the tests use.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._databases import arguments, places, verdict
from bench._events import END, OFFICE, RARE_PERSON, START, fill
from bench._growth import GOAL, Ask, Question, report
from sqlalchemy import Connection

from flask_gatehouse.audit.events import Outcome
from flask_gatehouse.audit.reading import TrailPage, read_page
from flask_gatehouse.audit.search import TrailQuery

SMALL = 10_000


def _told(page: TrailPage) -> str:
    return f"{len(page.events)}{'…' if page.searched_to else ''}"


def _page(title: str, pages: int = 0, **words: Any) -> Question:
    """Return the question for a page, so many pages further back."""

    def make(connection: Connection, events: int) -> Ask:
        query = TrailQuery(**words)
        for _ in range(pages):
            query = replace(query, before=read_page(connection, query).next)
        return lambda: read_page(connection, query)

    return Question(title, make, told=_told)


FAR_DAY: dict[str, Any] = {"since": START + timedelta(days=100), "until": START + timedelta(days=101)}
ADMIN: dict[str, Any] = {"people": (1,)}
QUESTIONS = (
    _page("first page"),
    _page("tenth page", pages=9),
    _page("person (a tenth of all events)", **ADMIN),
    _page("person (few events)", people=(RARE_PERSON,)),
    _page("event (a quarter)", event="authn_login_success"),
    _page("event (one in 5,000)", event="user_deleted"),
    _page("event (nowhere)", event="article.published"),
    _page("outcome", outcome=Outcome.DENIED),
    _page("far day", **FAR_DAY),
    _page("network address (an office)", ip=OFFICE),
    _page("network address (nowhere)", ip="192.0.2.1"),
    _page("person and event", event="authz_change", **ADMIN),
    _page("person and rare event", event="user_deleted", **ADMIN),
    _page("person and outcome", outcome=Outcome.DENIED, **ADMIN),
    _page("event and far day", event="authn_login_success", **FAR_DAY),
    _page("person, rare event, far day", event="user_deleted", **ADMIN, **FAR_DAY),
    _page("person, address, outcome, far day", ip=OFFICE, outcome=Outcome.DENIED, **ADMIN, **FAR_DAY),
    _page("person and event that never meet", event="join_requested", **ADMIN),
    _page("address and event that never meet", event="join_requested", ip=OFFICE),
)


def main() -> int:
    options = arguments(__doc__, events=200_000, rounds=30)
    print(f"{options.events:,} events from {START:%d %b %Y} to {END:%d %b %Y}; how many of them a page has found")
    counts, reached = (SMALL, options.events), True
    with places(options.only) as found:
        for place in found:
            reached = report(place.kind, place.filled(fill, *counts), counts, QUESTIONS, options.rounds) and reached
    return verdict(f"\n* the goal is at most {GOAL:g} times as long", reached)


if __name__ == "__main__":
    sys.exit(main())

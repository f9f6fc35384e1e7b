"""Do 100,000 live sessions make anybody wait? Prints a table; the goal is that a request costs what it does with 1,000.

    python bench/live_sessions.py [--people 1000000] [--sessions 100000] [--rounds 30] [--only SQLite]

One database has 1,000 people with a live session each, the other as many of both as one asks for. They are asked in
turn, as a request and as the worker ask them, and then over HTTP: two nodes on each, with a worker beside them that
looks for what is over, answer ``/dashboard`` to sessions from all over the table. The goal is set at 100,000 sessions
and 1,000,000 people; fewer are made unless told.

The processor time of the nodes is that of all their processes, as Linux counts it; PostgreSQL's is not in it.
"""

import http.client
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

# The seeder stands beside this file, and starts the database server that the tests use.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._databases import Place, arguments, places, verdict
from bench._growth import GOAL, Ask, Question, databases, report
from bench._people import fill
from bench._processes import busy
from bench._sites import COOKIE, environment_of
from bench._worker import CHROMIUM, HOST
from bench._working import working
from sqlalchemy import Connection, func, insert, select

from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.ops.worker import expire
from flask_gatehouse.sessions.expiring import sessions_due
from flask_gatehouse.sessions.lookup import LOOKUP, digest_of
from flask_gatehouse.sessions.models import UserSession
from flask_gatehouse.sessions.rules import limits_of
from flask_gatehouse.settings import Settings
from tests.grown import ISSUER, session_of, token_of
from tests.nodes.sites import Site, running_site
from tests.services import POSTGRESQL_OPTIONS

SMALL = 1000
# Processor time of a request, against the same with 1,000 sessions.
FLAT = 1.25
# Sessions that the worker finds over at once.
OVER = 100
# One look-up is too short for the clock that counts a server's work.
BATCH = 50
REQUESTS = 20
LIFETIME = timedelta(hours=12)
# So long that nobody's use of a session is due to be written down, however slow the machine is.
TOLD = {"GATEHOUSE_ENV": "production", "GATEHOUSE_IDLE_TIMEOUT": "8h"}

_sessions = UserSession.__table__


def begin_sessions(url: str, count: int, kept: timedelta = timedelta(0)) -> None:
    """Give people so many sessions that live, spread over all of them.

    :param kept: how long they count as used beyond now, whatever the limit for those that nobody uses.
    """
    engine = make_engine(url)
    with engine.begin() as connection:
        viewers = select(User.id).where(User.is_active, User.role == Role.VIEWER).order_by(User.id)
        people = connection.scalars(viewers).all()
        now = utc_now()
        # In an order that is neither theirs nor that of their sessions.
        used = {"last_seen_at": now + kept}
        rows = [_row(number, people[number * 7919 % len(people)], now) | used for number in range(count)]
        for start in range(0, count, 1000):
            connection.execute(insert(UserSession), rows[start : start + 1000])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _row(number: int, user_id: int, begun: datetime) -> dict[str, Any]:
    times = dict.fromkeys(("created_at", "last_seen_at", "confirmed_at"), begun)
    return {
        "id": session_of(number),
        "token_digest": digest_of(token_of(number)),
        "user_id": user_id,
        "generation": 0,
        "provider": "google",
        "issuer": ISSUER,
        "subject": str(user_id),
        "expires_at": begun + LIFETIME,
        **times,
    }


def spread(count: int, size: int, turn: int) -> list[str]:
    """Return tokens of some of so many sessions: others in each turn, of a large table as many as of a small one."""
    step = count // SMALL
    return [token_of((turn * size + number) * 617 % SMALL * step) for number in range(size)]


def _look_up(connection: Connection, count: int) -> Ask:
    wanted = [{"digest": digest_of(token)} for token in spread(count, BATCH, 0)]

    def ask() -> None:
        for digest in wanted:
            assert connection.execute(LOOKUP.statement, digest).first() is not None

    return ask


def _due(settings: Settings) -> Question:
    limits = limits_of(settings, Role.VIEWER), limits_of(settings, Role.ADMIN)
    # The worker looks at all that live, and rests fifty times as long.
    return Question(
        "worker: what is over", lambda connection, count: lambda: sessions_due(connection, *limits), is_goal=False
    )


def _expire(found: Sequence[Database], counts: Sequence[int], settings: Settings, rounds: int) -> None:
    """Print how long the worker takes to end sessions that are over."""
    taken: list[list[float]] = []
    for turn in range(rounds):
        pair = []
        for database, count in zip(found, counts, strict=True):
            _add_over(database, count + turn * OVER)
            begun = time.perf_counter()
            expire(database, settings)
            pair.append((time.perf_counter() - begun) * 1000)
            with database.reading() as connection:
                assert connection.scalar(select(func.count()).where(_sessions.c.ended_at.is_(None))) == count
        taken.append(pair)
    few, many = (min(times) for times in zip(*taken, strict=True))
    print(f"{f'worker: ends {OVER} that are over':36}{'':10}{few:8.2f}{'':12}{many:8.2f}", flush=True)


def _add_over(database: Database, start: int) -> None:
    with database.transaction() as db:
        user_id = db.scalars(select(User.id).where(User.is_active).limit(1)).one()
        long_ago = utc_now() - 2 * LIFETIME
        db.execute(insert(UserSession), [_row(start + number, user_id, long_ago) for number in range(OVER)])


@dataclass(slots=True)
class Asked:
    """Two nodes on one database, and how long their answers took."""

    site: Site
    count: int
    took: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    busy: float = 0.0

    def turn(self, number: int) -> None:
        """Ask each node, in turn, for some people."""
        begun, taken = self._busy(), []
        ends = [http.client.HTTPConnection(node.base_url.removeprefix("http://"), timeout=60) for node in self._nodes]
        for index, token in enumerate(spread(self.count, REQUESTS, number)):
            end, start = ends[index % 2], time.perf_counter()
            end.request("GET", "/dashboard", headers=CHROMIUM | {"Host": HOST, "Cookie": f"{COOKIE}={token}"})
            answer = end.getresponse()
            answer.read()
            taken.append((time.perf_counter() - start) * 1000)
            assert answer.status == 200, (answer.status, answer.headers)
        for end in ends:
            end.close()
        self.took += taken
        self.medians.append(statistics.median(taken))
        self.busy += self._busy() - begun

    def forget(self) -> None:
        self.took, self.medians, self.busy = [], [], 0.0

    @property
    def _nodes(self) -> Sequence[Any]:
        return self.site.nodes

    def _busy(self) -> float:
        return sum(busy(node.process.pid) for node in self._nodes)


@contextmanager
def serving(place: Place, urls: Sequence[str], counts: Sequence[int]) -> Iterator[list[Asked]]:
    """Start two nodes and a worker on each database."""
    with ExitStack() as stack:
        asked = []
        for url, count in zip(urls, counts, strict=True):
            told = environment_of(place, url) | TOLD
            site = stack.enter_context(running_site(url, told, servers=("gunicorn", "gunicorn")))
            stack.enter_context(working(site))
            asked.append(Asked(site, count))
        yield asked


def over_http(place: Place, urls: Sequence[str], counts: Sequence[int], rounds: int) -> bool:
    """Print what requests cost and how long they take; return whether they cost the same."""
    with serving(place, urls, counts) as asked:
        for turn in range(rounds + 2):
            for one in asked if turn % 2 else reversed(asked):
                one.turn(turn)
                # The first turns load what is loaded once.
                if turn < 2:
                    one.forget()
        few, many = asked
        costs = [one.busy / len(one.took) * 1000 for one in asked]
        ratio = costs[1] / costs[0]
        waits = statistics.median(much / little for little, much in zip(few.medians, many.medians, strict=True))
        missed = "" if ratio <= FLAT else "  MISSED"
        print(f"{'a page by two nodes *':36}{costs[0]:10.2f}{'':8}{costs[1]:12.2f}{'':8}{ratio:8.2f}×{missed}")
        for title, value in (("half within", 50), ("99 in a hundred within", 99)):
            ends = [statistics.quantiles(one.took, n=100)[value - 1] for one in asked]
            shown = f"{waits:8.2f}×" if value == 50 else ""
            print(f"{'  ' + title:36}{'':10}{ends[0]:8.2f}{'':12}{ends[1]:8.2f}{shown}", flush=True)
    return not missed


def _report(place: Place, options: Any) -> bool:
    urls = place.filled(fill, SMALL, options.people)
    counts = (SMALL, options.sessions)
    for url, count in zip(urls, counts, strict=True):
        begin_sessions(url, count)
    settings = Settings.load(environment_of(place, urls[0]) | TOLD, {})
    questions = (Question(f"look-up of {BATCH} sessions", _look_up), _due(settings))
    reached = report(place.kind, urls, counts, questions, options.rounds)
    with databases(urls) as found:
        _expire(found, counts, settings, 3)
    return over_http(place, urls, counts, options.rounds) and reached


def main() -> int:
    options = arguments(__doc__, people=20_000, sessions=5_000, rounds=20)
    POSTGRESQL_OPTIONS["log_statement"] = "none"
    reached = True
    with places(options.only) as found:
        for place in found:
            reached = _report(place, options) and reached
    return verdict(
        f"\n* the goal is at most {GOAL:g} times as long for a look-up, and {FLAT:g} times for a page", reached
    )


if __name__ == "__main__":
    sys.exit(main())

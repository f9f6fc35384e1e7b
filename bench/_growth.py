"""The same question to a small and to a large database, in turn, so that whatever else the machine does meets both.

Two times are taken: that of processors, ours and of the server's process that answers us, as Linux counts it, and the
clock's, which is what a person waits. Of the clock the least is told: whatever is more, other work has taken.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine

GOAL = 3.0
WARM_UP = 12
# Slow questions are asked less often than one wishes, and still some times.
ENOUGH_S, FEWEST = 20.0, 5

Ask = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of both databases.

    :param make: makes what asks, for a connection to a database of so many rows.
    :param is_goal: whether the goal is set for it; others are shown so that nothing hides.
    :param most_ms: how long it may take in a large PostgreSQL, whatever it takes in a small one.
    :param told: what is shown of an answer.
    """

    title: str
    make: Callable[[Connection, int], Ask]
    is_goal: bool = True
    most_ms: float | None = None
    told: Callable[[Any], str] | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of processors, and of the clock."""

    busy: float
    wall: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Of processor time the medians, and that of the ratios within each pair; of the clock the least."""

    few: Times
    many: Times
    ratio: float


class Asked:
    """A connection, and what an answer through it costs on both ends.

    :param connection: to SQLite, which works in this process, or to PostgreSQL on this machine.
    """

    def __init__(self, connection: Connection) -> None:
        is_server = connection.dialect.name == "postgresql"
        number = connection.scalar(text("SELECT pg_backend_pid()")) if is_server else None
        # Nanoseconds on a processor come first: https://www.kernel.org/doc/html/latest/scheduler/sched-stats.html
        self._counted = Path(f"/proc/{number}/schedstat") if number else None

    def time(self, ask: Ask) -> Times:
        wall, busy = time.perf_counter(), self._busy()
        ask()
        wall = time.perf_counter() - wall
        return Times(self._busy() - busy, wall)

    def _busy(self) -> float:
        server = int(self._counted.read_text().split()[0]) / 1e9 if self._counted else 0.0
        return time.process_time() + server


def compare(few: tuple[Asked, Ask], many: tuple[Asked, Ask], rounds: int) -> Pair:
    """Ask both, again and again."""
    pairs: list[tuple[Times, Times]] = []
    for number in range(WARM_UP + rounds):
        pair = few[0].time(few[1]), many[0].time(many[1])
        if number >= WARM_UP:
            pairs.append(pair)
        if sum(little.wall + much.wall for little, much in pairs) > ENOUGH_S and len(pairs) >= FEWEST:
            break
    little, much = (
        Times(statistics.median(taken.busy for taken in side), min(taken.wall for taken in side))
        for side in zip(*pairs, strict=True)
    )
    return Pair(little, much, statistics.median(much.busy / little.busy for little, much in pairs))


@contextmanager
def databases(urls: Sequence[str]) -> Iterator[list[Database]]:
    """Yield the databases at these addresses."""
    engines = [make_engine(url) for url in urls]
    yield [Database(lambda engine=engine: engine) for engine in engines]  # type: ignore[misc]
    for engine in engines:
        engine.dispose()


def report(kind: str, urls: Sequence[str], counts: Sequence[int], questions: Sequence[Question], rounds: int) -> bool:
    """Print how long each question takes in the small and in the large database; return whether the goal is reached."""
    reached = True
    print(f"\n{kind}: milliseconds, medians of {rounds} pairs; the least by the clock")
    print(f"{'':36}{counts[0]:>10,}{'clock':>8}{counts[1]:>12,}{'clock':>8}{'ratio':>9}", flush=True)
    with databases(urls) as found, ExitStack() as stack:
        connections = [stack.enter_context(database.reading()) for database in found]
        asked = [Asked(connection) for connection in connections]
        for question in questions:
            asks = [question.make(*each) for each in zip(connections, counts, strict=True)]
            told = " / ".join(question.told(ask()) for ask in asks) if question.told else ""
            pair = compare((asked[0], asks[0]), (asked[1], asks[1]), rounds)
            longest = max(pair.many.busy, pair.many.wall) * 1000
            is_slow = kind == "PostgreSQL" and longest > (question.most_ms or longest)
            missed = question.is_goal and (pair.ratio > GOAL or is_slow)
            reached = reached and not missed
            few, many = (
                f"{times.busy * 1000:{width}.2f}{times.wall * 1000:8.2f}"
                for times, width in ((pair.few, 10), (pair.many, 12))
            )
            title = question.title + (" *" if question.is_goal else "")
            print(f"{title:36}{few}{many}{pair.ratio:8.1f}×{'  MISSED' if missed else ''}  {told}".rstrip(), flush=True)
    return reached

"""Two applications in turn, so that whatever else the machine does meets both."""

import os
import statistics
from dataclasses import dataclass

from bench._worker import Worker

# The first rounds fill the caches of both.
WARM_UP = 2
_CORES = sorted(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Pair:
    """Medians over all rounds of microseconds for one request, and of the ratios within each round."""

    base: float
    other: float
    ratio: float
    wall: float


def measure(base: tuple[Worker, str, str], other: tuple[Worker, str, str], rounds: int, batch: int) -> Pair:
    """Ask both again and again, each with its path and its cookie.

    :param rounds: how often each is asked in turn.
    :param batch: how many requests are one turn.
    """
    found = []
    for turn in range(WARM_UP + rounds):
        taken = {}
        # Whoever comes first in a round has no advantage over all of them.
        for worker, path, cookie in (base, other) if turn % 2 else (other, base):
            taken[worker] = worker.time(path, cookie, batch)
        found.append((*taken[base[0]], *taken[other[0]]))
    rows = found[WARM_UP:]
    return Pair(
        base=statistics.median(row[0] for row in rows),
        other=statistics.median(row[2] for row in rows),
        ratio=statistics.median(row[2] / row[0] for row in rows),
        wall=statistics.median(row[3] / row[1] for row in rows),
    )


def begin_servers() -> None:
    """Give whatever is started now every core but the first.

    Otherwise the scheduler moves an application beside its database and away again, and the ratios with it.
    """
    os.sched_setaffinity(0, _CORES[1:] or _CORES)


def begin_applications() -> None:
    """Give whatever is started now the first core."""
    os.sched_setaffinity(0, _CORES[:1])

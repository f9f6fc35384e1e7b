"""What does it cost to verify a trail? Prints a table; the goal is 2.5 times reading its rows and hashing each once.

    python bench/audit_verify.py [--events 1000000] [--rounds 3] [--only SQLite]

Each round, in turn and each in a process of its own:

* read: every row of the events in the order of their places, whole and by the database's driver alone, SHA-256 of each;
* verify: ``audit verify`` without its command line, against one checkpoint for each thousand events.

"busy" is the processor time of that process alone, which does not grow where a machine does other things meanwhile.
SQLite's work is in it and counts; the server's of PostgreSQL is not, so that there the clock counts.

Memory is the largest resident size of the process of ``verify``, which does not grow with the trail. The goal is set at
1,000,000 events; fewer are made unless told.
"""

import hashlib
import multiprocessing
import resource
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# The database server of the tests is started, and their folder stands beside this one's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg
from bench._databases import arguments, places, verdict
from bench._trail import ORIGIN, fill

from flask_gatehouse.audit.checkpoints import note_name
from flask_gatehouse.audit.note_keys import SigningKey
from flask_gatehouse.audit.notes import Checkpoint, sign_checkpoint
from flask_gatehouse.audit.tree import Frontier
from flask_gatehouse.audit.verifying import Held, verify
from flask_gatehouse.db.engine import make_engine
from tests.services import POSTGRESQL_OPTIONS

GOAL = 2.5
# A thousand checkpoints for a million events: more than half a busy day's.
CHECKPOINT_EACH = 1000
EVENTS = (
    "SELECT l.hash, e.* FROM gatehouse_audit_leaves l JOIN gatehouse_audit_events e ON e.id = l.event_id"
    " WHERE l.epoch = 1 AND l.position >= {0} AND l.position < {0} ORDER BY l.position"
)
STRETCH = 4096


def rows(url: str) -> Iterator[tuple[Any, ...]]:
    """Yield every leaf with its event, some thousand at a time as verification does."""
    start = 0
    is_sqlite = url.startswith("sqlite")
    connection = sqlite3.connect(url.removeprefix("sqlite:///")) if is_sqlite else psycopg.connect(url)
    cursor = connection.cursor() if is_sqlite else connection.cursor(binary=True)  # type: ignore[call-overload]
    statement = EVENTS.format("?" if is_sqlite else "%s")
    while found := cursor.execute(statement, (start, start + STRETCH)).fetchall():
        yield from found
        start += STRETCH
    connection.close()


def read(url: str, folder: Path, key: str) -> int:
    count = 0
    body = -2
    for row in rows(url):
        hashlib.sha256(b"\0" + row[body].encode()).digest()
        count += 1
    return count


def verifying(url: str, folder: Path, key: str) -> int:
    engine = make_engine(url)
    report = verify(engine, Held([SigningKey.parse(key).verifier], folder=folder))
    assert report.exit_code == 0, report
    engine.dispose()
    return report.ranges[0].size


def timed(way: Callable[..., int], url: str, folder: Path, key: str, told: Any) -> None:
    began, busy = time.perf_counter(), time.process_time()
    count = way(url, folder, key)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told.put((time.perf_counter() - began, time.process_time() - busy, count, memory))


def measure(way: Callable[..., int], *words: object) -> tuple[float, float, int, float]:
    """Return of one run its seconds, those of its own processor time, its events, and mebibytes."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=timed, args=(way, *words, told))
    process.start()
    result: tuple[float, float, int, float] = told.get(timeout=3600)
    process.join()
    return result


def sign(url: str, folder: Path, key: SigningKey) -> None:
    """Write the checkpoints that would have left while the trail grew."""
    frontier = Frontier()
    for row in rows(url):
        frontier.append(bytes(row[0]))
        if frontier.size % CHECKPOINT_EACH == 0:
            note = sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root), key)
            (folder / note_name(1, frontier.size)).write_text(note, encoding="utf-8")


def report(kind: str, url: str, rounds: int, folder: Path) -> bool:
    key = SigningKey.generate("bench.example.com")
    folder.mkdir()
    sign(url, folder, key)
    times = []
    for _ in range(rounds):
        reading = measure(read, url, folder, key.reveal())
        whole = measure(verifying, url, folder, key.reveal())
        assert reading[2] == whole[2]
        times.append((*reading[:2], *whole[:2], whole[0] / reading[0], whole[1] / reading[1], whole[3]))
    *seconds, ratio, busy, memory = (statistics.median(taken) for taken in zip(*times, strict=True))
    # SQLite works in the same process; of PostgreSQL only the waiting shows what the server did.
    counted = busy if kind == "SQLite" else ratio
    shown = "".join(f"{one:10.2f}" for one in seconds)
    missed = "" if counted <= GOAL else "  MISSED"
    print(f"{kind:>12}{whole[2]:12,}{shown}{ratio:9.2f}×{busy:9.2f}×{memory:8.0f}{missed}", flush=True)
    return bool(counted <= GOAL)


def main() -> int:
    options = arguments(__doc__, events=100_000, rounds=3)
    POSTGRESQL_OPTIONS["log_statement"] = "none"
    reached = True
    columns = ("read s", "busy s", "verify s", "busy s", "ratio", "busy")
    print(f"{'':12}{'events':>12}{''.join(f'{name:>10}' for name in columns)}{'MiB':>8}", flush=True)
    with places(options.only) as found:
        for place in found:
            [url] = place.filled(fill, options.events)
            reached = report(place.kind, url, options.rounds, place.folder / place.kind) and reached
    return verdict(f"The goal is at most {GOAL:g} times reading and hashing", reached)


if __name__ == "__main__":
    sys.exit(main())

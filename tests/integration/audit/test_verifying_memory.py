"""Verification keeps no more in memory of many events than of few."""

import subprocess
import sys

from sqlalchemy import text

from flask_gatehouse.audit import Facts, record_each
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import Actor
from tests.processes import PATIENCE_S

PROGRAM = """
import resource, sys
from flask_gatehouse.audit.verifying import Held, verify
from flask_gatehouse.db.engine import make_engine

engine = make_engine(sys.argv[1])
report = verify(engine, Held([]))
assert report.exit_code == 0, report
print(report.ranges[0].size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
engine.dispose()
"""
FEW, MANY = 4_000, 40_000
# Of the rows of so many events, with what Python makes of them, this is a tenth.
ROOM_KIB = 6 * 1024


def grow(database: Database, count: int) -> None:
    who = Actor(user_id=3, session_id="s" * 22, ip="192.0.2.7", user_agent="Browser/1" * 20, kind="user")
    for start in range(0, count, 2000):
        with database.transaction() as db:
            happened = [Facts(("article", number), {"number": number}) for number in range(start, start + 2000)]
            record_each("article.published", happened, session=db, actor=who)
    Sealer(database, "gate.example.com").seal()


def needed(url: str) -> tuple[int, int]:
    """Return how many events were verified, and the kibibytes that it took."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, url], capture_output=True, text=True, timeout=10 * PATIENCE_S, check=True
    )
    size, memory = ended.stdout.split()
    return int(size), int(memory)


def test_ten_times_the_events_need_the_same_memory(database: Database, database_url: str) -> None:
    grow(database, FEW)
    few = needed(database_url)
    grow(database, MANY - FEW)
    many = needed(database_url)
    assert (few[0], many[0]) == (FEW, MANY)
    assert many[1] - few[1] < ROOM_KIB
    with database.reading() as connection:
        weight = connection.execute(text("SELECT sum(length(body) + length(personal)) FROM gatehouse_audit_events"))
        # So that the two differ by more than what is allowed, were they kept.
        assert weight.scalar_one() > 5 * ROOM_KIB * 1024

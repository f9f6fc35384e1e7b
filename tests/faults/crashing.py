"""A program that records, seals, erases and restores, and is killed before its first statement, its second, and so on.

    python -m tests.faults.crashing DATABASE_URL

Each time, whoever comes next finds a trail that holds together and goes on with it. Prints how often it was killed.
"""

import os
import signal
import sys

from sqlalchemy import event, text

from flask_gatehouse.audit import record
from flask_gatehouse.audit.erasure import erase_personal
from flask_gatehouse.audit.sealing import Sealer, begin_epoch
from flask_gatehouse.audit.verifying import Held, verify
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.context import Actor
from tests.trail import sealed

HOST = "gate.example.com"
ADA = Actor(user_id=12, session_id="s" * 22, ip="192.0.2.7", user_agent="Browser/1", kind="user")


def work(url: str, die_at: int) -> None:
    """Do it all once; kill this process before its statement of that number, COMMITs counted."""
    engine, done = make_engine(url), 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        if done == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    database = Database(lambda: engine)
    for number in (20, 1):
        with database.transaction() as db:
            for _ in range(number):
                record("something.happened", resource=("article", 1), session=db, actor=ADA)
        Sealer(database, HOST).seal()
    with database.transaction() as db:
        erase_personal(db, ["user:12"])
    Sealer(database, HOST).seal()
    with database.transaction() as db:
        begin_epoch(db)
    Sealer(database, HOST).seal()


def committed(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(text("SELECT count(*) FROM gatehouse_audit_events")).scalar_one())


def verified(database: Database) -> int:
    """Verify whatever is there, and return how many events are sealed."""
    report = verify(database.engine, Held([]))
    assert report.exit_code == 0, report.findings.kept
    return sum(one.size for one in report.ranges)


def main(url: str) -> int:
    die_at = 0
    while True:
        die_at += 1
        child = os.fork()
        if not child:
            work(url, die_at)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        engine = make_engine(url)
        database = Database(lambda engine=engine: engine)
        verified(database)
        if not status:
            sealed(database)
            break
        # A restart finds what was committed and not sealed.
        Sealer(database, HOST).seal()
        assert verified(database) == committed(database)
        engine.dispose()
    return die_at - 1


if __name__ == "__main__":
    print(main(sys.argv[1]))  # noqa: T201 - what the test reads

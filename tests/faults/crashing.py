"""A program that does something and is killed before its first statement, before its second one, and so on.

    python -m tests.faults.crashing ACT DATABASE_URL FOLDER

Each time, whoever comes next finds what was done as a whole or not at all, and goes on with it. Whatever the process
had said it has done is there. Prints how often it was killed.
"""

import os
import signal
import sys
from pathlib import Path

from sqlalchemy import event

from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine

from .acts import ACTS, Act, holds_together


def die(url: str, act: Act, die_at: int) -> bool:
    """Do it in a process of its own, which is killed before its statement of that number, COMMITs counted twice: before
    they are sent and after they were answered.

    :returns: whether the process lived to the end.
    :raises AssertionError: if it ended in any other way.
    """
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL, status
        return status == 0
    engine, done = make_engine(url), 0

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        if done == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def count_commit(connection: object) -> None:
        count()
        # SQLAlchemy tells of no COMMIT that was answered: what comes next in its thread is this.
        event.listen(engine, "checkin", count, once=True)

    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count_commit)
    try:
        act.do(Database(lambda: engine))
    finally:
        # Nothing of the parent's is ended by its child, whatever happens.
        os._exit(0 if sys.exception() is None else 1)


def main(name: str, url: str, folder: str) -> int:
    act, died = ACTS[name](Path(folder)), 0
    while True:
        engine = make_engine(url)
        database = Database(lambda engine=engine: engine)
        act.prepare(database)
        # A connection that two processes hold would be nobody's.
        engine.dispose()
        lived = die(url, act, died + 1)
        happened = act.happened(database)
        assert happened or not lived
        act.go_on(database)
        assert act.happened(database)
        if lived:
            holds_together(database)
        engine.dispose()
        if lived:
            return died
        died += 1


if __name__ == "__main__":
    print(main(*sys.argv[1:]))  # noqa: T201 - what the test reads

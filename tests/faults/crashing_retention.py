"""A program that lets old events leave, and is killed before its first statement, before its second one, and so on.

    python -m tests.faults.crashing_retention DATABASE_URL FOLDER

Files that it opens, renames and removes count as statements too. Each time, whoever comes next finds a trail that
verifies, in which nothing is gone that no whole archive holds. Prints how often it was killed.
"""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import event, text

from flask_gatehouse.audit.keys import write_key
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.ops.retention import Retention
from flask_gatehouse.settings import Settings
from tests.integration.audit.thief import Trail

EVENTS = 600
FILES = {"open", "os.rename", "os.remove", "os.mkdir"}


def settings_in(folder: Path) -> Settings:
    return Settings.load(
        {
            "GATEHOUSE_ENV": "development",
            "GATEHOUSE_AUDIT_RETENTION": "1d",
            "GATEHOUSE_AUDIT_ARCHIVE_DIR": str(folder / "archive"),
            "GATEHOUSE_AUDIT_KEY_FILE": str(folder / "audit.key"),
            "GATEHOUSE_CHECKPOINT_DIR": str(folder / "checkpoints"),
        },
        {},
        directory=folder,
    )


def work(url: str, folder: Path, die_at: int) -> None:
    """Let what is old leave; kill this process before its statement of that number, COMMITs counted."""
    engine, done = make_engine(url), 0
    retention = Retention(Database(lambda: engine), settings_in(folder))

    def count(*_: object) -> None:
        nonlocal done
        done += 1
        if done == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def look(name: str, arguments: tuple[object, ...]) -> None:
        if name in FILES and str(folder / "archive") in str(arguments[0]):
            count()

    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    sys.addaudithook(look)
    retention.run()


def check(trail: Trail, folder: Path) -> None:
    report = trail.verify()
    assert report.exit_code == 0, report.sentences
    with trail.engine.connect() as connection:
        rows = connection.execute(text("SELECT body FROM gatehouse_audit_events WHERE event = 'audit_cut'")).scalars()
        cuts = [json.loads(body)["details"] for body in rows]
        left = connection.execute(text("SELECT count(*) FROM gatehouse_audit_events")).scalar_one()
    assert left == EVENTS + len(cuts) - sum(cut["to"] - cut["first"] for cut in cuts)
    for cut in cuts:
        archive = (folder / "archive" / cut["file"]).read_bytes()
        assert hashlib.sha256(archive).hexdigest() == cut["sha256"]


def main(url: str, folder: Path) -> int:
    (folder / "checkpoints").mkdir()
    engine = make_engine(url)
    trail = Trail(Database(lambda: engine), folder / "checkpoints")
    write_key(folder / "audit.key", trail.key)
    trail.happen(EVENTS)
    trail.sign()
    engine.dispose()
    die_at = 0
    while True:
        die_at += 1
        child = os.fork()
        if not child:
            work(url, folder, die_at)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        check(trail, folder)
        engine.dispose()
        if not status:
            break
    with engine.connect() as connection:
        assert connection.execute(text("SELECT cut FROM gatehouse_audit_trees")).scalar_one() == 512
    return die_at - 1


if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2])))  # noqa: T201 - what the test reads

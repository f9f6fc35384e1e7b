"""A disk that fills up while a prepared database takes the place of the live one."""

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from flask_gatehouse.ops.backups.errors import ONCE_MORE

# Beyond this no file may grow, which the system tells like a full disk. SQLite needs half of it to write ahead at all.
ROOM = 65_536
REPLACE = """
import sys
from resource import RLIM_INFINITY, RLIMIT_FSIZE, setrlimit
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.ops.backups import sqlite
from flask_gatehouse.ops.backups.errors import BackupRefused
live, prepared = (make_engine(f"sqlite:///{path}") for path in sys.argv[1:3])
def advance(done, total):
    # SQLite has committed into the file beside the live one by then, and not moved it from there.
    if sys.argv[3].isdigit() and done == total:
        setrlimit(RLIMIT_FSIZE, (int(sys.argv[3]), RLIM_INFINITY))
    if sys.argv[3] == "broken":
        with open(sys.argv[1], "r+b") as file:
            file.write(b"no database" * 1000)
try:
    print("kept:", sqlite.replace(live, prepared, advance))
except BackupRefused as error:
    print(error)
"""


def filling(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def filled(path: Path, size: int) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL").fetchall()
        database.execute("CREATE TABLE filling AS SELECT ? AS octets", (filling(size),))
        database.commit()
    return path


def octets_in(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as database:
        octets: bytes = database.execute("SELECT octets FROM filling").fetchone()[0]
        return octets


def kept_of(live: Path) -> list[Path]:
    return [path for path in all_kept_of(live) if not path.name.endswith(("-wal", "-shm"))]


def all_kept_of(live: Path) -> list[Path]:
    return list(live.parent.glob("live.db.before*"))


def replaced(live: Path, prepared: Path, at_the_end: int | str = "", *, room: int | None = ROOM) -> str:
    """Return what is said.

    :param at_the_end: ``broken``, or beyond which size no file may grow from then on.
    """
    limited = [] if room is None else ["prlimit", f"--fsize={room}", "--"]
    command = [*limited, sys.executable, "-c", REPLACE, str(live), str(prepared), str(at_the_end)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return filled(tmp_path / "prepared.db", 10 * ROOM)


def test_one_that_there_is_no_room_to_keep_is_as_it_was(tmp_path: Path, prepared: Path) -> None:
    live = filled(tmp_path / "live.db", 5 * ROOM)
    said = replaced(live, prepared)
    assert said.startswith("the database cannot be kept as ")
    assert said.endswith("; it is as it was\n")
    assert all_kept_of(live) == []
    assert octets_in(live) == filling(5 * ROOM)


def test_one_that_cannot_be_written_is_as_it_was_and_leaves_no_copy(tmp_path: Path, prepared: Path) -> None:
    """The disk is full, and each further try would take as much room again."""
    live = filled(tmp_path / "live.db", 100)
    said = replaced(live, prepared)
    assert said.startswith("the database cannot be written: ")
    assert said.endswith("; it is as it was\n")
    assert all_kept_of(live) == []
    assert octets_in(live) == filling(100)


def test_one_that_does_not_answer_afterwards_is_kept(tmp_path: Path, prepared: Path) -> None:
    live = filled(tmp_path / "live.db", 100)
    said = replaced(live, prepared, "broken")
    (kept,) = kept_of(live)
    assert said.endswith(f"; it may have been replaced, and what was there before is kept as {kept}; {ONCE_MORE}\n")
    assert octets_in(kept) == filling(100)


def test_what_fails_after_the_commit_takes_nothing_away(tmp_path: Path, prepared: Path) -> None:
    live = filled(tmp_path / "live.db", 100)
    said = replaced(live, prepared, ROOM, room=None)
    (kept,) = kept_of(live)
    # It is no failure: the restore has to go on, and to erase in it whoever was erased meanwhile.
    assert said == f"kept: {kept}\n"
    assert (octets_in(live), octets_in(kept)) == (filling(10 * ROOM), filling(100))


def test_a_damaged_one_has_another_name_then(tmp_path: Path, prepared: Path) -> None:
    live = tmp_path / "live.db"
    live.write_bytes(b"no database" * 1000)
    said = replaced(live, prepared)
    (kept,) = kept_of(live)
    assert said.endswith(f"; it may have been replaced, and what was there before is kept as {kept}; {ONCE_MORE}\n")
    assert kept.read_bytes() == b"no database" * 1000


def test_a_damaged_one_is_there_although_what_belonged_to_it_cannot_be_removed(tmp_path: Path, prepared: Path) -> None:
    live = tmp_path / "live.db"
    live.write_bytes(b"no database" * 1000)
    (tmp_path / "live.db-shm").mkdir()
    said = replaced(live, prepared)
    (kept,) = kept_of(live)
    assert f"what was there before is kept as {kept}" in said
    assert kept.read_bytes() == b"no database" * 1000
    assert not live.exists()

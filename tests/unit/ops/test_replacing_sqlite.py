"""A disk that fills up while a prepared database takes the place of the live one."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

# Beyond this no file may grow, which the system tells like a full disk.
ROOM = 16_384
REPLACE = """
import sys
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.ops.backups import sqlite
from flask_gatehouse.ops.backups.errors import BackupRefused
live, prepared = (make_engine(f"sqlite:///{path}") for path in sys.argv[1:])
try:
    sqlite.replace(live, prepared, lambda done, total: None)
except BackupRefused as error:
    print(error)
"""


def filled(path: Path, size: int) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE filling AS SELECT zeroblob(?) AS octets", (size,))
        database.commit()
    return path


def replaced(live: Path, prepared: Path) -> str:
    limited = ["prlimit", f"--fsize={ROOM}", "--", sys.executable, "-c", REPLACE, str(live), str(prepared)]
    return subprocess.run(limited, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    return filled(tmp_path / "prepared.db", 10 * ROOM)


def test_the_live_one_is_as_it_was(tmp_path: Path, prepared: Path) -> None:
    live = filled(tmp_path / "live.db", 100)
    before = live.read_bytes()
    said = replaced(live, prepared)
    assert said.startswith("the database cannot be written: ")
    assert said.endswith("; it is as it was\n")
    assert live.read_bytes() == before
    assert list(tmp_path.glob("live.db.before*")) == []


def test_a_damaged_one_has_another_name_then(tmp_path: Path, prepared: Path) -> None:
    live = tmp_path / "live.db"
    live.write_bytes(b"no database" * 1000)
    said = replaced(live, prepared)
    (kept,) = tmp_path.glob("live.db.before*")
    assert said.endswith(f"; the damaged one is kept as {kept}\n")
    assert kept.read_bytes() == b"no database" * 1000

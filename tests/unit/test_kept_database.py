"""The database that a restore puts aside is nobody else's, from its first byte on."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from flask_gatehouse.ops.backups import sqlite as backups


def test_a_copy_is_its_owners_while_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live, prepared = tmp_path / "live.db", tmp_path / "prepared.db"
    for path in (live, prepared):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE things (thing)")
    live.chmod(0o644)
    seen = []
    copy = backups._copy

    def watched(source: Path, target: Path, *rest: object) -> None:
        seen.append((target.name.startswith("live.db.before"), oct(target.stat().st_mode & 0o777)))
        copy(source, target, *rest)  # type: ignore[arg-type] - the rest is passed on as it came

    monkeypatch.setattr(backups, "_copy", watched)
    url = "sqlite:///{}"
    kept = backups.replace(
        create_engine(url.format(live)), create_engine(url.format(prepared)), lambda done, total: None
    )
    assert seen[0] == (True, "0o600")
    assert kept is not None
    assert Path(kept).stat().st_mode & 0o777 == 0o600

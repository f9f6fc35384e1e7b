"""What goes wrong while a copy is prepared is called what it is."""

import errno
import os
from pathlib import Path

import pytest

from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.migrate import upgrade
from flask_gatehouse.ops.backups import service
from flask_gatehouse.ops.backups.errors import BackupRefused
from flask_gatehouse.ops.backups.service import make_backup, restore
from flask_gatehouse.settings import Settings


def test_a_disk_that_is_full_is_not_called_a_ledger_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'gatehouse.db'}")
    upgrade(engine)
    settings = Settings.load({"GATEHOUSE_ENV": "development"}, {}, directory=tmp_path)
    database, path = Database(lambda: engine), tmp_path / "one.backup"
    make_backup(database, settings, path, lambda *_: None)

    def full(*_: object, **more: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(service, "end_sessions", full)
    with pytest.raises(BackupRefused, match="the copy cannot be prepared: No space left on device"):
        restore(database, settings, path, lambda *_: None)
    engine.dispose()

"""A restore loses no erasure, whatever becomes of the ledger while it runs."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, update

from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.ops.backups.errors import BackupRefused
from flask_gatehouse.ops.backups.service import drill, make_backup, restore
from flask_gatehouse.privacy.erasure import erase_user
from flask_gatehouse.privacy.errors import DamagedLedger, UnwritableLedger
from flask_gatehouse.privacy.ledger import read_ledger
from flask_gatehouse.privacy.models import PendingErasure
from tests.integration.conftest import House
from tests.integration.privacy.conftest import ROOT, Lives


@pytest.fixture
def impatient(sqlite_url: str) -> Iterator[Engine]:
    """Waits for nobody who writes."""
    engine = make_engine(sqlite_url)

    @event.listens_for(engine, "connect")
    def wait_for_nobody(connection: sqlite3.Connection, entry: object) -> None:
        connection.execute("PRAGMA busy_timeout = 0")

    yield engine
    engine.dispose()


@pytest.fixture
def lives(impatient: Engine, live: Callable[[House], Lives]) -> Lives:
    return live(House(Database(lambda: impatient)))


@pytest.fixture
def backup(lives: Lives, tmp_path: Path) -> Path:
    path = tmp_path / "one.backup"
    make_backup(lives.database, lives.settings, path, quiet)
    return path


def quiet(step: str, done: int, of: int) -> None:
    """Say nothing."""


def is_there(lives: Lives) -> bool:
    return bool(lives.leftovers())


def left_by_a_power_cut(lives: Lives) -> bytes:
    """Erase her, and leave the beginning of the line alone; return the whole line."""
    erase_user(lives.database, lives.settings, lives.zoraida.id, actor=ROOT)
    whole = lives.settings.erasure_ledger.read_bytes()
    with lives.database.transaction() as db:
        db.execute(update(PendingErasure).values(written_at=None))
    lives.settings.erasure_ledger.write_bytes(whole[:30])
    return whole


def test_a_ledger_that_takes_nothing_stops_it_while_an_erasure_waits(lives: Lives, backup: Path) -> None:
    """Once the database is replaced, nobody knows of that erasure any more."""
    ledger = lives.settings.erasure_ledger
    ledger.parent.mkdir(parents=True, exist_ok=True)
    ledger.symlink_to(ledger.parent / "nowhere" / "erasures.ledger")
    erase_user(lives.database, lives.settings, lives.zoraida.id, actor=ROOT)
    for attempt in (lambda: restore(lives.database, lives.settings, backup, quiet), lambda: drilled(lives)):
        with pytest.raises(UnwritableLedger, match=r"the ledger of erasures \(No such file or directory\)"):
            attempt()
    assert not is_there(lives)
    ledger.unlink()
    assert restore(lives.database, lives.settings, backup, quiet).replayed.users == 1
    assert not is_there(lives)


def test_nor_does_it_go_on_with_one_that_takes_nothing_any_more(lives: Lives, backup: Path) -> None:
    """The copy that is prepared may have filled the disk on which the ledger lies."""
    ledger = lives.settings.erasure_ledger

    def tell(step: str, done: int, of: int) -> None:
        if step == "Restoring" and done == 0:
            ledger.parent.mkdir(parents=True, exist_ok=True)
            ledger.symlink_to(ledger.parent / "nowhere" / "erasures.ledger")
            erase_user(lives.database, lives.settings, lives.zoraida.id, actor=ROOT)

    with pytest.raises(UnwritableLedger, match=r"the ledger of erasures \(No such file or directory\)"):
        restore(lives.database, lives.settings, backup, tell)
    assert not is_there(lives)
    ledger.unlink()
    assert restore(lives.database, lives.settings, backup, quiet).replayed.users == 1
    assert not is_there(lives)


def drilled(lives: Lives) -> None:
    drill(lives.database, lives.settings, quiet)


def test_what_a_power_cut_has_left_is_written_again_before_it(lives: Lives, backup: Path) -> None:
    whole = left_by_a_power_cut(lives)
    assert restore(lives.database, lives.settings, backup, quiet).torn == 1
    assert not is_there(lives)
    assert lives.settings.erasure_ledger.read_bytes() == whole


def test_what_cannot_be_written_again_stops_it(lives: Lives, backup: Path, impatient: Engine) -> None:
    left_by_a_power_cut(lives)
    with closing(sqlite3.connect(str(impatient.url.database), isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        with pytest.raises(DamagedLedger, match="is cut off in the middle"):
            restore(lives.database, lives.settings, backup, quiet)
    assert not is_there(lives)


def test_a_drill_needs_nothing_either(lives: Lives) -> None:
    whole = left_by_a_power_cut(lives)
    drilled(lives)
    assert lives.settings.erasure_ledger.read_bytes() == whole


def test_a_ledger_that_is_damaged_meanwhile_is_told_with_what_was_done(lives: Lives, backup: Path) -> None:
    ledger = lives.settings.erasure_ledger

    def tell(step: str, done: int, of: int) -> None:
        if step == "Replacing" and done == of:
            ledger.parent.mkdir(parents=True, exist_ok=True)
            ledger.write_text('{"at":')

    with pytest.raises(BackupRefused) as caught:
        restore(lives.database, lives.settings, backup, tell)
    (kept,) = ledger.parent.parent.rglob("*.before-restore-*Z")
    said = (
        f"the database was restored, and the one before is kept as {kept}; but whoever was erased meanwhile may be in"
    )
    assert str(caught.value).startswith(f"{said} it, as line 1 of the ledger of erasures {ledger} is cut off")
    assert list(lives.house.events())[-1] != "backup_made"
    with pytest.raises(DamagedLedger):
        list(read_ledger(ledger))


def test_a_database_that_does_not_answer_afterwards_is_told_with_what_was_done(
    lives: Lives, backup: Path, impatient: Engine
) -> None:
    is_replaced = False

    def tell(step: str, done: int, of: int) -> None:
        nonlocal is_replaced
        is_replaced = is_replaced or (step == "Replacing" and done == of)

    with closing(sqlite3.connect(str(impatient.url.database), isolation_level=None)) as another:

        @event.listens_for(impatient, "connect")
        def write_first(connection: sqlite3.Connection, entry: object) -> None:
            if is_replaced and not another.in_transaction:
                another.execute("BEGIN IMMEDIATE")

        with pytest.raises(BackupRefused) as caught:
            restore(lives.database, lives.settings, backup, tell)
    (kept,) = backup.parent.rglob("*.before-restore-*Z")
    assert str(caught.value) == (
        f"the database was restored, and the one before is kept as {kept}; but whoever was erased meanwhile may be in"
        " it, as database is not available; restore once more when that is mended"
    )

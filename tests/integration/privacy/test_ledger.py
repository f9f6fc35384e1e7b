"""Whoever was erased does not come back with an old copy of the database."""

import fcntl
import json
import shutil
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, delete, select, update

from flask_gatehouse.accounts.models import Invitation, User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import invite, register
from flask_gatehouse.audit import record
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.privacy import leftovers
from flask_gatehouse.privacy.erasure import erase_many, erase_user
from flask_gatehouse.privacy.errors import DamagedLedger, UnreadableLedger
from flask_gatehouse.privacy.ledger import (
    Known,
    get_key,
    highest_numbers,
    look_into_ledger,
    name_of,
    note_erasure,
    read_ledger,
    write_out,
)
from flask_gatehouse.privacy.leftovers import settle
from flask_gatehouse.privacy.models import LedgerKey, PendingErasure
from flask_gatehouse.privacy.replay import Replayed, replay
from tests.databases import WorkerDatabase
from tests.integration.accounts.test_races import at_once, both_before
from tests.integration.conftest import SOMEBODY, House
from tests.integration.privacy.conftest import HERS, ROOT, Lives, zoraida

Copy = Callable[[str], str]


def erase(lives: Lives) -> None:
    erase_user(lives.database, lives.settings, lives.zoraida.id, actor=ROOT)


def pending(lives: Lives) -> int:
    with lives.database.reading() as connection:
        return len(connection.scalars(select(PendingErasure.id)).all())


@pytest.fixture
def copy(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Copy:
    """Copies the database as it is now, as a backup does, and returns the address of the copy."""

    def copy(name: str) -> str:
        if engine.dialect.name == "postgresql":
            engine.dispose()
            worker: WorkerDatabase = request.getfixturevalue("postgresql_database")
            return worker.copied(name)
        leftovers.empty_log(Database(lambda: engine))
        return f"sqlite:///{shutil.copy(engine.url.database or '', tmp_path / f'{name}.db')}"

    return copy


@contextmanager
def restored(lives: Lives, url: str) -> Iterator[Lives]:
    engine = make_engine(url)
    try:
        yield Lives(House(Database(lambda: engine)), lives.settings, lives.zoraida, lives.root)
    finally:
        engine.dispose()


def test_she_does_not_come_back(lives: Lives, copy: Copy) -> None:
    backup = copy("backup")
    erase(lives)
    with restored(lives, backup) as old:
        assert old.leftovers()
        done = replay(old.database, lives.settings.erasure_ledger)
        assert (done.entries, done.foreign, done.users) == (1, 0, 1)
        assert old.leftovers() == {}
        assert old.house.events()[-1] == "personal_data_erased"
        contents = old.house.contents()
        # A restore that was interrupted does it again.
        assert replay(old.database, lives.settings.erasure_ledger) == Replayed(1, 0, 0, 0, has_ledger=True)
        assert old.house.contents() == contents


def test_neither_do_many_of_whom_one_was_the_last_administrator_then(lives: Lives, copy: Copy) -> None:
    backup = copy("backup")
    eve = lives.house.join("eve", Role.ADMIN)
    erase_many(lives.database, lives.settings, [lives.zoraida.id, lives.root.id], actor_id=eve.id)
    with restored(lives, backup) as old:
        assert replay(old.database, lives.settings.erasure_ledger).users == 2
        with old.database.reading() as connection:
            assert connection.scalars(select(User.id)).all() == []


def test_whoever_came_anew_since_stays(lives: Lives, copy: Copy) -> None:
    erase(lives)
    with lives.database.transaction() as db:
        invite(db, "zoraida@example.com", "editor", actor=ROOT)
    with lives.database.transaction() as db:
        again = register(db, zoraida(), Role.VIEWER, actor=SOMEBODY)
        invite(db, "zoraida@elsewhere.example", "editor", actor=ROOT)
    with restored(lives, copy("backup")) as later:
        contents = later.house.contents()
        assert replay(later.database, lives.settings.erasure_ledger) == Replayed(1, 0, 0, 0, has_ledger=True)
        assert later.house.contents() == contents
        with later.database.reading() as connection:
            assert again.id in connection.scalars(select(User.id)).all()


def test_somebody_who_has_got_her_number_stays(lives: Lives, copy: Copy) -> None:
    """After a restore ids are given out again. The ledger's ``user:3`` is then a stranger, who has done nothing."""
    backup = copy("backup")
    third = lives.house.join("third")
    erase_user(lives.database, lives.settings, third.id, actor=ROOT)
    with restored(lives, backup) as old:
        stranger = old.house.join("stranger")
        assert stranger.id == third.id
        with old.database.transaction() as db:
            record("article.published", resource=("article", 1), session=db, actor=Actor(stranger.id, ip="192.0.2.1"))
        contents = old.house.contents()
        assert replay(old.database, lives.settings.erasure_ledger).users == 0
        assert old.house.contents() == contents


def test_an_invitation_that_nobody_remembered_does_not_come_back(lives: Lives, copy: Copy) -> None:
    """It had ended long before the erasure, which therefore knew nothing of it: her address finds it."""
    with lives.database.transaction() as db:
        db.add(Invitation(email="quijano@example.com", role=Role.ADMIN, created_at=db.get_one(User, 1).created_at))
        db.execute(update(User).where(User.id == lives.zoraida.id).values(email="quijano@example.com"))
    backup = copy("backup")
    with lives.database.transaction() as db:
        db.delete(db.scalars(select(Invitation)).one())
    erase(lives)
    with restored(lives, backup) as old:
        done = replay(old.database, lives.settings.erasure_ledger)
        assert (done.users, done.others) == (1, 2)
        assert old.leftovers() == {}


def test_the_ledger_of_another_database_means_nobody(lives: Lives, copy: Copy) -> None:
    backup = copy("backup")
    erase(lives)
    with restored(lives, backup) as other:
        with other.database.transaction() as db:
            db.execute(update(LedgerKey).values(key=b"another database's key, 32 bytes"))
        contents = other.house.contents()
        assert replay(other.database, lives.settings.erasure_ledger) == Replayed(0, 1, 0, 0, has_ledger=True)
        assert other.house.contents() == contents


def test_without_a_ledger_nothing_happens(lives: Lives) -> None:
    assert replay(lives.database, lives.settings.erasure_ledger) == Replayed(0, 0, 0, 0, has_ledger=False)
    assert lives.leftovers()


def test_of_two_who_find_no_key_one_makes_it(house: House) -> None:
    # The migration makes it, and tables that were made without one have none.
    with house.database.transaction() as db:
        db.execute(delete(LedgerKey))

    def key() -> bytes:
        with house.database.transaction() as db:
            return get_key(db)

    with both_before(house.database, "INSERT INTO gatehouse_ledger_key"):
        first, second = at_once(key, key)
    assert first == second
    assert len(first) == 32


class TestTheFile:
    def test_it_discloses_little_and_only_to_its_owner(self, lives: Lives) -> None:
        erase(lives)
        path = lives.settings.erasure_ledger
        text = path.read_text().lower()
        assert not any(word in text for word in (*HERS, "google", "example"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        entry = json.loads(text)
        assert list(entry) == ["at", "database", "marks", "subjects", "v"]
        assert all(len(mark) == 64 for mark in entry["marks"])

    def test_marks_of_another_database_differ(self, lives: Lives, copy: Copy) -> None:
        backup = copy("backup")
        erase(lives)
        with restored(lives, backup) as other:
            with other.database.transaction() as db:
                db.execute(update(LedgerKey).values(key=b"another database's key, 32 bytes"))
            erase_user(other.database, other.settings, other.zoraida.id, actor=ROOT)
        first, second = read_ledger(lives.settings.erasure_ledger)
        assert first.marks.isdisjoint(second.marks)

    def test_a_number_that_no_row_can_have_is_not_the_highest(self, lives: Lives) -> None:
        with lives.database.transaction() as db:
            note_erasure(db, [], ["invitation:7", f"invitation:{'9' * 5000}", "user:x", "article:12"])
            name = name_of(get_key(db))
        write_out(lives.database, lives.settings.erasure_ledger)
        assert highest_numbers(name, lives.settings.erasure_ledger) == {"invitation": 7}

    def test_a_crash_between_commit_and_file_loses_nothing(
        self, lives: Lives, copy: Copy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backup = copy("backup")
        with monkeypatch.context() as crashing:
            crashing.setattr("flask_gatehouse.privacy.erasure.carry_out", lambda *_: None)
            erase(lives)
        assert not lives.settings.erasure_ledger.exists()
        settle(lives.database, lives.settings)
        assert pending(lives) == 0
        with restored(lives, backup) as old:
            assert replay(old.database, lives.settings.erasure_ledger).users == 1

    def test_a_crash_between_file_and_commit_writes_it_twice_and_that_is_harmless(
        self, lives: Lives, copy: Copy
    ) -> None:
        backup = copy("backup")
        erase(lives)
        with lives.database.transaction() as db:
            db.execute(update(PendingErasure).values(written_at=None))
        settle(lives.database, lives.settings)
        assert len(list(read_ledger(lives.settings.erasure_ledger))) == 2
        with restored(lives, backup) as old:
            assert replay(old.database, lives.settings.erasure_ledger).users == 1
            assert old.leftovers() == {}

    def test_a_file_that_cannot_be_written_keeps_nobody_here_and_is_told(
        self, lives: Lives, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = lives.settings.erasure_ledger
        path.mkdir(parents=True)
        erase(lives)
        assert lives.leftovers() == {}
        assert "the ledger of erasures (Is a directory) is not available; the worker tries again" in caplog.text
        with pytest.raises(DependencyUnavailable):
            settle(lives.database, lives.settings)
        assert pending(lives) == 1
        path.rmdir()
        settle(lives.database, lives.settings)
        assert (pending(lives), len(list(read_ledger(path)))) == (0, 1)

    @pytest.mark.parametrize("left", [b"", b"\0\0\0"], ids=["a beginning", "and zeros"])
    def test_what_a_power_cut_has_left_of_a_line_is_written_again(self, lives: Lives, copy: Copy, left: bytes) -> None:
        backup = copy("backup")
        erase(lives)
        path = lives.settings.erasure_ledger
        with lives.database.transaction() as db:
            db.execute(update(PendingErasure).values(written_at=None))
        whole = path.read_bytes()
        path.write_bytes(whole[:30] + left)
        assert look_into_ledger(path, lives.database) == Known(0, torn=1)
        settle(lives.database, lives.settings)
        assert path.read_bytes() == whole
        with restored(lives, backup) as old:
            assert replay(old.database, path).users == 1

    def test_one_that_nobody_writes_again_stays_and_stops_everything(self, lives: Lives) -> None:
        """It is no crash of ours: an editor, or a copy that was cut off. Nothing else may know who it was."""
        erase(lives)
        path = lives.settings.erasure_ledger
        settle(lives.database, lives.settings)
        torn = path.read_bytes()[:-30]
        path.write_bytes(torn)
        for database in (lives.database, None):
            with pytest.raises(DamagedLedger, match=r"line 1 of the ledger of erasures .* is cut off in the middle"):
                look_into_ledger(path, database)
        with pytest.raises(DamagedLedger, match="cut off"):
            replay(lives.database, path)
        erase_user(lives.database, lives.settings, lives.house.join("third").id, actor=ROOT)
        assert path.read_bytes().startswith(torn + b"\n{")
        with pytest.raises(DamagedLedger, match=r"line 1 of the ledger of erasures .* is damaged"):
            replay(lives.database, path)

    def test_one_that_lacks_its_end_alone_counts_and_stays(self, lives: Lives, copy: Copy) -> None:
        backup = copy("backup")
        erase(lives)
        path = lives.settings.erasure_ledger
        whole = path.read_bytes()
        path.write_bytes(whole.rstrip())
        assert look_into_ledger(path, None) == Known(1)
        with restored(lives, backup) as old:
            assert replay(old.database, path).users == 1
        erase_user(lives.database, lives.settings, lives.house.join("third").id, actor=ROOT)
        assert path.read_bytes().startswith(whole + b"{")
        assert len(list(read_ledger(path))) == 2

    def test_a_line_that_is_being_written_is_not_taken_for_one_that_is_cut_off(self, lives: Lives) -> None:
        erase(lives)
        path = lives.settings.erasure_ledger
        whole = path.read_bytes()
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(whole[:30])
            file.flush()
            with ThreadPoolExecutor() as threads:
                reading = threads.submit(look_into_ledger, path, None)
                with pytest.raises(TimeoutError):
                    reading.result(timeout=0.5)
                file.write(whole[30:])
                file.flush()
                fcntl.flock(file, fcntl.LOCK_UN)
                assert reading.result(timeout=120) == Known(2)

    @pytest.mark.parametrize(
        "damage", ["", "x", "{}", "[]", '{"v":2}', "\0" * 40, '{"v":1,"marks":1,"at":"","subjects":[]}']
    )
    def test_a_damaged_line_stops_everything(self, lives: Lives, damage: str) -> None:
        erase(lives)
        path = lives.settings.erasure_ledger
        path.write_text(f"{damage}\n{path.read_text()}")
        contents = lives.house.contents()
        with pytest.raises(DamagedLedger, match="line 1 of the ledger") as caught:
            replay(lives.database, path)
        assert (caught.value.path, caught.value.line) == (path, 1)
        assert lives.house.contents() == contents

    def test_one_that_cannot_be_read_stops_everything(self, lives: Lives, tmp_path: Path) -> None:
        erase(lives)
        contents = lives.house.contents()
        with pytest.raises(UnreadableLedger, match=r"the ledger of erasures, .*, cannot be read: Is a directory"):
            replay(lives.database, tmp_path)
        assert lives.house.contents() == contents

    def test_two_who_write_at_once_write_each_line_once(
        self, postgresql_url: str, live: Callable[[House], Lives]
    ) -> None:
        engine = make_engine(postgresql_url)
        lives = live(House(Database(lambda: engine)))
        with lives.database.transaction() as db:
            db.add_all(PendingErasure(entry=f'{{"n":{number}}}') for number in range(2))
        with psycopg.connect(postgresql_url) as other:
            other.execute("SELECT 1 FROM gatehouse_pending_erasures WHERE id = 1 FOR UPDATE")
            assert write_out(lives.database, lives.settings.erasure_ledger) == 1
        assert write_out(lives.database, lives.settings.erasure_ledger) == 1
        assert lives.settings.erasure_ledger.read_text() == '{"n":1}\n{"n":0}\n'
        engine.dispose()

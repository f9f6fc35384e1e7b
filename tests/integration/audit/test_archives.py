"""What becomes of an archive whose events could not leave."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

import flask_gatehouse.ops.retention
from flask_gatehouse.audit.erasure import erase_personal
from flask_gatehouse.audit.events import UNDECIDED
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.kernel.files import digest_of
from flask_gatehouse.ops.retention import Retention
from tests.integration.audit.test_one_transaction import refuse_events_after
from tests.integration.audit.test_retention import archives, is_intact, last_cut, settings_of, trail_events
from tests.integration.audit.thief import Trail


@pytest.fixture
def retention(trail: Trail, tmp_path: Path) -> Retention:
    """Of a trail of 300 events that are all older than a day."""
    return Retention(trail.database, settings_of(trail, tmp_path))


def test_an_archive_whose_cut_has_failed_is_tried_again_before_another_is_written(
    trail: Trail, retention: Retention, tmp_path: Path
) -> None:
    refuse_events_after(trail.database, 300 - 256)
    for _ in range(2):
        with pytest.raises(DBAPIError, match="the trail is full"):
            retention.run()
        (archive,) = archives(tmp_path)
    name = "full" if trail.engine.dialect.name == "sqlite" else "refuse ON gatehouse_audit_events"
    with trail.engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    retention.run()
    assert archives(tmp_path) == [archive]
    assert last_cut(trail)["file"] == archive.name
    assert is_intact(trail)


def test_an_archive_that_somebody_has_taken_away_is_written_again(
    trail: Trail, retention: Retention, tmp_path: Path
) -> None:
    refuse_events_after(trail.database, 300 - 256)
    with pytest.raises(DBAPIError, match="the trail is full"):
        retention.run()
    archives(tmp_path)[0].unlink()
    with pytest.raises(DBAPIError, match="the trail is full"):
        retention.run()
    assert len(archives(tmp_path)) == 1


class Unreliable(Database):
    """Goes away at the next COMMIT: before it has happened, or before anybody hears that it has."""

    def __init__(self, database: Database, *, after: bool) -> None:
        super().__init__(lambda: database.engine)
        self._after, self._is_due = after, True

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as db:
            yield db
            self._go_away(now=not self._after)
        self._go_away(now=self._after)

    def _go_away(self, *, now: bool) -> None:
        if now and self._is_due:
            self._is_due = False
            raise DependencyUnavailable("database")


def interrupted(trail: Trail, tmp_path: Path, *, after: bool) -> tuple[Retention, Path]:
    """Return who has been interrupted at the COMMIT of a cut, and the archive."""
    retention = Retention(Unreliable(trail.database, after=after), settings_of(trail, tmp_path))
    with pytest.raises(DependencyUnavailable):
        retention.run()
    (archive,) = archives(tmp_path)
    return retention, archive


def test_the_archive_of_what_has_left_stays_although_nobody_has_heard_that_it_left(
    trail: Trail, tmp_path: Path
) -> None:
    retention, archive = interrupted(trail, tmp_path, after=True)
    assert last_cut(trail)["file"] == archive.name
    retention.run()
    assert archives(tmp_path) == [archive]
    assert digest_of(archive) == last_cut(trail)["sha256"]
    assert is_intact(trail)


def test_what_has_changed_since_it_was_checked_lets_nothing_leave_and_does_not_stay(
    trail: Trail, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever is erased meanwhile would stay in it."""
    retention, archive = interrupted(trail, tmp_path, after=False)
    archive.write_bytes(archive.read_bytes()[:1000])
    retention.run()
    (whole,) = archives(tmp_path)
    assert whole != archive
    assert (last_cut(trail)["file"], last_cut(trail)["sha256"]) == (whole.name, digest_of(whole))
    assert f"{archive} has changed since it was checked" in caplog.text
    told = [json.loads(body) for body in trail_events(trail)]
    assert [one["reason"] for one in told if one["event"] == "audit_verify_failed"] == ["archive"]
    assert is_intact(trail)


def test_what_has_changed_is_told_although_the_database_was_away_at_first(
    trail: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention, archive = interrupted(trail, tmp_path, after=False)
    archive.write_bytes(archive.read_bytes()[:1000])

    def away(*_: object, **__: object) -> None:
        raise DependencyUnavailable("database")

    with monkeypatch.context() as patch:
        patch.setattr(flask_gatehouse.ops.retention, "record", away)
        for _ in range(2):
            with pytest.raises(DependencyUnavailable):
                retention.run()
    assert archives(tmp_path) == [archive]
    retention.run()
    assert archive not in archives(tmp_path)
    told = [json.loads(body) for body in trail_events(trail)]
    assert [one["reason"] for one in told if one["event"] == "audit_verify_failed"] == ["archive"]


def test_what_has_changed_stays_where_its_events_have_left_for_it(trail: Trail, tmp_path: Path) -> None:
    """It may be all that is left of them."""
    retention, archive = interrupted(trail, tmp_path, after=True)
    changed = archive.read_bytes()[:1000]
    archive.write_bytes(changed)
    retention.run()
    assert archive.read_bytes() == changed
    assert last_cut(trail)["file"] == archive.name


def test_whoever_is_erased_before_it_is_tried_again_is_in_no_archive(trail: Trail, tmp_path: Path) -> None:
    retention, archive = interrupted(trail, tmp_path, after=False)
    with trail.database.transaction() as db:
        erase_personal(db, ["user:5"])
    retention.run()
    assert archives(tmp_path) == []
    retention.run()
    (other,) = archives(tmp_path)
    assert (other != archive, last_cut(trail)["file"]) == (True, other.name)


def test_a_folder_of_checkpoints_that_cannot_be_read_is_called_that(trail: Trail, tmp_path: Path) -> None:
    # What is called a note there, and cannot be read.
    settings = replace(settings_of(trail, tmp_path), checkpoint_dir=tmp_path / "notes")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/1-000000000300.note").mkdir()
    with pytest.raises(DependencyUnavailable, match="the folder of checkpoints"):
        Retention(trail.database, settings).run()


def test_an_archive_that_could_not_be_checked_accuses_nobody(
    trail: Trail, retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(path: Path, keys: object, say: Callable[[str], None]) -> int:
        say("it cannot be read")
        return 2

    monkeypatch.setattr(flask_gatehouse.ops.retention.verify_export, "check", check)
    retention.run()
    said = json.loads(trail_events(trail)[-1])
    assert (said["event"], said["reason"]) == ("audit_verify_failed", UNDECIDED)

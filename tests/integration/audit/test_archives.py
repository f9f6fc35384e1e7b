"""What becomes of an archive whose events could not leave."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

import flask_gatehouse.ops.retention
from flask_gatehouse.audit.events import UNDECIDED
from flask_gatehouse.kernel.errors import DependencyUnavailable
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

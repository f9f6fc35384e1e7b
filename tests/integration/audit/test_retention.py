"""Old events leave once they are archived, in whole tiles; what stays verifies, and so does what has left."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import flask_gatehouse.ops.retention
from flask_gatehouse.audit import record
from flask_gatehouse.audit.erasure import erase_personal, erase_unknown
from flask_gatehouse.audit.keys import write_key
from flask_gatehouse.audit.sealing import begin_epoch
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.ops.checkpoints import Witness
from flask_gatehouse.ops.retention import Retention
from flask_gatehouse.settings import Settings
from tests.integration.audit.test_exporting import checked, exported, lines
from tests.integration.audit.test_one_transaction import refuse_events_after
from tests.integration.audit.thief import START, Thief, Trail, first

EVENTS = "SELECT count(*) FROM gatehouse_audit_events"


def settings_of(trail: Trail, tmp_path: Path, **changes: str) -> Settings:
    key = tmp_path / "audit.key"
    if not key.exists():
        write_key(key, trail.key)
    return Settings.load(
        {
            "GATEHOUSE_ENV": "development",
            "GATEHOUSE_AUDIT_RETENTION": "1d",
            "GATEHOUSE_AUDIT_ARCHIVE_DIR": str(tmp_path / "archive"),
            "GATEHOUSE_AUDIT_KEY_FILE": str(key),
            "GATEHOUSE_CHECKPOINT_DIR": str(trail.folder),
            **changes,
        },
        {},
        directory=tmp_path,
    )


@pytest.fixture
def retention(trail: Trail, tmp_path: Path) -> Retention:
    """Of a trail of 300 events that are all older than a day."""
    return Retention(trail.database, settings_of(trail, tmp_path))


def archives(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "archive").iterdir())


def number(trail: Trail, statement: str) -> int:
    with trail.engine.connect() as connection:
        return int(connection.execute(text(statement)).scalar_one())


def last_cut(trail: Trail) -> dict[str, Any]:
    with trail.engine.connect() as connection:
        body = connection.execute(
            text("SELECT body FROM gatehouse_audit_events WHERE event = 'audit_cut' ORDER BY id DESC LIMIT 1")
        ).scalar_one()
    details: dict[str, Any] = json.loads(body)["details"]
    return details


def is_intact(trail: Trail) -> bool:
    report = trail.verify()
    return (report.exit_code, report.findings.kept, report.doubts) == (0, [], [])


def test_whole_tiles_leave_and_the_rest_verifies(trail: Trail, retention: Retention, tmp_path: Path) -> None:
    retention.run()
    assert number(trail, EVENTS) == 300 - 256 + 1
    assert number(trail, "SELECT min(position) FROM gatehouse_audit_leaves") == 256
    (archive,) = archives(tmp_path)
    details = last_cut(trail)
    assert (details["epoch"], details["first"], details["to"]) == (1, 0, 256)
    assert details["file"] == archive.name
    assert details["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert archive.stat().st_mode & 0o777 == 0o600
    # At once, when the cut itself is sealed, and when it is signed.
    assert is_intact(trail)
    trail.sign()
    report = trail.verify()
    assert report.exit_code == 0, report.findings.kept
    assert f"They are in {archive.name}" in " ".join(report.sentences(datetime.now(UTC)))
    retention.run()
    assert len(archives(tmp_path)) == 1


def test_the_archive_proves_what_has_left(trail: Trail, retention: Retention, tmp_path: Path) -> None:
    retention.run()
    content = archives(tmp_path)[0].read_bytes()
    code, said = checked(tmp_path, content, trail.key.verifier)
    assert (code, "INTACT: 256 events are proven" in said) == (0, True), said
    assert lines(content)[0]["filters"] == {"positions": [0, 256]}
    assert lines(content)[0]["size"] == 300


def test_exports_of_a_cut_trail_say_where_they_begin(trail: Trail, retention: Retention, tmp_path: Path) -> None:
    retention.run()
    trail.sign()
    export = exported(trail)
    code, said = checked(tmp_path, export, trail.key.verifier)
    assert (code, "INTACT: 45 events are proven" in said) == (0, True), said
    assert lines(export)[0]["filters"] == {"positions": [256, 301]}


def test_nothing_leaves_that_is_not_old_enough(trail: Trail, tmp_path: Path) -> None:
    # The event at position 256 and older ones: one tile, in which the last event is too young by a minute.
    age = datetime.now(UTC) - (START + timedelta(minutes=255))
    length = timedelta(days=age.days + 1)
    settings = replace(settings_of(trail, tmp_path), audit_retention=length)
    Retention(trail.database, settings).run()
    assert number(trail, EVENTS) == 300
    assert not (tmp_path / "archive").exists()


def test_more_leaves_later_and_what_was_cut_stays_explained(young_trail: Trail, tmp_path: Path) -> None:
    trail = young_trail
    retention = Retention(trail.database, settings_of(trail, tmp_path))
    trail.happen(600)
    trail.sign()
    retention.run()
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees") == 512
    trail.seal()
    trail.happen(250)
    trail.sign()
    assert is_intact(trail)
    # The tile in which the first cut is recorded holds an event of today: it stays.
    retention.run()
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees") == 512
    assert is_intact(trail)


def age(trail: Trail) -> None:
    """Let what nobody published be old: recorded now, and sealed as if it had happened on the day of the others."""
    with Thief(trail.engine).at_work() as connection:
        for row in connection.execute(text("SELECT id, body FROM gatehouse_audit_events")).all():
            content = json.loads(row.body)
            if content["at"] > "2026-04" and content["event"] != "article.published":
                body = row.body.replace(content["at"], "2026-03-02T00:00:00.000000Z")
                connection.execute(
                    text("UPDATE gatehouse_audit_events SET body = :body, occurred_at = :at WHERE id = :id"),
                    {"body": body, "at": "2026-03-02 00:00:00.000000", "id": row.id},
                )
        connection.commit()


def test_a_cut_and_an_erasure_are_said_again_before_what_says_so_leaves(young_trail: Trail, tmp_path: Path) -> None:
    trail = young_trail
    retention = Retention(trail.database, settings_of(trail, tmp_path))
    trail.happen(300)
    trail.sign()
    with trail.database.transaction() as db:
        begin_epoch(db)
        # Of whom there is something among the last of the first epoch, which stay for good.
        erase_personal(db, ["user:5"])
    retention.run()
    age(trail)
    trail.happen(300)
    trail.sign()
    assert is_intact(trail)
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees WHERE epoch = 1") == 256
    retention.run()
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees WHERE epoch = 2") == 256
    assert is_intact(trail)
    trail.sign()
    assert is_intact(trail)
    said = [body for body in trail_events(trail) if json.loads(body)["reason"] == "repeated"]
    assert sorted(json.loads(body)["event"] for body in said) == ["audit_cut", "personal_data_erased"]
    code, told = checked(tmp_path, exported(trail), trail.key.verifier)
    assert code == 0, told


def test_what_was_erased_of_people_whom_nobody_knows_is_said_again(young_trail: Trail, tmp_path: Path) -> None:
    trail = young_trail
    retention = Retention(trail.database, settings_of(trail, tmp_path))
    trail.happen(256)
    # Among the last of the first epoch, which stay for good.
    trail.happen(44, "authn_login_fail", actor=Actor(ip="198.51.100.1", user_agent="Stranger/1"), resource=None)
    trail.sign()
    with trail.database.transaction() as db:
        begin_epoch(db)
        assert erase_unknown(db, START + timedelta(days=1), 0) == (300, 88)
    retention.run()
    age(trail)
    trail.happen(300)
    trail.sign()
    retention.run()
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees WHERE epoch = 2") == 256
    assert is_intact(trail)
    trail.sign()
    assert is_intact(trail)


def test_a_restore_that_passed_over_a_number_is_said_again(young_trail: Trail, tmp_path: Path) -> None:
    trail = young_trail
    retention = Retention(trail.database, settings_of(trail, tmp_path))
    trail.happen(300)
    trail.sign()
    with trail.database.transaction() as db:
        begin_epoch(db, after=5)
        # As a host may: the names of our events are open to it.
        for begins, epoch in ((3, None), ("x", 1), ([1], 1), ({}, 1), (True, 0), (9, "x")):
            record("audit_restored", details={"begins": begins, "epoch": epoch}, session=db)
            record("audit_cut", details={"epoch": epoch, "to": begins}, session=db)
        record("audit_restored", details={"begins": 3}, session=db)
    age(trail)
    trail.happen(300)
    trail.sign()
    retention.run()
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees WHERE epoch = 6") == 256
    trail.sign()
    assert is_intact(trail)
    said = [body for body in trail_events(trail) if json.loads(body)["reason"] == "repeated"]
    assert "audit_restored" in {json.loads(body)["event"] for body in said}


def trail_events(trail: Trail) -> list[str]:
    with trail.engine.connect() as connection:
        return list(connection.execute(text("SELECT body FROM gatehouse_audit_events ORDER BY id")).scalars())


def test_the_order_of_epochs_is_kept(trail: Trail, retention: Retention) -> None:
    with trail.database.transaction() as db:
        record("article.published", session=db)
    trail.happen(300)
    trail.sign()
    with trail.database.transaction() as db:
        begin_epoch(db)
    age(trail)
    trail.happen(300)
    trail.sign()
    retention.run()
    # Of the first epoch, what is of today keeps back what is older and comes after it.
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees WHERE epoch = 1") == 256
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees WHERE epoch = 2") == 0
    assert is_intact(trail)


def test_what_no_checkpoint_holds_stays(young_trail: Trail, tmp_path: Path) -> None:
    trail = young_trail
    retention = Retention(trail.database, settings_of(trail, tmp_path))
    trail.happen(300)
    trail.seal()
    assert not retention.let_leave()
    trail.sign()
    assert retention.let_leave()
    assert is_intact(trail)


def test_what_has_not_left_for_the_folder_stays(young_trail: Trail, tmp_path: Path) -> None:
    trail = young_trail
    settings = settings_of(trail, tmp_path)
    retention = Retention(trail.database, settings)
    trail.happen(100)
    trail.sign()
    trail.happen(200)
    trail.sign().unlink()
    assert not retention.let_leave()
    Witness(trail.database, settings, trail.key).publish()
    assert retention.let_leave()
    # What is signed next continues what is in the folder.
    trail.happen(3)
    trail.seal()
    assert Witness(trail.database, settings, trail.key).sign_or_refuse() is not None
    assert is_intact(trail)


def test_without_a_key_old_events_leave_unsigned(young_trail: Trail, tmp_path: Path) -> None:
    trail = young_trail
    settings = replace(settings_of(trail, tmp_path), audit_key_file=None, checkpoint_dir=None)
    trail.happen(300)
    trail.seal()
    Retention(trail.database, settings).run()
    code, said = checked(tmp_path, archives(tmp_path)[0].read_bytes())
    assert (code, "SIGNED BY NOBODY" in said) == (0, True), said
    assert is_intact(trail)


def test_an_epoch_that_ended_without_a_last_checkpoint_leaves_too(trail: Trail, tmp_path: Path) -> None:
    trail.happen(300)
    trail.seal()
    with trail.database.transaction() as db:
        begin_epoch(db)
    trail.sign()
    Retention(trail.database, settings_of(trail, tmp_path)).run()
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees WHERE epoch = 1") == 512
    assert len(archives(tmp_path)) == 2
    assert is_intact(trail)


THEFTS: dict[str, str] = {
    "an event": "DELETE FROM gatehouse_audit_events WHERE id IN"
    " (SELECT event_id FROM gatehouse_audit_leaves WHERE position = 5)",
    "a body": "UPDATE gatehouse_audit_events SET body = replace(body, 'success', 'failure')",
    "a leaf": "DELETE FROM gatehouse_audit_leaves WHERE position = 5",
    "a personal value": "UPDATE gatehouse_audit_events SET personal = replace(personal, 'Browser/1', 'Browser/2')",
}


@pytest.mark.parametrize("what", THEFTS)
def test_what_was_tampered_with_does_not_leave(
    trail: Trail, retention: Retention, thief: Thief, tmp_path: Path, what: str
) -> None:
    with thief.at_work() as connection:
        connection.execute(text(THEFTS[what]))
        connection.commit()
    before = number(trail, EVENTS)
    retention.run()
    retention.run()
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees") == 0
    assert number(trail, "SELECT count(*) FROM gatehouse_audit_leaves") >= 299
    assert not (tmp_path / "archive").exists() or archives(tmp_path) == []
    # Told once.
    assert number(trail, EVENTS) <= before + 1
    found = first(trail.verify())
    assert found is not None


def test_an_erasure_meanwhile_makes_another_archive(
    trail: Trail, retention: Retention, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def between(change: Callable[[Database], None]) -> None:
        real = flask_gatehouse.ops.retention.finish

        def finish(unfinished: Path, path: Path) -> Path:
            monkeypatch.undo()
            change(trail.database)
            return real(unfinished, path)

        monkeypatch.setattr(flask_gatehouse.ops.retention, "finish", finish)

    def erase(database: Database) -> None:
        with database.transaction() as db:
            erase_personal(db, ["user:5"])

    between(erase)
    assert not retention.let_leave()
    assert (number(trail, EVENTS), archives(tmp_path)) == (301, [])
    assert retention.let_leave()
    (archive,) = archives(tmp_path)
    assert lines(archive.read_bytes())[6]["personal"] == {}
    assert is_intact(trail)


def test_of_two_workers_one_cuts_and_the_other_takes_its_archive_back(
    trail: Trail, retention: Retention, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = flask_gatehouse.ops.retention.finish

    def finish(unfinished: Path, path: Path) -> Path:
        monkeypatch.undo()
        assert Retention(trail.database, settings_of(trail, tmp_path)).let_leave()
        return real(unfinished, path)

    monkeypatch.setattr(flask_gatehouse.ops.retention, "finish", finish)
    assert not retention.let_leave()
    (archive,) = archives(tmp_path)
    assert last_cut(trail)["file"] == archive.name
    assert is_intact(trail)


def test_a_cut_whose_event_cannot_be_written_does_not_happen(trail: Trail, retention: Retention) -> None:
    # So many are left when the cut is recorded.
    refuse_events_after(trail.database, 300 - 256)
    with pytest.raises(DBAPIError, match="the trail is full"):
        retention.run()
    assert number(trail, EVENTS) == 300
    assert number(trail, "SELECT count(*) FROM gatehouse_audit_leaves") == 300
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees") == 0
    assert is_intact(trail)


def test_a_folder_that_takes_nothing_loses_nothing(trail: Trail, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = settings_of(trail, tmp_path, GATEHOUSE_AUDIT_ARCHIVE_DIR=str(tmp_path / "file/archive"))
    with pytest.raises(DependencyUnavailable, match="the folder of archives"):
        Retention(trail.database, settings).run()
    assert number(trail, EVENTS) == 300

"""What was left undone is found: seals, checkpoints, verification, backups, reviews, updates."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from flask_gatehouse.audit import AuditEvent, record
from flask_gatehouse.audit.events import UNDECIDED
from flask_gatehouse.audit.keys import write_key
from flask_gatehouse.audit.note_keys import SigningKey
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import SYSTEM
from flask_gatehouse.ops.checkpoints import Witness
from flask_gatehouse.ops.doctor.finding import Result
from flask_gatehouse.settings import Settings
from flask_gatehouse.web.state import EXTENSION
from tests.doctor.conftest import Look
from tests.doctor.happenings import age, happen, hold, join

OK, WARNING, FAILED, UNKNOWN = Result


# The trail.


def test_a_key_that_others_read(look: Look, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert look("audit_key").result is FAILED
    near, far = tmp_path / "audit.key", tmp_path_factory.mktemp("elsewhere") / "audit.key"
    for path in (near, far):
        write_key(path, SigningKey.generate("localhost"))
    assert look("audit_key", signed(far)).result is OK
    assert look("audit_key", signed(near)).result is WARNING
    far.chmod(0o640)
    found = look("audit_key", signed(far))
    assert found.result is FAILED
    assert "chmod 600" in found.evidence
    assert look("audit_key", signed(tmp_path / "nothing")).result is FAILED


def test_a_key_beside_a_database_that_a_host_names_in_its_own_way(
    look: Look, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path_factory.mktemp("place")
    near, far = place / "audit.key", tmp_path / "audit.key"
    for path in (near, far):
        write_key(path, SigningKey.generate("localhost"))
    (tmp_path / "alias").symlink_to(place)
    monkeypatch.chdir(place)

    def beside(path: Path, database: str) -> Result:
        engine = create_engine(f"sqlite:///{database}")
        own = Database(lambda: engine)
        return look(
            "audit_key",
            signed(path),
            change=lambda app: object.__setattr__(app.extensions[EXTENSION], "database", own),
        ).result

    for named in ("host.db", "./host.db", f"{tmp_path}/alias/host.db", f"file:{place}/host.db?uri=true"):
        assert (named, beside(near, named), beside(far, named)) == (named, WARNING, OK)
    for named in ("", ":memory:"):
        assert (named, beside(near, named)) == (named, OK)


def signed(path: Path, folder: Path | None = None) -> dict[str, str]:
    more = {} if folder is None else {"GATEHOUSE_CHECKPOINT_DIR": str(folder)}
    return {"GATEHOUSE_AUDIT_KEY_FILE": str(path), **more}


def test_events_that_nobody_seals(look: Look, database: Database) -> None:
    happen(database, AuditEvent.SENSITIVE_READ)
    assert look("sealing").result is OK
    happen(database, AuditEvent.SENSITIVE_READ, timedelta(hours=1))
    found = look("sealing")
    assert (found.result, found.mend) == (FAILED, "Start the worker: gatehouse worker")
    Sealer(database, "localhost").seal()
    assert look("sealing").result is OK


def test_checkpoints_that_do_not_leave(
    look: Look, database: Database, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("elsewhere")
    key = SigningKey.generate("localhost")
    write_key(place / "audit.key", key)
    assert look("checkpoints").result is FAILED
    assert look("checkpoints", signed(place / "audit.key")).result is FAILED
    hook = {"GATEHOUSE_ALERT_WEBHOOK_URL": "https://hooks.example/7", "GATEHOUSE_ALERT_WEBHOOK_SECRET": "s" * 40}
    # A chat is sent no checkpoints.
    for form, result in (("slack", FAILED), ("json", UNKNOWN)):
        posted = signed(place / "audit.key") | hook | {"GATEHOUSE_ALERT_WEBHOOK_FORMAT": form}
        assert look("checkpoints", posted).result is result
    env = signed(place / "audit.key", place / "notes")
    assert look("checkpoints", env).result is UNKNOWN
    happen(database, AuditEvent.SENSITIVE_READ, timedelta(hours=1))
    Sealer(database, "localhost").seal()
    late = look("checkpoints", env)
    assert (late.result, "in no checkpoint" in late.evidence) == (FAILED, True)
    witness = Witness(database, Settings.load({}, environment | env), key)
    witness.sign()
    witness.publish()
    found = look("checkpoints", env)
    assert (found.result, "left it" in found.evidence) == (OK, True), found


def test_a_trail_that_nobody_verified_or_that_is_not_intact(look: Look, database: Database) -> None:
    assert look("verification").result is UNKNOWN
    happen(database, AuditEvent.VERIFIED)
    assert look("verification").result is OK
    happen(database, AuditEvent.VERIFIED, timedelta(days=3))
    assert look("verification").result is FAILED
    happen(database, AuditEvent.VERIFY_FAILED)
    assert "something is wrong" in look("verification").evidence


def test_a_verification_that_came_to_no_result_accuses_nobody(look: Look, database: Database) -> None:
    with database.transaction() as db:
        record(AuditEvent.VERIFY_FAILED, reason=UNDECIDED, session=db, actor=SYSTEM)
    found = look("verification")
    assert (found.result, "came to no result" in found.evidence) == (UNKNOWN, True)


@pytest.mark.parametrize(
    ("name", "event", "result", "patience"),
    [
        ("monitoring", AuditEvent.SENSITIVE_READ, WARNING, timedelta(days=31)),
        ("backup", "backup_made", FAILED, timedelta(days=2)),
        ("drill", AuditEvent.BACKUP_DRILLED, FAILED, timedelta(days=101)),
    ],
)
def test_what_has_not_happened_for_long(
    look: Look, database: Database, name: str, event: str, result: Result, patience: timedelta
) -> None:
    assert look(name).result is result
    happen(database, event)
    assert look(name).result is OK
    happen(database, event, patience)
    assert look(name).result is result


def test_programs_that_a_backup_needs_are_away_or_older_than_the_server(
    look: Look, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no PostgreSQL" in look("backup_programs").evidence
    place = {"DATABASE_URL": postgresql_url}
    intact = look("backup_programs", place)
    assert (intact.result, "pg_restore" in intact.evidence) == (OK, True), intact
    monkeypatch.setenv("PATH", str(tmp_path))
    away = look("backup_programs", place)
    assert (away.result, "pg_dump is not in PATH" in away.evidence) == (FAILED, True)
    for program in ("pg_dump", "pg_restore"):
        say(tmp_path / program, f"{program} (PostgreSQL) 99.1 (Debian 99.1-1)")
    assert look("backup_programs", place).result is OK
    say(tmp_path / "pg_restore", "pg_restore (PostgreSQL) 9.6.24")
    old = look("backup_programs", place)
    assert (old.result, "pg_restore is of release 9.6.24" in old.evidence) == (FAILED, True)
    assert "client programs" in old.mend
    say(tmp_path / "pg_restore", "no such library")
    assert look("backup_programs", place).result is UNKNOWN


def say(program: Path, words: str) -> None:
    program.write_text(f"#!/bin/sh\necho '{words}'\n")
    program.chmod(0o755)


# People.


def test_too_few_administrators(look: Look, database: Database) -> None:
    found = look("administrators")
    assert (found.result, found.mend) == (FAILED, "Run: gatehouse create-admin EMAIL")
    join(database, "ada")
    assert look("administrators").result is WARNING
    join(database, "bob")
    assert look("administrators").result is OK


def test_an_administrator_whom_her_owner_has_locked(look: Look, database: Database) -> None:
    for who in ("ada", "bob"):
        join(database, who)
    assert look("administrators").result is OK
    # One of two who was locked cannot help the other; and of two who were, nobody lets anybody in.
    hold(database, "bob@example.com")
    assert look("administrators").result is WARNING
    hold(database, "ada@example.com")
    assert look("administrators").result is FAILED


def test_an_administrator_who_is_asleep(look: Look, database: Database) -> None:
    join(database, "ada")
    assert look("dormant").result is OK
    for column in ("last_sign_in_at", "created_at"):
        age(database, "gatehouse_users", column, timedelta(days=91))
    assert look("dormant").result is FAILED


def test_what_is_asleep_is_what_the_settings_say(look: Look, database: Database) -> None:
    join(database, "ada")
    for column in ("last_sign_in_at", "created_at"):
        age(database, "gatehouse_users", column, timedelta(days=31))
    assert look("dormant").result is OK
    assert look("dormant", {"GATEHOUSE_DORMANT_AFTER": "30d"}).result is FAILED


def test_whoever_comes_is_an_administrator(look: Look) -> None:
    assert look("newcomers").result is OK
    planted = {"GATEHOUSE_DEFAULT_ROLE": "admin", "GATEHOUSE_SIGNUP": "open"}
    assert look("newcomers", planted).result is FAILED
    assert look("newcomers", planted | {"GATEHOUSE_SIGNUP": "invited"}).result is OK


def test_a_review_that_is_due(look: Look, database: Database) -> None:
    join(database, "ada")
    assert look("review").result is OK
    age(database, "gatehouse_users", "created_at", timedelta(days=91))
    assert look("review").result is FAILED


# Packages.


def test_a_package_that_is_too_old(look: Look, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert look("packages").result is OK
    old = tmp_path / "joserfc-1.0.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: joserfc\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = look("packages")
    assert found.result is FAILED
    assert "joserfc 1.0 is older than" in found.evidence


@contextmanager
def package_index(folder: Path, *releases: str) -> Iterator[dict[str, str]]:
    """An index in a folder, which holds what is named."""
    for release in releases:
        name = release.partition("-")[0].lower()
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        (place / release).write_bytes(b"")
        (place / "index.html").write_text(f'<!DOCTYPE html><html><body><a href="{release}">{release}</a></body></html>')
    yield {"PIP_INDEX_URL": folder.as_uri(), "PIP_NO_INDEX": "0", "PIP_CONFIG_FILE": os.devnull}


def test_a_newer_release(look: Look, tmp_path: Path) -> None:
    assert look("releases").result is UNKNOWN
    with package_index(tmp_path / "index", "flask-3.1.3-py3-none-any.whl") as env:
        assert look("releases", env).result is OK, look("releases", env)
    with package_index(tmp_path / "index", "joserfc-99.0-py3-none-any.whl") as env:
        found = look("releases", env)
    assert found.result is WARNING
    assert "joserfc 99.0" in found.evidence

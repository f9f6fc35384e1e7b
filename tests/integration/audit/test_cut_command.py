"""Who may let old events leave: a role that may delete, be it the worker's or that of whoever does it by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from flask_gatehouse.audit.errors import CutNotAllowed
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.ops.retention import Retention
from tests.integration.audit.test_retention import EVENTS, archives, number, settings_of
from tests.integration.audit.thief import Trail
from tests.nodes.sites import gatehouse


@pytest.fixture
def limited(trail: Trail) -> Iterator[Database]:
    """The same database under a role that may read and add, as docs/how-to/database-roles.md has it."""
    with trail.engine.begin() as connection:
        connection.execute(text("CREATE ROLE limited NOLOGIN"))
        connection.execute(text("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO limited"))
        connection.execute(text("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO limited"))
    engine = make_engine(trail.engine.url.render_as_string(hide_password=False))

    @event.listens_for(engine, "connect")
    def become(connection: Any, entry: object) -> None:
        connection.execute("SET ROLE limited")
        connection.commit()

    yield Database(lambda: engine)
    engine.dispose()
    with trail.engine.begin() as connection:
        connection.execute(text("DROP OWNED BY limited"))
        connection.execute(text("DROP ROLE limited"))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_role_that_may_not_delete_is_told_once_and_leaves_no_file(
    trail: Trail, limited: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    retention = Retention(limited, settings_of(trail, tmp_path))
    retention.run()
    retention.run()
    (said,) = [record.message for record in caplog.records if "may not delete" in record.message]
    assert "run gatehouse audit cut as the owner of the tables" in said
    assert not (tmp_path / "archive").exists()
    with pytest.raises(CutNotAllowed):
        retention.let_leave()
    assert number(trail, EVENTS) == 300


def test_the_command_does_the_same_at_once(trail: Trail, tmp_path: Path) -> None:
    url = trail.engine.url.render_as_string(hide_password=False)
    settings = settings_of(trail, tmp_path)
    common = {"GATEHOUSE_ENV": "development", "SECRET_KEY": "k" * 40, "DATABASE_URL": url}
    words = {
        "GATEHOUSE_AUDIT_RETENTION": "1d",
        "GATEHOUSE_AUDIT_ARCHIVE_DIR": str(settings.audit_archive_dir),
        "GATEHOUSE_AUDIT_KEY_FILE": str(settings.audit_key_file),
        "GATEHOUSE_CHECKPOINT_DIR": str(trail.folder),
    }
    without = gatehouse(("audit", "cut"), common, tmp_path)
    assert (without.returncode, "GATEHOUSE_AUDIT_RETENTION is missing" in without.stderr) == (1, True)
    done = gatehouse(("audit", "cut"), common | words, tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{archives(tmp_path)[0]}\n"), done.stderr
    assert number(trail, "SELECT cut FROM gatehouse_audit_trees") == 256
    again = gatehouse(("audit", "cut"), common | words, tmp_path)
    assert (again.returncode, again.stdout) == (0, "")
    assert "No 256 events in a row" in again.stderr

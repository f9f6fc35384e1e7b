"""A deployment that lacks nothing is told so, with 0, by the command as an operator types it."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from flask_gatehouse.audit import AuditEvent
from flask_gatehouse.audit.keys import write_key
from flask_gatehouse.audit.note_keys import SigningKey
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.ops.checkpoints import Witness
from flask_gatehouse.settings import Settings
from tests.doctor.happenings import happen, join
from tests.doctor.test_left_undone import package_index
from tests.doctor.test_live import Deployed, running  # noqa: F401 - a fixture
from tests.nodes.listeners import open_post_office
from tests.ports import free_port
from tests.processes import PROGRAMS, running_gatehouse


@pytest.fixture
def database(running: Deployed) -> Iterator[Database]:  # noqa: F811 - it is the fixture
    engine = make_engine(running.environment["DATABASE_URL"])
    yield Database(lambda: engine)
    engine.dispose()


def test_a_deployment_that_lacks_nothing(
    running: Deployed,  # noqa: F811 - it is the fixture
    database: Database,
    redis_url: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    key, place = SigningKey.generate("localhost"), tmp_path_factory.mktemp("elsewhere")
    write_key(place / "audit.key", key)
    Path(running.environment["DATABASE_URL"].removeprefix("sqlite:///")).parent.chmod(0o700)
    with open_post_office() as office, package_index(tmp_path / "index", "flask-3.1.3-py3-none-any.whl") as index:
        environment = {
            **running.environment,
            "GATEHOUSE_RATE_LIMIT_SIGN_IN": "12 per minute",
            "REDIS_URL": redis_url,
            "GATEHOUSE_AUDIT_KEY_FILE": str(place / "audit.key"),
            "GATEHOUSE_CHECKPOINT_DIR": str(place / "notes"),
            "GATEHOUSE_SMTP_URL": f"smtp://127.0.0.1:{office.port}",
            "GATEHOUSE_MAIL_FROM": "gate@example.com",
            "GATEHOUSE_ALERT_EMAIL": "ops@example.com",
        }
        for who in ("ada", "bob"):
            join(database, who)
        done = (AuditEvent.VERIFIED, AuditEvent.SENSITIVE_READ, AuditEvent.BACKUP_MADE, AuditEvent.BACKUP_DRILLED)
        for event in done:
            happen(database, event)
        Sealer(database, "localhost").seal()
        witness = Witness(database, Settings.load({}, environment), key)
        witness.sign()
        witness.publish()
        with running_gatehouse(environment, server="gunicorn", workers=2) as node:
            running.front.behind = node.base_url
            where = ("--url", running.front.url, "--plain-url", f"http://localhost:{free_port()}")
            ended = subprocess.run(
                [PROGRAMS / "gatehouse", "doctor", "--json", "--send", *where],
                env={"PATH": os.environ["PATH"], **environment, **index},
                capture_output=True,
                text=True,
                timeout=300,
            )
    said = json.loads(ended.stdout)
    assert [one for one in said["checks"] if one["result"] not in {"ok", "warning"}] == []
    # Nobody else can reach a machine under the name of localhost.
    assert {one["name"] for one in said["checks"] if one["result"] == "warning"} == {"base_url"}
    assert (said["result"], ended.returncode, ended.stderr) == ("ok", 0, "")
    assert len(office.to("ops@example.com")) == 1
    with database.reading() as connection:
        names = connection.execute(text("SELECT event FROM gatehouse_audit_events ORDER BY id DESC LIMIT 3")).scalars()
        assert set(names) <= {"authn_login_fail", "excess_rate_limit_exceeded", "backup_made", "backup_drilled"}

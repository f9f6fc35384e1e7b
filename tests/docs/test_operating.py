"""What pages tell operators to type, and to write, does what they say."""

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from flask_gatehouse import Role
from flask_gatehouse.accounts.service import Profile, register
from flask_gatehouse.alerts.webhook import signature
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.context import COMMAND_LINE
from tests.docs.pages import DOCS, blocks
from tests.docs.reader import Reader
from tests.nodes.sites import gatehouse

HOW_TO = DOCS / "how-to"
CHECKER = DOCS.parent / "src/flask_gatehouse/audit/verify_export.py"


def test_a_receiver_believes_nobody_but_the_gate(tmp_path: Path, sqlite_url: str) -> None:
    folder = tmp_path / "typed"
    folder.mkdir()
    reader = Reader(HOW_TO / "alerts.md", folder)
    reader.type("A receiver")
    secret = "a-long-random-word"
    with reader.serving() as address:
        settings = {
            "GATEHOUSE_ENV": "development",
            "DATABASE_URL": sqlite_url,
            "GATEHOUSE_AUDIT_KEY_FILE": str(tmp_path / "audit.key"),
            "GATEHOUSE_ALERT_WEBHOOK_URL": f"{address}/gate",
            "GATEHOUSE_ALERT_WEBHOOK_SECRET": secret,
        }

        def run(*words: str, **changed: str) -> str:
            done = gatehouse(words, settings | changed, tmp_path)
            return f"{done.returncode} {done.stdout}{done.stderr}"

        assert "webhook: taken." in run("alerts", "test")
        assert "it answered 403" in run("alerts", "test", GATEHOUSE_ALERT_WEBHOOK_SECRET="another")
        assert run("audit", "keygen").startswith("0")
        assert run("create-admin", "ada@example.com").startswith("0")
        printed = gatehouse(("audit", "checkpoint"), settings, tmp_path).stdout
        (note,) = (folder / "checkpoints").glob("*.note")
        assert note.read_text() == printed
        assert run("audit", "verify", "--checkpoint", str(note)).startswith("0")
        # What was overheard an hour ago, and what nobody has signed.
        body = json.dumps({"type": "alert", "subject": "!"}).encode()
        for header in (signature(secret, int(time.time()) - 3600, body), "", "t=,v1=é", "t=1"):
            refused = requests.post(
                f"{address}/gate", data=body, headers={"Gatehouse-Signature": header.encode()}, timeout=120
            )
            assert refused.status_code == 403


@pytest.mark.parametrize("page", ["answer-an-auditor.md", "review-access.md", "answer-a-person.md"])
def test_whoever_asks_is_answered(page: str, tmp_path: Path, sqlite_url: str) -> None:
    """Typed as it stands there, beside a database with somebody of that name in it."""
    settings = {
        "GATEHOUSE_ENV": "development",
        "DATABASE_URL": sqlite_url,
        "GATEHOUSE_AUDIT_KEY_FILE": str(tmp_path / "audit.key"),
    }
    engine = make_engine(sqlite_url)
    with Database(lambda: engine).transaction() as db:
        # Two, because the only administrator is not erased.
        for name in ("ada", "bob"):
            issuer, address = "https://id.example.com", f"{name}@example.com"
            who = Profile("corp", issuer, name, name.title(), address, email_is_authoritative=True)
            register(db, who, Role.ADMIN, actor=COMMAND_LINE)
    engine.dispose()

    def run(words: list[str]) -> str:
        done = gatehouse(words, settings, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    key = run(["audit", "keygen"]).strip()
    run(["audit", "checkpoint"])
    for block in blocks(HOW_TO / page, "sh"):
        for line in block.text.splitlines():
            program, *words = shlex.split(line)
            if program == "gatehouse":
                said = run([*words, *(["--yes"] if words[0] == "erase" else [])])
                assert "public-key" not in words or said.strip() == key
            else:
                assert (program, words[0]) == ("python", CHECKER.name)
                checked = [sys.executable, CHECKER, words[1], "--key", key]
                assert subprocess.run(checked, cwd=tmp_path, capture_output=True).returncode == 0
    assert [path for path in tmp_path.glob("*.jsonl") if '"end":true' not in path.read_text().replace(" ", "")] == []

"""What leaves a running system verifies on a machine that has nothing of ours: exports and archives."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from flask_gatehouse.audit import verify_export
from flask_gatehouse.audit.keys import write_key
from flask_gatehouse.audit.note_keys import SigningKey
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from tests.integration.audit.thief import Trail
from tests.nodes.listeners import wait_until
from tests.nodes.people import Browser
from tests.nodes.sites import Site, running_site
from tests.processes import PATIENCE_S, Node

ADMIN = "ada@example.com"
KEY = SigningKey.generate("localhost")
OLD = 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def site(place: str, folder: Path) -> Iterator[Site]:
    """Two nodes with workers, on a trail of which all but what happens now is old."""
    here = folder / place.partition(":")[0]
    notes = here / "checkpoints"
    notes.mkdir(parents=True)
    write_key(here / "audit.key", KEY)
    engine = make_engine(place)
    trail = Trail(Database(lambda: engine), notes, KEY)
    trail.happen(OLD)
    trail.sign()
    engine.dispose()
    settings = {
        "GATEHOUSE_AUDIT_KEY_FILE": str(here / "audit.key"),
        "GATEHOUSE_CHECKPOINT_DIR": str(notes),
        "GATEHOUSE_AUDIT_RETENTION": "30d",
        "GATEHOUSE_AUDIT_ARCHIVE_DIR": str(here / "archive"),
    }
    with running_site(place, settings, servers=("run", "run")) as site:
        yield site


@pytest.fixture(scope="module")
def archives(site: Site) -> list[Path]:
    """The archives, once the workers have cut what is old."""
    deadline = time.monotonic() + PATIENCE_S
    while cut_of(site) < 512 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert cut_of(site) == 512, site.node.log[-2000:]
    return sorted(Path(site.environment["GATEHOUSE_AUDIT_ARCHIVE_DIR"]).glob("*.jsonl"))


def cut_of(site: Site) -> int:
    with site.database.reading() as connection:
        return int(connection.execute(text("SELECT cut FROM gatehouse_audit_trees")).scalar_one())


def checked(tmp_path: Path, export: bytes) -> tuple[int, str]:
    """Return what the verifier says where nothing else of ours is."""
    alone = Path(shutil.copy(verify_export.__file__, tmp_path / "verify_export.py"))
    path = tmp_path / "export.jsonl"
    path.write_bytes(export)
    words = [sys.executable, "-I", "-S", alone, path, "--key", str(KEY.verifier)]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env={}, timeout=300)
    return ended.returncode, ended.stdout + ended.stderr


def administrator(site: Site, open_browser: Callable[[Node], Browser]) -> Browser:
    site.command("create-admin", ADMIN)
    browser = open_browser(site.node)
    assert browser.sign_in(ADMIN).status_code == 302
    return browser


def test_old_events_leave_into_archives_that_prove_them(site: Site, archives: list[Path], tmp_path: Path) -> None:
    positions = []
    for archive in archives:
        code, said = checked(tmp_path, archive.read_bytes())
        assert code == 0, said
        positions.append(json.loads(archive.read_bytes().partition(b"\n")[0])["filters"]["positions"])
    assert positions == [[0, 512]]
    assert site.events(event="audit_cut")[0][1]["file"] == archives[0].name
    verified = site.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert f"They are in {archives[0].name}" in verified.stdout


@pytest.mark.usefixtures("archives")
def test_an_export_from_a_page_and_one_by_command(
    site: Site, open_browser: Callable[[Node], Browser], tmp_path: Path
) -> None:
    browser = administrator(site, open_browser)
    wait_until(site.is_sealed)
    signed = site.command("audit", "checkpoint")
    assert signed.returncode == 0, signed.stderr
    answer = browser.get("/admin/audit-logs/export")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jsonl")
    code, said = checked(tmp_path, answer.content)
    assert code == 0, said
    assert "signed by the key that you gave" in said
    path = tmp_path / "by-command.jsonl"
    done = site.command("audit", "export", "--output", str(path))
    assert done.returncode == 0, done.stderr
    code, said = checked(tmp_path, path.read_bytes())
    assert code == 0, said
    header = json.loads(path.read_bytes().partition(b"\n")[0])
    assert header["filters"]["positions"][0] == 512
    assert site.command("audit", "verify", "--from-export", str(path)).returncode == 0
    assert [name for name, _ in site.events(event="audit_exported")] == ["audit_exported"] * 2
    # Pages of a trail of which a part has left.
    assert browser.get("/admin/audit-logs").status_code == 200
    edited = answer.content.replace(b"authn_login_success", b"authn_login_failure")
    assert edited != answer.content
    assert checked(tmp_path, edited)[0] == 1

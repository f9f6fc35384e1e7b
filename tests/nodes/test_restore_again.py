"""Restores of which one goes further back than the other, and one where nothing is left: no number is used twice."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from flask_gatehouse.kernel.context import COMMAND_LINE
from flask_gatehouse.privacy.erasure import erase_user
from flask_gatehouse.settings import Settings
from tests.nodes.listeners import wait_until
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, gatehouse, running_site
from tests.processes import Node

Open = Callable[[Node], Browser]


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def newcomer(site: Site, open_browser: Open) -> int:
    """Let somebody come in whom nobody knows, and return her number."""
    email, browser = new_address(), open_browser(site.node)
    # A node notices with its next connections that another database stands there.
    wait_until(lambda: browser.sign_in(email).status_code == 302)
    user_id = site.user_id(email)
    assert user_id is not None
    return user_id


def signed(site: Site) -> str:
    """Sign how the trail stands, with all that has happened, and return what verification says of it."""
    wait_until(site.is_sealed)
    ok(site.command("audit", "checkpoint"))
    return ok(site.command("audit", "verify"))


def remove(place: str) -> None:
    """Take the database away."""
    url = make_url(place)
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
        return
    outside = url.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(outside, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{url.database}" WITH (FORCE)'.encode())


def test_no_number_is_used_twice(place: str, open_browser: Open, tmp_path: Path) -> None:
    environment = {
        "GATEHOUSE_AUDIT_KEY_FILE": str(tmp_path / "audit.key"),
        "GATEHOUSE_CHECKPOINT_DIR": str(tmp_path / "checkpoints"),
        "GATEHOUSE_ERASURE_LEDGER": str(tmp_path / "erasures.ledger"),
    }
    settings = {**environment, "GATEHOUSE_ENV": "development", "DATABASE_URL": place}
    ok(gatehouse(("audit", "keygen"), settings, tmp_path))
    old, newer = str(tmp_path / "old.backup"), str(tmp_path / "newer.backup")
    with running_site(place, environment) as site:
        first = newcomer(site, open_browser)
        signed(site)
        ok(site.command("backup", old))
        lost = newcomer(site, open_browser)
        signed(site)
        ok(site.command("restore", old, "--yes"))
        again = newcomer(site, open_browser)
        assert first < lost < again
        assert "epoch 2" in signed(site)

        said = json.loads(ok(site.command("restore", old, "--yes", "--json")))
        assert said["lost"] > 0
        last = newcomer(site, open_browser)
        assert again < last
        told = signed(site)
        assert "The trail is intact as far as checkpoints vouch for it." in told
        assert "of epoch 1 were lost by the restore that was recorded at the beginning of epoch 3" in told
        assert "Epoch 2, of" in told
        assert "events, was lost by the restore that was recorded at the beginning of epoch 3" in told
        assert "of epoch 3." in told

        ok(site.command("backup", newer))
        erased = newcomer(site, open_browser)
        loaded = Settings.load({}, site.environment, directory=site.node.directory)
        erase_user(site.database, loaded, erased, actor=COMMAND_LINE)
        wait_until(lambda: f"user:{erased}" in (tmp_path / "erasures.ledger").read_text())
        before = dict(site.environment)
    assert {path.name[0] for path in (tmp_path / "checkpoints").glob("*.note")} == {"1", "2", "3"}

    remove(place)
    told = ok(gatehouse(("restore", newer, "--yes"), before, tmp_path))
    assert "There was no database before: it was made." in told
    with running_site(place, environment) as site:
        # Nothing but the ledger knows of the number that was hers.
        assert newcomer(site, open_browser) > erased
        assert "epoch 4" in signed(site)

"""An upgrade while people click on: the release before the newest migration serves beside this one, on one database."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deployment.conftest import Deployment
from tests.deployment.load import under_load, until
from tools.provision import ROOT

MIGRATIONS = "src/flask_gatehouse/db/migrations/versions"


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it was before the newest migration came."""
    newest = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", MIGRATIONS).decode().strip()
    if not newest:
        pytest.fail("the history of this checkout is too short to find the release before the newest migration")
    folder = tmp_path_factory.mktemp("previous")
    archive = _git("archive", f"{newest}^", "src")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    # What a build puts beside the sources, and what makes the version known.
    vendor = Path("src/flask_gatehouse/static/gatehouse/vendor")
    (folder / vendor).symlink_to(ROOT / vendor)
    return folder / "src"


def _git(*words: str) -> bytes:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_both_releases_serve_on_one_database(previous: Path, deploy: Callable[..., Deployment]) -> None:
    """Migrate first, then restart node after node: a migration takes nothing away that the old release needs."""
    deployment = deploy((previous, previous), upgrade=previous)
    before = deployment.command_of(previous, "db", "check").stdout
    browsers = [deployment.sign_in(name) for name in ("alice", "bob")]
    with under_load(browsers, deployment.base_url) as load:
        until(lambda: load.answered > 30)
        deployment.command("db", "upgrade")
        until(lambda seen=load.answered: load.answered > seen + 30)
        old, new = deployment.nodes[0], deployment.nodes[1]
        assert new.stop() == 0
        new.become(None)
        new.start()
        until(lambda seen=load.answered: load.answered > seen + 30)
        # Both answer for a session that began before, and let somebody else in.
        cookie = deployment.cookie(browsers[0])
        forwarded = {"Cookie": cookie, "X-Forwarded-For": "127.0.0.1"}
        assert [old.status("/dashboard", forwarded), new.status("/dashboard", forwarded)] == [200, 200]
        deployment.sign_in("carol")
        assert old.stop() == 0
        old.become(None)
        old.start()
        until(lambda seen=load.answered: load.answered > seen + 30)
    assert load.failed == []
    assert deployment.command("db", "check").stdout != before

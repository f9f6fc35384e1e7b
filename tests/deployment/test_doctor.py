"""``gatehouse doctor --url`` finds nothing wrong with what the files of ``deploy/`` make."""

import json
import subprocess

from flask_gatehouse.ops.doctor.checklist import OF_A_DEPLOYMENT
from tests.deployment.conftest import Deployment
from tests.processes import PROGRAMS


def test_nothing_is_wrong_with_what_is_deployed(deployment: Deployment) -> None:
    ended = subprocess.run(
        [PROGRAMS / "gatehouse", "doctor", "--json", "--url", deployment.base_url, "--plain-url", deployment.plain_url],
        env={**deployment.environment, "PIP_NO_INDEX": "1"},
        cwd=deployment.folder,
        capture_output=True,
        text=True,
        timeout=110,
    )
    found = {one["name"]: one for one in json.loads(ended.stdout)["checks"]}
    names = {one.name for one in OF_A_DEPLOYMENT} | {"database", "migrations", "limiter", "discovery", "clock"}
    # The tests let everybody sign in a million times, which nobody tries.
    assert [found[name] for name in names - {"rate_limit"} if found[name]["result"] != "ok"] == []
    assert found["rate_limit"]["result"] == "could not tell"
    assert [found[name]["result"] for name in ("redirect_uri", "client")] == ["ok", "ok"]
    assert "leads to https (308)" in found["https_redirect"]["evidence"]
    # Nobody is an administrator here, and nobody is told of alerts.
    assert (ended.returncode, found["administrators"]["result"]) == (1, "failed")

"""``gatehouse doctor``, asked of what is deployed."""

import json
import subprocess
from typing import Any

from tests.deployment.conftest import Deployment
from tests.processes import PROGRAMS


def ask_doctor(deployment: Deployment) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return how it ended, and what each check found."""
    ended = subprocess.run(
        [PROGRAMS / "gatehouse", "doctor", "--json", "--url", deployment.base_url, "--plain-url", deployment.plain_url],
        env={**deployment.environment, "PIP_NO_INDEX": "1"},
        cwd=deployment.folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return ended.returncode, {one["name"]: one for one in json.loads(ended.stdout)["checks"]}

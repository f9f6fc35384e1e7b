"""kill -9 at any statement leaves a trail that holds together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(500)
def test_killed_before_any_statement(database_url: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.faults.crashing", database_url],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 60

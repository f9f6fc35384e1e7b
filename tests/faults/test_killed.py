"""kill -9 at any statement leaves a trail that holds together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def times_killed(program: str, *arguments: str) -> int:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"tests.faults.{program}", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout)


@pytest.mark.timeout(500)
def test_killed_before_any_statement(database_url: str) -> None:
    assert times_killed("crashing", database_url) > 60


@pytest.mark.timeout(500)
def test_killed_while_old_events_leave(database_url: str, tmp_path: Path) -> None:
    assert times_killed("crashing_retention", database_url, str(tmp_path)) > 15

"""kill -9 at any statement leaves a thing done or not done, a trail that says which, and a way on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .acts import ACTS
from .report import Shows

ROOT = Path(__file__).parents[2]
# How many statements each of them has at least: fewer would mean that it was not killed where it matters.
STATEMENTS = {"sign-in": 10, "role change": 4, "erasure": 20, "sealing": 60}


def times_killed(program: str, *arguments: str) -> int:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"tests.faults.{program}", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout)


def tell(shows: Shows, url: str, act: str, times: int) -> None:
    kind = url.partition(":")[0]
    shows(f"{kind}: kill -9 during {act}", f"whole or not at all, and the trail says which ({times} places)")


@pytest.mark.parametrize("act", ACTS)
def test_killed_before_any_statement(act: str, database_url: str, tmp_path: Path, shows: Shows) -> None:
    times = times_killed("crashing", act, database_url, str(tmp_path))
    assert times >= STATEMENTS[act]
    tell(shows, database_url, act, times)


def test_killed_while_old_events_leave(database_url: str, tmp_path: Path, shows: Shows) -> None:
    times = times_killed("crashing_retention", database_url, str(tmp_path))
    assert times > 15
    tell(shows, database_url, "retention", times)

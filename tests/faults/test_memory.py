"""An export of a long trail takes time, and no more memory than that of a short one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench._trail import fill

ROOT = Path(__file__).parents[2]
# The peak of a process of its own, in kilobytes.
PROGRAM = """
import sys
from flask_gatehouse.audit.exporting.writing import Export, Format, export_trail
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.clock import utc_now
size = 0
for piece in export_trail(make_engine(sys.argv[1]), Export(Format(sys.argv[2])), utc_now()):
    size += len(piece)
peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(peak.split()[1], size)
"""


@pytest.fixture(scope="module")
def trails(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> list[str]:
    folder, urls = tmp_path_factory.mktemp("trails"), []
    for count in (3_000, 30_000):
        url = f"sqlite:///{shutil.copy(sqlite_template, folder / f'{count}.db')}"
        fill(url, count)
        urls.append(url)
    return urls


@pytest.mark.parametrize("form", ["jsonl", "csv", "ocsf"])
def test_an_export_takes_no_more_memory_for_a_longer_trail(trails: list[str], form: str) -> None:
    peaks, sizes = [], []
    for url in trails:
        command = [sys.executable, "-c", PROGRAM, url, form]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)
        assert done.returncode == 0, done.stderr
        peak, size = map(int, done.stdout.split())
        peaks.append(peak)
        sizes.append(size)
    assert sizes[1] > 9 * sizes[0]
    assert sizes[1] > 9_000_000
    assert peaks[1] < peaks[0] + 8192

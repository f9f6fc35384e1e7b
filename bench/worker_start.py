"""How long does a worker take to start, and how much memory has it then? Prints a table; the goal is 450 ms and 70 MB.

    python bench/worker_start.py [--rounds 15] [--modules 15]

Each application is loaded by a process of its own, in turn with the others, and answers one request: the first page
that a visitor sees. Ours is loaded between the hooks of deploy/gunicorn.conf.py; that file is read within the time,
though gunicorn reads it once for all workers. The memory is what the process alone has (its private pages) and all that
it has mapped (its resident set); workers that gunicorn preloads share most of the difference. ``--modules`` says what
takes longest.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

# The sites stand beside this file.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._sites import GATEHOUSE, sites
from bench._worker import REPOSITORY

HOST = "bench._bare:app"
NAMES = {HOST: "Flask, Flask-SQLAlchemy", GATEHOUSE: "Gatehouse"}
PATHS = {HOST: "/state", GATEHOUSE: "/auth/login"}
GOAL_MS, GOAL_MB = 450.0, 70.0
_START = """
import sys, time
begun = time.perf_counter()
import importlib, json, re, runpy
hooks = [runpy.run_path(path) for path in sys.argv[3:]]
for hook in hooks:
    hook["post_fork"](None, None)
module, _, name = sys.argv[1].partition(":")
application = getattr(importlib.import_module(module), name)
application = application if hasattr(application, "wsgi_app") else application()
for hook in hooks:
    hook["post_worker_init"](None)
loaded = time.perf_counter() - begun
from bench._worker import _answer
status = _answer(application, sys.argv[2], "")[0]
assert status.startswith(("2", "3")), status
held = open("/proc/self/smaps_rollup").read()
print(json.dumps({
    "loaded": loaded * 1000, "busy": time.process_time() * 1000,
    "resident": int(re.search(r"Rss: +([0-9]+)", held)[1]) / 1000,
    "own": sum(map(int, re.findall(r"Private_[A-Za-z]+: +([0-9]+)", held))) / 1000,
}))
"""


def _start(application: str, told: dict[str, str], folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(REPOSITORY), **told}
    deployed = [str(REPOSITORY / "deploy/gunicorn.conf.py")] if application == GATEHOUSE else []
    command = [sys.executable, *options, "-c", _START, application, PATHS[application], *deployed]
    ended = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert not ended.returncode, ended.stderr[-2000:]
    return ended


def _report(title: str, told: dict[str, str], folder: Path, rounds: int) -> bool:
    found: dict[str, list[dict[str, float]]] = {application: [] for application in NAMES}
    for number in range(rounds + 1):
        for application in NAMES:
            taken = json.loads(_start(application, told, folder).stdout)
            # The first time compiles what Python keeps.
            if number:
                found[application].append(taken)
    for application, name in NAMES.items():
        rows, floor = found[application], found[HOST]
        loaded, busy, resident, own = (
            statistics.median(row[key] for row in rows) for key in ("loaded", "busy", "resident", "own")
        )
        ratio = statistics.median(one["loaded"] / other["loaded"] for one, other in zip(rows, floor, strict=True))
        print(f"{title:22}{name:26}{loaded:10.0f}{ratio:8.2f}×{busy:12.0f}{own:10.1f}{resident:11.1f}", flush=True)
    return loaded <= GOAL_MS and resident <= GOAL_MB


def _modules(told: dict[str, str], folder: Path, count: int) -> None:
    said = _start(GATEHOUSE, told, folder, "-X", "importtime").stderr
    took: Counter[str] = Counter()
    for own, name in re.findall(r"import time: +([0-9]+) \| +[0-9]+ \| +(\S+)", said):
        took[".".join(name.split(".")[:2])] += int(own)
    print("\nmilliseconds of loading, by package")
    for name, microseconds in took.most_common(count):
        print(f"{microseconds / 1000:8.1f}  {name}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--modules", type=int, default=0)
    options = parser.parse_args()
    reached = True
    print(f"{'':48}{'loaded ms':>10}{'ratio':>9}{'CPU ms':>12}{'own MB':>10}{'resident':>11}", flush=True)
    with tempfile.TemporaryDirectory() as name, sites(Path(name)) as found:
        for title, told in [way for site in found for way in site.ways().items()]:
            reached = _report(title, told, Path(name), options.rounds) and reached
        if options.modules:
            _modules(told, Path(name), options.modules)
    print(f"The goal is {GOAL_MS:g} ms and {GOAL_MB:g} MB: {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

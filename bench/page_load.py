"""How many pages a second does a node serve to people it knows? Prints a table; the goal is 0.85 times the floor's.

    python bench/page_load.py [--rounds 6] [--seconds 3] [--only SQLite]

The floor and Gatehouse are those of ``page_time.py``, each under gunicorn with ``deploy/gunicorn.conf.py``: two
workers. wrk asks by eight connections, each for one request, as a proxy without upstream keep-alive does. The two are
asked in turn. Clients, servers and databases share the machine, so that the number of requests says little elsewhere.
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The seeder stands beside this file, and starts the database server that the tests use.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._sites import FLOOR, GATEHOUSE, Site, sites
from bench._worker import CHROMIUM, HOST, REPOSITORY

from flask_gatehouse.accounts.rules import Role
from tests.ports import free_port
from tests.processes import PROGRAMS

GOAL = 0.85
CONNECTIONS = 8
PATH = "/dashboard"
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@contextmanager
def serving(application: str, environment: dict[str, str], log: Path) -> Iterator[int]:
    """Serve an application as the files of ``deploy/`` say, and yield its port."""
    port = free_port()
    settings = REPOSITORY / "deploy/gunicorn.conf.py"
    command = [str(PROGRAMS / "gunicorn"), "--config", str(settings), "--bind", f"127.0.0.1:{port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, application],
            cwd=log.parent,
            env=environment | {"PYTHONPATH": str(REPOSITORY), "PATH": str(PROGRAMS)},
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for(port, process, log)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/static/gatehouse/mark.svg", headers={"X-Forwarded-Proto": "https"}
    )
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=5):  # noqa: S310 - our own address
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text(errors="replace")[-3000:]) from None
            time.sleep(0.1)


def load(port: int, cookie: str, seconds: int) -> tuple[float, float]:
    """Return requests a second, and of how many seconds 99 in a hundred are answered."""
    said = {**CHROMIUM, "Host": HOST, "Cookie": cookie, "Connection": "close"}
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    for name, value in said.items():
        words += ["-H", f"{name}: {value}"]
    told = subprocess.run([*words, f"http://127.0.0.1:{port}{PATH}"], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in told, told
    assert "Socket errors" not in told, told
    rate, slowest = re.search(r"Requests/sec:\s+([\d.]+)", told), re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    assert rate is not None, told
    assert slowest is not None, told
    return float(rate[1]), float(slowest[1]) * SECONDS[slowest[2]]


def floor_cookie(port: int, user_id: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/enter/{user_id}", timeout=10) as answer:
        return str(answer.headers["Set-Cookie"].partition(";")[0])


def measure(
    site: Site, environment: dict[str, str], folder: Path, rounds: int, seconds: int
) -> tuple[float, float, float, float]:
    """Return medians: requests a second of both, their ratio, and our slowest hundredth in seconds."""
    user_id, session = site.sign_in(Role.VIEWER)
    with (
        serving(f"{FLOOR}()", environment, folder / "floor.log") as floor,
        serving(GATEHOUSE, environment, folder / "gatehouse.log") as gatehouse,
    ):
        known = floor_cookie(floor, user_id)
        rows = []
        for turn in range(rounds + 1):
            taken = {}
            for port, cookie in ((floor, known), (gatehouse, session))[:: 1 if turn % 2 else -1]:
                taken[port] = load(port, cookie, seconds)
            rows.append((taken[floor][0], taken[gatehouse][0], taken[gatehouse][1]))
    rows = rows[1:]
    few, many, slow = (statistics.median(values) for values in zip(*rows, strict=True))
    return few, many, statistics.median(row[1] / row[0] for row in rows), slow


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("Not measured: wrk is not installed (apt-get install wrk).")
        return 0
    reached = True
    print(f"GET {PATH} over HTTP: requests a second, medians of {options.rounds} pairs of {options.seconds} s")
    print(f"{'':22}{'floor':>9}{'Gatehouse':>11}{'ratio':>9}{'99 % within':>13}", flush=True)
    with tempfile.TemporaryDirectory() as name, sites(Path(name), options.only, apart=False) as found:
        for site in found:
            for title, environment in site.ways().items():
                few, many, ratio, slow = measure(site, environment, Path(name), options.rounds, options.seconds)
                missed = "" if ratio >= GOAL else "  MISSED"
                reached = reached and not missed
                print(f"{title:22}{few:9.0f}{many:11.0f}{ratio:8.2f}×{slow * 1000:10.0f} ms{missed}", flush=True)
    print(f"The goal is at least {GOAL:g} times the floor's: {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

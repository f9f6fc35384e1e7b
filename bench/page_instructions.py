"""How many instructions does a request take? Prints a table that says the same on a machine that is busy otherwise.

    python bench/page_instructions.py [--requests 100] [--only SQLite]

The same pairs as in ``page_time.py`` and ``host_view.py``, each run under valgrind, which counts what the processor is
told and not how long it takes; twice, so that the start of the application is taken off. Redis is left out: a client
that is slowed down so much meets its deadlines. What waits for memory is not seen: look at the times too.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

# The sites stand beside this file.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._sites import FLOOR, GATEHOUSE, Site, sites
from bench._worker import REPOSITORY, Worker
from sqlalchemy import update

from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.sessions.models import UserSession

FEW = 20
COUNTED = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def _instructions(application: str, site: Site, path: str, cookie: str, count: int) -> int:
    """Return how many instructions a process takes that starts an application and asks it so often."""
    asked = json.dumps({"do": "time", "path": path, "cookie": cookie, "count": count})
    told = subprocess.run(
        [*COUNTED, sys.executable, str(REPOSITORY / "bench/_worker.py"), application],
        # One order of all sets and dictionaries, so that two runs do the same.
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "PYTHONHASHSEED": "0", **site.environment},
        input=asked + "\n",
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    counted = re.search(r"I\s+refs:\s+([\d,]+)", told)
    assert counted is not None, told[-3000:]
    return int(counted[1].replace(",", ""))


def _each(application: str, site: Site, path: str, cookie: str, requests: int) -> float:
    few, many = (_instructions(application, site, path, cookie, count) for count in (FEW, FEW + requests))
    # The worker asks a tenth more, for which it takes no time.
    return (many - few) / (requests * 1.1)


def _keep_from_touching(site: Site) -> None:
    """Let no last use be due: written once a minute, it would be in one of two counts and not in the other."""
    engine = make_engine(site.url)
    with engine.begin() as connection:
        connection.execute(update(UserSession).values(last_seen_at=datetime.now(UTC) + timedelta(hours=1)))
    engine.dispose()


def _pairs(site: Site, folder: Path) -> list[tuple[str, str, tuple[str, str], tuple[str, str]]]:
    """Return title, path, and application and cookie of both sides."""
    user_id, session = site.sign_in(Role.VIEWER)
    _keep_from_touching(site)
    floor = Worker(FLOOR, site.environment, folder / "floor.log")
    known = dict(floor.once(f"/enter/{user_id}")["headers"])["Set-Cookie"].partition(";")[0]
    floor.close()
    pairs = [("dashboard", "/dashboard", (FLOOR, known), (GATEHOUSE, session))]
    bare, gated = ("bench._host:bare", session), ("bench._host:gated", session)
    for kind in (bare, gated):
        # The first one makes the table of both.
        host = Worker(kind[0], site.environment, folder / "host.log")
        assert host.once("/notes", session)["status"] == 200
        host.close()
    views = (("host, one row", "/notes/1"), ("host, a list", "/notes"), ("host, nothing", "/state"))
    return pairs + [(title, path, bare, gated) for title, path in views]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("Not measured: valgrind is not installed (apt-get install valgrind).")
        return 0
    print(f"thousands of instructions of one request, of {options.requests}")
    print(f"{'':12}{'view':16}{'without':>9}{'with us':>9}{'more':>8}{'ratio':>9}", flush=True)
    with tempfile.TemporaryDirectory() as name, sites(Path(name), options.only, apart=False) as found:
        for site in found:
            site.environment.pop("REDIS_URL", None)
            for title, path, *sides in _pairs(site, Path(name)):
                base, ours = (_each(kind, site, path, cookie, options.requests) / 1000 for kind, cookie in sides)
                print(
                    f"{site.kind:12}{title:16}{base:9.0f}{ours:9.0f}{ours - base:8.0f}{ours / base:8.2f}×", flush=True
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How much memory has a worker once it has answered? Prints a table, with and without what the unit of a node says.

    python bench/worker_memory.py [--requests 800] [--rounds 2] [--only SQLite]

gunicorn serves as ``deploy/gunicorn.conf.py`` says, with two workers; sixteen visitors at once ask an administrator's
pages, so that every thread of a worker has work. Then each worker is asked what it shares with nobody. ``Environment=``
of ``deploy/systemd/gatehouse@.service`` is given to one of the two.
"""

import argparse
import http.client
import re
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The sites stand beside this file.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._processes import processes_of
from bench._sites import Site, sites
from bench._worker import CHROMIUM, HOST, REPOSITORY

from flask_gatehouse.accounts.rules import Role
from tests.processes import running_gatehouse

PATHS = ("/dashboard", "/users", "/admin/audit-logs", "/account")
VISITORS = 16
UNIT = REPOSITORY / "deploy/systemd/gatehouse@.service"


def said_by_the_unit() -> dict[str, str]:
    return dict(re.findall(r"^Environment=(\w+)=(\S+)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE))


def _visit(port: int, cookie: str, requests: int) -> None:
    for number in range(requests):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        path = PATHS[number % len(PATHS)]
        connection.request("GET", path, headers={**CHROMIUM, "Host": HOST, "Cookie": cookie, "Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (path, answer.status)
        connection.close()


def _own(site: Site, cookie: str, more: dict[str, str], requests: int) -> float:
    """Return the megabytes that a worker shares with nobody after so many requests of all."""
    environment = {
        **site.environment,
        **more,
        "GATEHOUSE_ENV": "production",
        "GUNICORN_CMD_ARGS": f"--config {REPOSITORY / 'deploy/gunicorn.conf.py'}",
    }
    with running_gatehouse(environment, server="gunicorn", workers=2, threads=8) as node:
        port = int(node.base_url.rpartition(":")[2])
        with ThreadPoolExecutor(VISITORS) as visitors:
            for visit in [visitors.submit(_visit, port, cookie, requests // VISITORS) for _ in range(VISITORS)]:
                visit.result()
        session = node.process.pid
        workers = [one.own for one in processes_of(session) if one.pid != session]
        assert len(workers) == 2, workers
        return statistics.mean(workers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    options = parser.parse_args()
    kinds = {
        "without": {},
        " ".join(f"{name}={value}" for name, value in said_by_the_unit().items()): said_by_the_unit(),
    }
    print(f"MB of a worker's own after {options.requests} requests, of {options.rounds} rounds")
    with tempfile.TemporaryDirectory() as name, sites(Path(name), options.only, apart=False) as found:
        for site in found:
            _, cookie = site.sign_in(Role.ADMIN)
            rows: dict[str, list[float]] = {kind: [] for kind in kinds}
            for _ in range(options.rounds):
                for kind, more in kinds.items():
                    rows[kind].append(_own(site, cookie, more, options.requests))
            for kind, taken in rows.items():
                print(f"{site.kind:12}{kind:24}{statistics.median(taken):8.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What does a page ask of the database? Prints a table; the goal is one SELECT, one round trip and no write.

    python bench/page_statements.py

SQLite counts each statement that it runs. PostgreSQL's are counted on its socket, with each time that the application
waits for an answer: a BEGIN or a ROLLBACK is a round trip too. What is counted is the tenth request of its kind, when
the driver has prepared its statement.
"""

import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis

# The seeder stands beside this file, and starts the database server that the tests use.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._sites import GATEHOUSE, Site, sites
from bench._wire import listening
from bench._worker import Worker

from flask_gatehouse.accounts.rules import Role

TRACED = "tests.nodes.traced:app"
WARM_UP = 9
# Path, whether its goal is set, and who asks.
PAGES = (
    ("/dashboard", True, Role.VIEWER),
    ("/auth/session", True, Role.VIEWER),
    ("/auth/logout", True, Role.VIEWER),
    ("/dashboard", False, Role.ADMIN),
    ("/users", False, Role.ADMIN),
    ("/account", False, Role.ADMIN),
    ("/admin/audit-logs", False, Role.ADMIN),
)
CONTROL = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET)\b", re.IGNORECASE)


def _counter(site: Site, folder: Path, stack: ExitStack) -> tuple[Worker, Callable[[], tuple[list[str], int | None]]]:
    """Return an application, and what tells its statements and its round trips since it was asked before."""
    if site.kind == "SQLite":
        trace = folder / "trace.log"
        worker = Worker(TRACED, site.environment | {"TRACE_FILE": str(trace)}, folder / "sqlite.log")

        def read() -> tuple[list[str], None]:
            lines = trace.read_text().splitlines() if trace.exists() else []
            trace.unlink(missing_ok=True)
            return lines, None

        return worker, read
    server = Path(parse_qs(urlsplit(site.url).query)["host"][0])
    wire = stack.enter_context(listening(folder, server))
    environment = site.environment | {"DATABASE_URL": site.url.replace(str(server), str(folder))}
    return Worker(GATEHOUSE, environment, folder / "postgresql.log"), wire.take


def _commands(site: Site) -> int:
    """Return how many commands Redis has been sent so far; those that a script runs in it are none."""
    client = redis.Redis.from_url(site.environment["REDIS_URL"])
    counted: Any = client.info("commandstats")
    client.close()
    return sum(int(row["calls"]) for name, row in counted.items() if name.startswith("cmdstat_eval"))


def _report(site: Site, folder: Path) -> bool:
    reached, cookies = True, {role: site.sign_in(role)[1] for role in (Role.VIEWER, Role.ADMIN)}
    with ExitStack() as stack:
        worker, since = _counter(site, folder, stack)
        for path, is_goal, role in PAGES:
            for _ in range(WARM_UP):
                assert worker.once(path, cookies[role])["status"] == 200
            since()
            before = _commands(site) if "REDIS_URL" in site.environment else None
            worker.once(path, cookies[role])
            statements, turns = since()
            control = len([statement for statement in statements if CONTROL.match(statement)])
            writes = len(statements) - control - sum(statement.startswith("SELECT") for statement in statements)
            selects = len(statements) - control - writes
            missed = is_goal and ((selects, control, writes) != (1, 0, 0) or turns not in {None, 1})
            reached = reached and not missed
            counted = "" if before is None else _commands(site) - before
            trips = "" if turns is None else turns
            mark = path + (" *" if is_goal else "")
            print(
                f"{site.kind:12}{role.value:8}{mark:20}{selects:8}{control:14}{writes:8}{trips:>13}{counted:>8}"
                f"{'  MISSED' if missed else ''}",
                flush=True,
            )
        worker.close()
    return reached


def main() -> int:
    reached = True
    heads = f"{'SELECT':>8}{'BEGIN etc.':>14}{'writes':>8}{'round trips':>13}{'Redis':>8}"
    print(f"{'':12}{'who':8}{'page':20}{heads}", flush=True)
    with tempfile.TemporaryDirectory(dir="/tmp") as name, sites(Path(name)) as found:
        for site in found:
            reached = _report(site, Path(name)) and reached
    print(f"* the goal is one SELECT and one round trip, and nothing else: {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())

"""What does ``login_required`` cost a host? Prints a table; the goal is 1.35 times the same view without a gate.

    python bench/host_view.py [--rounds 10] [--batch 100] [--only SQLite]

Two applications are compared that differ in nothing but ``Gatehouse(app, db=db)`` and the decorator (``_host.py``):
their views answer with JSON, and read through Flask-SQLAlchemy what they answer with. A view that reads nothing is
shown too; so little is left there that any look at who asks shows: a signed cookie and a raw SELECT alone cost more
than the goal allows.
"""

import sys
import tempfile
from pathlib import Path

# The seeder stands beside this file, and starts the database server that the tests use.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._databases import arguments, verdict
from bench._paired import measure
from bench._sites import sites
from bench._worker import Worker

from flask_gatehouse.accounts.rules import Role

GOAL = 1.35
VIEWS = (("reads one row", "/notes/1", True), ("reads a list", "/notes", True), ("reads nothing", "/state", False))


def main() -> int:
    options = arguments(__doc__, rounds=10, batch=100)
    reached = True
    print(f"microseconds of one request, medians of {options.rounds} pairs of {options.batch}")
    print(f"{'':12}{'view':16}{'bare':>8}{'gated':>8}{'processor':>11}{'wall':>9}", flush=True)
    with tempfile.TemporaryDirectory() as name, sites(Path(name), options.only) as found:
        for site in found:
            cookie = site.sign_in(Role.VIEWER)[1]
            workers = []
            for kind in ("bare", "gated"):
                workers.append(Worker(f"bench._host:{kind}", site.environment, Path(name) / f"{kind}.log"))
                # The first one makes the table of both.
                workers[-1].once("/state", cookie)
            for title, path, is_goal in VIEWS:
                answers = [worker.once(path, cookie) for worker in workers]
                assert answers[0]["status"] == answers[1]["status"] == 200, answers
                assert answers[0]["body"] == answers[1]["body"]
                assert workers[1].once(path)["status"] == 302, "nobody has to sign in"
                bare, gated = ((worker, path, cookie) for worker in workers)
                pair = measure(bare, gated, options.rounds, options.batch)
                missed = is_goal and pair.ratio > GOAL
                reached = reached and not missed
                mark = title + (" *" if is_goal else "")
                print(
                    f"{site.kind:12}{mark:16}{pair.base:8.0f}{pair.other:8.0f}{pair.ratio:10.2f}×{pair.wall:8.2f}×"
                    f"{'  MISSED' if missed else ''}",
                    flush=True,
                )
            for worker in workers:
                worker.close()
    return verdict(f"* the goal is at most {GOAL:g} times the processor time", reached)


if __name__ == "__main__":
    sys.exit(main())

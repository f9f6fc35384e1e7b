"""What does a page cost whose reader is known? Prints a table; the goal is 1.6 times the floor's processor time.

    python bench/page_time.py [--rounds 12] [--batch 50] [--only SQLite]

The floor is bare Flask with a signed cookie and one raw SELECT, showing the same page by the same templates
(``_floor.py``). Ours is the standalone application as it is deployed: production behind one proxy, with sessions that
can be revoked, roles, every header, the limiter, the metrics of several processes, and the log as JSON.

Processor time is that of the application's process. SQLite works in it; PostgreSQL and Redis do not.
"""

import difflib
import re
import sys
import tempfile
from pathlib import Path

# The seeder stands beside this file, and starts the database server that the tests use.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench._databases import arguments, verdict
from bench._paired import Pair, measure
from bench._sites import FLOOR, GATEHOUSE, Site, sites
from bench._worker import Worker

from flask_gatehouse.accounts.rules import Role

GOAL = 1.6
PATH = "/dashboard"
# What is another one in each answer.
_TOKEN = re.compile(r'((?:content|value)=")[A-Za-z0-9_-]{86}"')
_LEFT = re.compile(r'data-seconds-left="\d+"')


def floor_cookie(floor: Worker, user_id: int) -> str:
    headers = dict(floor.once(f"/enter/{user_id}")["headers"])
    return str(headers["Set-Cookie"].partition(";")[0])


def show_the_same(floor: Worker, gatehouse: Worker, known: str, session: str) -> int:
    """Return how many bytes the page has that both show, after a look whether it is the same one."""
    pages = []
    for worker, cookie in ((floor, known), (gatehouse, session)):
        answer = worker.once(PATH, cookie)
        assert answer["status"] == 200, worker.log.read_text()[-3000:]
        pages.append(_LEFT.sub("", _TOKEN.sub(r"\1", answer["body"])))
    difference = "\n".join(difflib.unified_diff(pages[0].splitlines(), pages[1].splitlines(), lineterm=""))
    assert not difference, f"the floor does not show our page any more:\n{difference}"
    return len(answer["body"])


def measure_site(site: Site, environment: dict[str, str], folder: Path, rounds: int, batch: int) -> tuple[Pair, int]:
    user_id, session = site.sign_in(Role.VIEWER)
    floor = Worker(FLOOR, environment, folder / "floor.log")
    gatehouse = Worker(GATEHOUSE, environment, folder / "gatehouse.log")
    known = floor_cookie(floor, user_id)
    length = show_the_same(floor, gatehouse, known, session)
    pair = measure((floor, PATH, known), (gatehouse, PATH, session), rounds, batch)
    lines = gatehouse.log.read_text().count('"route": "/dashboard"')
    assert lines > rounds * batch, "not every request was written down"
    floor.close()
    gatehouse.close()
    return pair, length


def main() -> int:
    options = arguments(__doc__, rounds=12, batch=50)
    reached = True
    print(f"GET {PATH}: microseconds of one request, medians of {options.rounds} pairs of {options.batch}")
    print(f"{'':22}{'bytes':>8}{'floor':>9}{'Gatehouse':>11}{'processor':>11}{'wall':>9}", flush=True)
    with tempfile.TemporaryDirectory() as name, sites(Path(name), options.only) as found:
        for site in found:
            for title, environment in site.ways().items():
                pair, length = measure_site(site, environment, Path(name), options.rounds, options.batch)
                missed = "" if pair.ratio <= GOAL else "  MISSED"
                reached = reached and not missed
                print(
                    f"{title:22}{length:8,}{pair.base:9.0f}{pair.other:11.0f}{pair.ratio:10.2f}×{pair.wall:8.2f}×{missed}",
                    flush=True,
                )
    return verdict(f"The goal is at most {GOAL:g} times the floor's processor time", reached)


if __name__ == "__main__":
    sys.exit(main())

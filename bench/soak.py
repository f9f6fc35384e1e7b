"""Does anything grow that should not, while two nodes and a worker are at work? Prints a table, a line for each minute.

    python bench/soak.py [--minutes 1] [--only SQLite] [--pause 0.05] [--people 0] [--sessions 0] [--events 0]

People sign in at either node, look at pages, end their sessions or leave; an administrator edits them, ends the
sessions of some and reads the trail; the worker seals, ends what has expired and deletes what is old: sessions live
for a minute after their last use, and are listed for two more. An hour is ``--minutes 60``. Memory is what each process
shares with nobody; the size of a table is told with that of its indexes.

All of it happens among so many people, live sessions and sealed events as one asks for; some of those people ask for
pages too. The goal is set at ``--people 1000000 --sessions 100000 --events 10000000``.
"""

import argparse
import functools
import itertools
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

# The sites stand beside this file.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg
import requests
from bench import _people, _trail
from bench._databases import KINDS, Place
from bench._processes import processes_of
from bench._working import working
from bench.live_sessions import begin_sessions

from tests.conformance.hostile import CLIENT_SECRET, HostileProvider, running_provider
from tests.grown import token_of
from tests.nodes.people import csrf_token_of
from tests.nodes.sites import Site, running_site
from tests.services import POSTGRESQL_OPTIONS, running_services

VISITORS, PEOPLE = 3, 500
ADMINISTRATOR = "root@example.com"
# After the first minutes, in which caches fill.
MOST_GROWTH = 1.1
SETTLED = 2
SIZES = """
SELECT relname, pg_table_size(relid) / 1e6, pg_indexes_size(relid) / 1e6, n_live_tup FROM pg_stat_user_tables
WHERE pg_total_relation_size(relid) > 1e6 ORDER BY pg_total_relation_size(relid) DESC
"""


class Journal:
    """What was asked for, how long each answer took, and what went wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._took: defaultdict[str, list[float]] = defaultdict(list)
        self.wrong: Counter[str] = Counter()

    def timed(self, name: str, ask: Callable[[], requests.Response], *expected: int) -> requests.Response:
        begun = time.perf_counter()
        answer = ask()
        took = (time.perf_counter() - begun) * 1000
        with self._lock:
            self._took[name].append(took)
            if answer.status_code not in (expected or (200,)):
                self.wrong[f"{name}: {answer.status_code}"] += 1
        return answer

    def take(self) -> dict[str, list[float]]:
        with self._lock:
            taken, self._took = self._took, defaultdict(list)
        return taken


class Person:
    """Somebody with a browser, who meets another node at each request."""

    def __init__(self, site: Site, provider: HostileProvider, door: threading.Lock, journal: Journal) -> None:
        self._site, self._provider, self._door, self._journal = site, provider, door, journal
        self._nodes = itertools.cycle(node.base_url for node in site.nodes)
        self.http = requests.Session()
        self.http.trust_env = False

    def ask(
        self, kind: str, path: str, *expected: int, method: str = "GET", at: str = "", **fields: str
    ) -> requests.Response:
        """Ask the next node, or the one at this address."""
        url = f"{at or next(self._nodes)}{path}"
        headers = {"X-CSRFToken": self.token} if method != "GET" else {"Accept": "text/html, application/json;q=0.5"}
        return self._journal.timed(
            kind,
            lambda: self.http.request(
                method, url, data=fields or None, headers=headers, allow_redirects=False, timeout=60
            ),
            *expected,
        )

    def sign_in(self, email: str) -> None:
        """Sign in; the provider vouches for one person at a time."""
        self.http.cookies.clear()
        with self._door:
            # While one develops, a sign-in begins at the address that the site calls its own.
            sent = self.ask("begin a sign-in", "/auth/login/bench", 302, at=self._site.node.base_url)
            asked = parse_qs(urlsplit(sent.headers["Location"]).query)
            self._provider.nonce = asked["nonce"][0]
            self._provider.claims |= {"sub": email, "email": email, "name": email.partition("@")[0].title()}
            query = urlencode({"state": asked["state"][0], **self._provider.answer})
            # Whom the administrator has deactivated this very moment is refused.
            self.ask("finish a sign-in", f"/auth/authorize/bench?{query}", 302, 403)

    def look(self) -> requests.Response:
        page = self.ask("dashboard", "/dashboard", 200, 302)
        if page.status_code == 200:
            self.token = csrf_token_of(page)
        return page


def visit(person: Person, chance: random.Random, pause: float) -> None:
    """Come in, look around, and go, or just leave."""
    person.sign_in(f"person-{chance.randrange(PEOPLE)}@example.com")
    for _ in range(chance.randrange(3, 12)):
        time.sleep(pause)
        # Somebody may have been deactivated, or signed out, meanwhile.
        path = chance.choice(("/dashboard", "/account", "/auth/session"))
        if person.ask("a page", path, 200, 302, 401).status_code > 200:
            return
    if chance.random() < 0.5 and person.look().status_code == 200:
        person.ask("sign out", "/auth/logout", 302, 303, method="POST")


def return_to(person: Person, token: str, pause: float) -> None:
    """Look at a page as one of the many who have been signed in all the time."""
    time.sleep(pause)
    person.http.cookies.set("gatehouse", token)
    person.ask("a page of the many", "/dashboard")
    person.http.cookies.clear()


def administer(person: Person, chance: random.Random, pause: float, before: int) -> None:
    """Look for somebody, change her, and read what has happened.

    :param before: how many people there were before these came: they keep their sessions.
    """
    if person.look().status_code != 200:
        person.sign_in(ADMINISTRATOR)
        return
    number = chance.randrange(2, PEOPLE)
    for name, path in (
        ("users", "/users"),
        ("search", f"/users?q=person-{number}"),
        ("audit log", "/admin/audit-logs"),
        ("audit log, filtered", "/admin/audit-logs?event=authn_login_success"),
        ("readiness", "/readyz"),
    ):
        time.sleep(pause)
        person.ask(name, path)
    form = person.ask("a form", f"/users/{before + number}/edit", 200, 404)
    version = re.search(r'name="version" value="([0-9]+)"', form.text)
    if version is not None:
        name = f"Person {chance.randrange(10**6)}"
        person.ask(
            "edit",
            f"/users/{before + number}",
            200,
            303,
            409,
            method="PUT",
            name=name,
            role="viewer",
            version=version[1],
        )
        # Nobody does it to herself.
        for state in ("false", "true"):
            person.ask(
                "toggle", f"/users/{before + number}/toggle-active", 200, 303, 403, 409, method="POST", is_active=state
            )


def _memory(sessions: dict[str, int]) -> dict[str, float]:
    return {name: sum(process.own for process in processes_of(session)) for name, session in sessions.items()}


def _sizes(url: str) -> list[str]:
    if url.startswith("sqlite"):
        return [f"the file: {Path(url.removeprefix('sqlite:///')).stat().st_size / 1e6:.1f} MB"]
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(SIZES).fetchall()
    return [f"{name}: {table:.1f} + {indexes:.1f} MB, {count:,} rows" for name, table, indexes, count in rows]


def _repeat(stop: threading.Event, once: Callable[[], None], journal: Journal) -> None:
    while not stop.is_set():
        try:
            once()
        except requests.RequestException as error:
            journal.wrong[type(error).__name__] += 1


def _soak(site: Site, provider: HostileProvider, url: str, options: argparse.Namespace) -> bool:
    journal, door, stop = Journal(), threading.Lock(), threading.Event()
    made = site.command("create-admin", ADMINISTRATOR)
    assert made.returncode == 0, made.stderr
    threads = []
    pause, live = options.pause, options.sessions
    does: list[Callable[[Person, random.Random], None]] = [
        lambda person, chance: visit(person, chance, pause)
    ] * VISITORS
    does.append(lambda person, chance: administer(person, chance, pause, options.people))
    if live:
        does.append(lambda person, chance: return_to(person, token_of(chance.randrange(live)), pause))
    for number, do in enumerate(does):
        person, chance = Person(site, provider, door, journal), random.Random(number)  # noqa: S311 - not a secret
        if number == VISITORS:
            # Before anybody whom she may edit: a viewer, by her own hand, would be refused from then on.
            person.sign_in(ADMINISTRATOR)
        once = functools.partial(do, person, chance)
        threads.append(threading.Thread(target=_repeat, args=(stop, once, journal), daemon=True))
    with working(site) as worker:
        sessions = {"node 1": site.node.process.pid, "node 2": site.other.process.pid, "worker": worker.pid}
        for thread in threads:
            thread.start()
        held = _minutes(journal, sessions, url, options.minutes)
        if not all(thread.is_alive() for thread in threads):
            journal.wrong["somebody who asks has failed"] += 1
        stop.set()
        for thread in threads:
            thread.join(90)
    print("\n".join(_sizes(url)))
    print(f"went wrong: {dict(journal.wrong) or 'nothing'}")
    return _is_flat(held) and not journal.wrong


def _minutes(journal: Journal, sessions: dict[str, int], url: str, minutes: float) -> list[dict[str, float]]:
    held = []
    print(f"{'minute':>6}{'answers':>9}{'p50 ms':>8}{'p99 ms':>8}{'slowest kind':>26}  memory in MB", flush=True)
    for minute in range(1, max(1, round(minutes)) + 1):
        time.sleep(min(60.0, minutes * 60))
        taken = journal.take()
        times = sorted(took for kind in taken.values() for took in kind)
        slowest = max(taken, key=lambda kind: statistics.median(taken[kind]), default="")
        held.append(_memory(sessions))
        told = "  ".join(f"{name} {size:.1f}" for name, size in held[-1].items())
        worst = f"{slowest} {statistics.median(taken[slowest]):.0f}" if slowest else ""
        half, nearly_all = times[len(times) // 2], times[len(times) * 99 // 100]
        print(f"{minute:6}{len(times):9,}{half:8.0f}{nearly_all:8.0f}{worst:>26}  {told}", flush=True)
        if minute % 5 == 0:
            print("       " + "; ".join(_sizes(url)), flush=True)
    return held


def _is_flat(held: list[dict[str, float]]) -> bool:
    """Return whether no process has more at the end than once all was loaded."""
    if len(held) <= SETTLED:
        return True
    begun, ended = held[SETTLED - 1], held[-1]
    for name, size in ended.items():
        print(f"{name}: {begun[name]:.1f} MB after {SETTLED} minutes, {size:.1f} MB after {len(held)}")
    return all(size <= begun[name] * MOST_GROWTH for name, size in ended.items())


def _fill(url: str, many: argparse.Namespace) -> None:
    begun = time.perf_counter()
    if many.events:
        _trail.fill(url, many.events)
    if many.people:
        _people.fill(url, many.people)
    if many.sessions:
        begin_sessions(url, many.sessions, kept=timedelta(hours=10))
    print(f"filled in {time.perf_counter() - begun:.0f} s: {'; '.join(_sizes(url)) or 'nothing'}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--pause", type=float, default=0.05)
    for many in ("people", "sessions", "events"):
        parser.add_argument(f"--{many}", type=int, default=0)
    options = parser.parse_args()
    POSTGRESQL_OPTIONS["log_statement"] = "none"
    with ExitStack() as stack:
        services = stack.enter_context(running_services())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = stack.enter_context(running_provider())
        kind = options.only or ("PostgreSQL" if services.postgresql_url else "SQLite")
        url = Place(kind, folder, services).new("soak")
        _fill(url, options)
        environment = {
            "GATEHOUSE_SIGNUP": "open",
            "GATEHOUSE_IDLE_TIMEOUT": "60s",
            "GATEHOUSE_SESSION_RETENTION": "120s",
            "GATEHOUSE_OIDC_BENCH_ISSUER": provider.issuer,
            "GATEHOUSE_OIDC_BENCH_CLIENT_ID": "gatehouse",
            "GATEHOUSE_OIDC_BENCH_CLIENT_SECRET": CLIENT_SECRET,
            "GATEHOUSE_OIDC_BENCH_EMAIL_DOMAINS": "example.com",
        }
        if services.redis_url is not None:
            environment["REDIS_URL"] = services.redis_url
        site = stack.enter_context(running_site(url, environment, servers=("gunicorn", "gunicorn")))
        print(f"{kind}: two nodes, a worker, {VISITORS} visitors and an administrator, {options.minutes:g} minutes")
        is_flat = _soak(site, provider, url, options)
    print(f"The goal is flat memory and no wrong answer: {'reached' if is_flat else 'MISSED'}")
    return 0 if is_flat else 1


if __name__ == "__main__":
    sys.exit(main())

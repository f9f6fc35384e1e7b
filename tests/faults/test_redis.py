"""A Redis that goes bad, restarts or forgets: people come in, nobody gets rights, and the counts are common again."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import redis

from tests.nodes.listeners import wait_until
from tests.nodes.people import Browser, hidden_fields, new_address
from tests.nodes.sites import CONFIRMED_FOR_LONG, Site, running_site
from tests.processes import Node
from tests.services import need, running_redis
from tools import provision

from .answers import is_a_pause, within
from .line import BAD, Line, Way, open_line
from .report import Shows

Open = Callable[[Node], Browser]
# Redis has 0.3 seconds, and is asked once more; the rest is this machine. What the bound shows is that no answer waits
# for what the line does, which hangs without end; how long it is waited for it does not show.
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # A socket's path holds at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="redis-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def redis_line(folder: Path) -> Iterator[Line]:
    with open_line(folder / "redis.sock") as line:
        yield line


@pytest.fixture(scope="module")
def program() -> Path:
    return provision.find_redis() or need(provision.REDIS)


@pytest.fixture(scope="module")
def site(redis_line: Line, folder: Path, sqlite_template: object) -> Iterator[Site]:
    url = f"sqlite:///{folder / 'gatehouse.db'}"
    environment = {"REDIS_URL": f"redis://127.0.0.1:{redis_line.port}", **CONFIRMED_FOR_LONG}
    with running_site(url, environment, servers=("gunicorn",), application="tests.faults.hasty:app") as site:
        assert site.command("db", "upgrade").returncode == 0
        yield site


def give_role(site: Site, admin: Browser, email: str, role: str) -> int:
    user_id = site.user_id(email)
    form = hidden_fields(admin.get(f"/users/{user_id}").text) | {"name": "N", "role": role}
    return within(DEADLINE_S, partial(admin.post, f"/users/{user_id}", form)).status_code


def role_of(site: Site, admin: Browser, email: str) -> str:
    answer = admin.get(f"/users/{site.user_id(email)}", headers={"Accept": "application/json"})
    role: str = answer.json()["role"]
    return role


def is_back(site: Site, admin: Browser, email: str) -> bool:
    return give_role(site, admin, email, "editor") == 303


@pytest.mark.parametrize("way", BAD)
def test_its_line_goes_bad(
    site: Site,
    admin: Browser,
    redis_line: Line,
    folder: Path,
    program: Path,
    open_browser: Open,
    shows: Shows,
    way: Way,
) -> None:
    with running_redis(program, folder):
        person, email = open_browser(site.node), new_address()
        wait_until(lambda: person.get("/readyz").status_code == 200)
        assert person.sign_in(email).status_code == 302
        wait_until(lambda: is_back(site, admin, email))
        with redis_line.going(way):
            assert within(DEADLINE_S, partial(person.get, "/dashboard")).status_code == 200
            stranger = open_browser(site.node)
            assert within(DEADLINE_S, partial(stranger.get, "/dashboard")).status_code == 302
            assert within(DEADLINE_S, partial(stranger.sign_in, new_address())).status_code == 302
            assert give_role(site, admin, email, "admin") == 503
            refused = within(DEADLINE_S, partial(admin.change, f"/users/{site.user_id(email)}/toggle-active"))
            assert is_a_pause(refused)
            assert within(DEADLINE_S, partial(person.get, "/readyz")).status_code == 503
        assert role_of(site, admin, email) == "editor"
        wait_until(lambda: give_role(site, admin, email, "viewer") == 303)
        assert person.get("/readyz").status_code == 200
        assert person.is_signed_in()
    shows(f"Redis: line {way}", "people come in, no rights are given, common counts by itself")


def test_it_restarts_and_forgets_while_somebody_is_on_her_way(
    site: Site, admin: Browser, folder: Path, program: Path, open_browser: Open, shows: Shows
) -> None:
    person, email = open_browser(site.node), new_address()
    with running_redis(program, folder):
        wait_until(lambda: person.get("/readyz").status_code == 200)
        callback = person.choose(person.begin(), email)
    with running_redis(program, folder) as url:
        # It knows nothing of her, and lets in nobody for that: her way is in her cookie, and used up once.
        assert person.arrive(callback).status_code == 302
        again = open_browser(site.node)
        assert again.arrive(callback).status_code == 400
        wait_until(lambda: is_back(site, admin, email))
        client = redis.Redis.from_url(url)
        assert client.dbsize() > 0
        client.flushall()
        client.close()
        assert person.is_signed_in()
        assert again.get("/dashboard").status_code == 302
        assert person.arrive(callback).status_code == 400
        assert give_role(site, admin, email, "viewer") == 303
    shows("Redis: restarts and is flushed", "nobody is out or in by it, an attempt counts once still")

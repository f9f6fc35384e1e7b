"""A Redis without room: one that takes nothing is as good as away, and one that forgets lets nobody in."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.nodes.listeners import wait_until
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import CONFIRMED_FOR_LONG, Site, running_site
from tests.processes import Node
from tests.services import need, running_redis
from tools import provision

from .answers import is_a_pause
from .report import Shows
from .test_redis import give_role, is_back, role_of

Open = Callable[[Node], Browser]
# Of each step of a sign-in from one address; a quarter of it while the nodes cannot count together.
SIGN_INS = 24


@pytest.fixture(scope="module")
def server() -> Iterator[redis.Redis]:
    # A socket's path holds at most 107 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="redis-", dir="/tmp") as folder,
        running_redis(provision.find_redis() or need(provision.REDIS), Path(folder)) as url,
        redis.Redis.from_url(url) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def site(server: redis.Redis, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('full') / 'gatehouse.db')}"
    environment = {
        "REDIS_URL": f"unix://{server.get_connection_kwargs()['path']}",
        "GATEHOUSE_RATE_LIMIT_SIGN_IN": f"{SIGN_INS} per hour",
        **CONFIRMED_FOR_LONG,
    }
    with running_site(url, environment, servers=("gunicorn",)) as site:
        yield site


@pytest.fixture(autouse=True)
def room(server: redis.Redis) -> Iterator[None]:
    """As much as it wants, before and after."""
    yield
    server.config_set("maxmemory", 0)
    server.flushall()


def test_it_takes_nothing_more(
    site: Site, server: redis.Redis, admin: Browser, open_browser: Open, shows: Shows
) -> None:
    person, email = open_browser(site.node), new_address()
    assert person.sign_in(email).status_code == 302
    wait_until(lambda: is_back(site, admin, email))
    user_id = site.user_id(email)
    server.config_set("maxmemory-policy", "noeviction")
    server.config_set("maxmemory", 1)
    # It still answers whoever asks for what it has, so that only a try shows what it does not take.
    assert server.ping()
    assert person.get("/readyz").status_code == 503
    begun = [open_browser(site.node).get("/auth/login/dev").status_code for _ in range(SIGN_INS // 4 + 2)]
    assert begun == [302] * (SIGN_INS // 4) + [429] * 2
    assert person.is_signed_in()
    assert not open_browser(site.node).is_signed_in()
    assert give_role(site, admin, email, "admin") == 503
    assert is_a_pause(admin.change(f"/users/{user_id}", method="DELETE"))
    assert is_a_pause(admin.get(f"/users/{user_id}/export"))
    assert role_of(site, admin, email) == "editor"
    assert len(site.events(event="rate_limiter_unavailable")) == 1
    server.config_set("maxmemory", 0)
    wait_until(lambda: give_role(site, admin, email, "viewer") == 303)
    assert person.get("/readyz").status_code == 200
    shows("Redis: has no room, and takes nothing", "fewer sign-ins pass, no rights are given, back by itself")


def test_it_forgets_for_want_of_room(
    site: Site, server: redis.Redis, admin: Browser, open_browser: Open, shows: Shows
) -> None:
    person, email = open_browser(site.node), new_address()
    callback = person.choose(person.begin(), email)
    kept = person.cookies
    assert person.arrive(callback).status_code == 302
    begin_until_refused(site, open_browser)
    server.config_set("maxmemory-policy", "allkeys-lru")
    server.config_set("maxmemory", int(server.info("memory")["used_memory"]) + 200_000)
    number = 0
    while list(server.scan_iter("*gatehouse*")):
        number += 1
        assert number < 20_000
        server.set(f"somebody else's {number}", "x" * 1000)
    # Whoever had to wait begins anew, and that is all: who is in is in, and what was used up stays used up.
    assert person.is_signed_in()
    again = open_browser(site.node)
    for name, value in kept.items():
        again.http.cookies.set(name, value, domain="localhost.local", path="/")
    assert again.arrive(callback).status_code == 400
    assert not open_browser(site.node).is_signed_in()
    begin_until_refused(site, open_browser)
    assert give_role(site, admin, email, "editor") == 303
    shows("Redis: has no room, and forgets", "limits begin anew, nobody is in or out by it")


def begin_until_refused(site: Site, open_browser: Open) -> None:
    """Go on until the limit is reached, which is one for all who come from here."""
    begun = [open_browser(site.node).get("/auth/login/dev").status_code for _ in range(SIGN_INS + 1)]
    assert begun[0] == 302
    assert begun[-1] == 429

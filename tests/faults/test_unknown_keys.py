"""A provider, or whoever speaks for it, that names a new key in each token, which nobody knows."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from flask_gatehouse.signin.cached import RENEWAL_COOL_DOWN
from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site
from tests.processes import Node

from .provider import UNKNOWN, FarProvider
from .report import Shows
from .test_provider_line import serving

Open = Callable[[Node], Browser]
TOKENS, AT_ONCE, FIRST = 1000, 4, 50
# Kilobytes: more than what comes and goes, and less than all names of keys together, if they were kept.
ROOM = 8192


@pytest.fixture(scope="module")
def site(far: FarProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(far, tmp_path_factory) as site:
        yield site


def memory_of(node: Node) -> int:
    """Return what the one process that answers has needed at most, in kilobytes."""
    (worker,) = Path(f"/proc/{node.process.pid}/task/{node.process.pid}/children").read_text().split()
    lines = Path(f"/proc/{worker}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def arrive_again_and_again(url: str, cookies: str, times: int) -> set[int]:
    """Come back from the provider with one attempt, which no refusal uses up, and return how that was answered."""
    with requests.Session() as session:
        session.trust_env = False
        # Set by hand: the answer takes the cookie away.
        headers = {"Cookie": cookies}
        return {session.get(url, headers=headers, allow_redirects=False, timeout=120).status_code for _ in range(times)}


def test_a_thousand_keys_that_nobody_knows(site: Site, far: FarProvider, open_browser: Open, shows: Shows) -> None:
    person, stranger = open_browser(site.node), open_browser(site.node)
    assert far.sign_in(person, new_address()).status_code == 302
    url = site.node.base_url + far.begin(stranger, new_address(UNKNOWN))
    cookies = "; ".join(f"{name}={value}" for name, value in stranger.cookies.items())
    # What a process needs for that many sign-ins at once, whatever they come to, it needs from the first ones on.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: arrive_again_and_again(url, cookies, FIRST), range(AT_ONCE)))
        memory, fetched, begun = memory_of(site.node), far.server.calls("/jwks"), time.monotonic()
        coming: list[Future[set[int]]] = [
            pool.submit(arrive_again_and_again, url, cookies, TOKENS // AT_ONCE - FIRST) for _ in range(AT_ONCE)
        ]
        others = 0
        while not all(one.done() for one in coming):
            assert far.sign_in(open_browser(site.node), new_address()).status_code == 302
            assert person.is_signed_in()
            others += 1
            time.sleep(0.2)
        took = time.monotonic() - begun
    assert {status for one in coming for status in one.result()} == {400}
    assert far.server.calls("/jwks") - fetched <= 1 + took // RENEWAL_COOL_DOWN
    assert memory_of(site.node) - memory < ROOM
    assert others > 0
    shows("provider: names 1,000 unknown keys", "its keys are fetched once a minute, others come in meanwhile")

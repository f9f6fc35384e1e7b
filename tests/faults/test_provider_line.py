"""A provider that goes bad: who is in stays in, nobody comes in who should not, and its hanging takes nobody along."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread

import pytest

from flask_gatehouse.signin.cached import RENEWAL_COOL_DOWN
from tests.conformance.hostile import rsa_key
from tests.nodes.listeners import wait_until
from tests.nodes.meeting import at_once
from tests.nodes.people import Browser, new_address, reason_of
from tests.nodes.sites import Site, running_site
from tests.processes import Node

from .answers import within
from .line import BAD, Way
from .provider import FarProvider, unknown_key_id
from .report import Shows

Open = Callable[[Node], Browser]
# The longest call, eight seconds, and the rest for this machine.
DEADLINE_S = 30.0
# Shorter than one call, for whoever needs no provider: she has not waited for it.
OTHERS_S = 6.0
# What deploy/gunicorn.conf.py gives a worker.
THREADS = 8


@pytest.fixture(scope="module")
def site(far: FarProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(far, tmp_path_factory) as site:
        yield site


@pytest.fixture
def new_site(far: FarProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that has not met its provider yet, whichever test runs first."""
    with serving(far, tmp_path_factory) as site:
        yield site


@contextmanager
def serving(far: FarProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = f"sqlite:///{tmp_path_factory.mktemp('far') / 'gatehouse.db'}"
    with running_site(url, far.environment, servers=("gunicorn",), threads=THREADS) as site:
        assert site.command("db", "upgrade").returncode == 0
        yield site


def test_it_hangs_before_anything_is_known_of_it(
    new_site: Site, far: FarProvider, open_browser: Open, shows: Shows
) -> None:
    """Many more sign-ins than threads, and each of them would wait for the same document."""
    person = open_browser(new_site.node)
    assert person.sign_in(new_address()).status_code == 302
    others = [open_browser(new_site.node) for _ in range(3 * THREADS)]
    longest, stop = [0.0], Event()

    def ask_again_and_again() -> None:
        while not stop.is_set():
            began = time.monotonic()
            assert person.get("/dashboard").status_code == 200
            longest[0] = max(longest[0], time.monotonic() - began)

    asking = Thread(target=ask_again_and_again)
    with far.line.going(Way.HANGS):
        asking.start()
        answers = at_once([partial(within, DEADLINE_S, partial(one.get, "/auth/login/far")) for one in others])
        stop.set()
        asking.join()
    assert {(answer.status_code, int(answer.headers.get("Retry-After", 0)) > 0) for answer in answers} == {(503, True)}
    # They never had all threads.
    assert longest[0] < OTHERS_S
    # One event for all of them, or two of those that came at the same moment.
    assert 1 <= len(new_site.events(event="provider_unavailable")) <= 2
    wait_until(lambda: others[0].get("/auth/login/far").status_code == 302)
    assert far.sign_in(others[1], new_address()).status_code == 302
    shows("provider: hangs, many sign-ins", f"503 in time, others served meanwhile ({longest[0]:.1f} s at most)")


@pytest.mark.parametrize("way", BAD)
def test_it_goes_bad(site: Site, far: FarProvider, open_browser: Open, shows: Shows, way: Way) -> None:
    person, comes = open_browser(site.node), open_browser(site.node)
    assert far.sign_in(person, email := new_address()).status_code == 302
    callback = far.begin(comes, new := new_address())
    with far.line.going(way):
        # An answer that comes late is an answer.
        arrived = within(DEADLINE_S, partial(comes.get, callback))
        assert within(OTHERS_S, partial(person.get, "/dashboard")).status_code == 200
    if way is Way.SLOW:
        assert (arrived.status_code, comes.is_signed_in()) == (302, True)
        held = "slow and whole"
    else:
        assert (arrived.status_code, int(arrived.headers["Retry-After"]) > 0) == (503, True)
        assert "gatehouse" not in comes.cookies
        assert site.user_id(new) is None
        assert far.sign_in(comes, new).status_code == 302
        held = "503 in time, nobody in, whoever was in stays in, back by itself"
    assert person.is_signed_in()
    assert len(site.sessions(email)) == 1
    shows(f"provider: line {way}", held)


def test_its_keys_rotate_while_people_are_on_their_way(
    site: Site, far: FarProvider, open_browser: Open, shows: Shows
) -> None:
    first = open_browser(site.node)
    assert far.sign_in(first, new_address()).status_code == 302
    people = [open_browser(site.node) for _ in range(20)]
    callbacks = [far.begin(browser, new_address("rotated")) for browser in people]
    late = far.begin(first, new_address())
    server, before, began = far.server, far.server.calls("/jwks"), time.monotonic()
    old_key, old_header = server.signs_with, server.header
    server.keys, server.signs_with, server.header = (
        [rsa_key("second")],
        rsa_key("second"),
        {"alg": "RS256", "kid": "second"},
    )
    answers = at_once([partial(browser.get, callback) for browser, callback in zip(people, callbacks, strict=True)])
    assert [answer.status_code for answer in answers] == [302] * len(people)
    assert server.calls("/jwks") - before == 1
    # The old key is no key of this provider's any more.
    server.signs_with, server.header = old_key, old_header
    assert reason_of(first.get(late)) == "id_token_signature"
    # Nor does anybody make us fetch again and again by naming keys that nobody knows.
    stranger = open_browser(site.node)
    for _ in range(20):
        callback = far.begin(stranger, new_address())
        server.header = {"alg": "RS256", "kid": unknown_key_id()}
        assert stranger.get(callback).status_code == 400
    assert server.calls("/jwks") - before <= 1 + (time.monotonic() - began) // RENEWAL_COOL_DOWN
    assert "gatehouse" not in stranger.cookies
    server.signs_with, server.header = rsa_key("second"), {"alg": "RS256", "kid": "second"}
    assert far.sign_in(stranger, new_address()).status_code == 302
    shows("provider: keys rotate mid-way", "20 at once come in, the keys are fetched once, the old key is refused")

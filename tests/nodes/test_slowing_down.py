"""Refusals are counted by all nodes together, and whoever has to wait is told for how long."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from tests.nodes.people import Browser, new_address, reason_of
from tests.nodes.sites import Site, running_site
from tests.processes import Node

Open = Callable[[Node], Browser]
PATHS = ("/auth/login/dev", "/auth/authorize/dev?state=x")


class FromAddress(HTTPAdapter):
    """Speaks from one of the sixteen million addresses of the loopback network."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more, source_address=(self.address, 0))


def move(browser: Browser, address: str) -> Browser:
    """Let a browser speak from this address from now on."""
    browser.http.mount("http://", FromAddress(address))
    return browser


@pytest.fixture(scope="module")
def site(place: str) -> Iterator[Site]:
    with running_site(place, {"GATEHOUSE_REFUSAL_LIMIT": "4 per hour"}, servers=("run", "gunicorn")) as site:
        yield site


def test_four_refusals_at_two_nodes(site: Site, open_browser: Open) -> None:
    stranger, before = move(open_browser(site.node), "127.1.0.1"), site.last_event()
    kept = stranger.choose(stranger.begin(), new_address())
    for number in range(4):
        # What a caller writes there counts for nothing.
        lie = {"X-Forwarded-For": f"203.0.113.{number}"}
        page = stranger.get("/auth/authorize/dev", at=site.nodes[number % 2], headers=lie)
        assert (page.status_code, reason_of(page)) == (400, "state_missing")
    # As a balancer asks each node, by the address that all of them have.
    common = {"Host": site.node.base_url.removeprefix("http://")}
    for node in site.nodes:
        for path in PATHS:
            page = stranger.get(path, at=node, headers=common)
            assert page.status_code == 429
            assert 0 < int(page.headers["Retry-After"]) <= 30
            assert re.search(r"Try again in \d+ seconds?\.", page.text)
            assert 'href="/auth/login' in page.text
    events = [name for name, _ in site.events(before)]
    assert events == ["authn_login_fail"] * 3 + ["excess_rate_limit_exceeded", "authn_login_fail"]
    german = stranger.get(PATHS[0], headers={"Accept-Language": "de"})
    assert re.search(r"in \d+ Sekunden? noch einmal", german.text)
    asked_by_script = stranger.get(PATHS[0], headers={"Accept": "application/json"})
    assert (asked_by_script.status_code, asked_by_script.json()["status"]) == (429, 429)

    # What belongs to no attempt waits before it is counted, also where it would not be.
    assert stranger.get(PATHS[1], headers={"Sec-Fetch-Dest": "image"}).status_code == 429

    # Nobody comes in by an answer that she has kept, before the wait is over; it has not been used up by then.
    assert stranger.arrive(kept).status_code == 429
    assert move(stranger, "127.1.0.3").arrive(kept).headers["Location"] == "/dashboard"

    # Somebody who can prove who she is, and comes from elsewhere, gets in at either node.
    ada, email = move(open_browser(site.node), "127.1.0.2"), new_address()
    assert ada.sign_in(email).headers["Location"] == "/dashboard"
    # And whoever is in is not asked where she is, neither on her way to the provider nor when she is back.
    assert move(ada, "127.1.0.1").is_signed_in(at=site.other)
    assert ada.confirm(email).headers["Location"] == "/account"
    sent = ada.change("/account/link/dev", headers={"HX-Request": "true"})
    linked = ada.arrive(ada.choose(ada.get(sent.headers["HX-Redirect"]), new_address()), at=site.other)
    assert linked.headers["Location"] == "/account"


def test_an_account_that_may_not_come_in(site: Site, open_browser: Open) -> None:
    email, root = new_address(), new_address("root")
    chief, person = move(open_browser(site.node), "127.2.0.1"), move(open_browser(site.node), "127.2.0.2")
    chief.sign_in(root)
    assert site.command("create-admin", root).returncode == 0
    person.sign_in(email)
    toggle, before = f"/users/{site.user_id(email)}/toggle-active", site.last_event()
    assert chief.change(toggle).status_code == 303
    answers = [move(person, f"127.2.1.{number + 1}").sign_in(email) for number in range(5)]
    assert [answer.status_code for answer in answers] == [403] * 4 + [429]
    assert reason_of(answers[0]) == "deactivated"
    assert [name for name, _ in site.events(before)].count("authn_login_fail") == 4
    # She may come in again, and nothing that was counted keeps her out.
    assert chief.change(toggle).status_code == 303
    assert person.sign_in(email).headers["Location"] == "/dashboard"

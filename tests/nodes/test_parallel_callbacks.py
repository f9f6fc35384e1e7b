"""One answer of a provider signs in once, however often, wherever and with whichever browser it comes back."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from requests import Response

from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.signin.attempt import MAX_AGE, AttemptSigner
from tests.nodes.meeting import at_once, meeting
from tests.nodes.people import Browser, at_node, new_address, reason_of
from tests.nodes.sites import Site, running_site
from tests.processes import Node

Open = Callable[[Node], Browser]
COPIES = 8
ATTEMPTS = 20


@pytest.fixture(scope="module")
def site(place: str) -> Iterator[Site]:
    with running_site(place, servers=("gunicorn", "gunicorn"), application="tests.nodes.gathered:app") as site:
        yield site


def copies_of(site: Site, browser: Browser, callback: str, port: int, **more: str) -> list[Callable[[], Response]]:
    """Return eight copies of one request, half of them for each node."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"Cookie": cookies, "Test-Meet": str(port), "Test-Before": "spend"} | more
    addresses = [at_node(callback, site.node, node) for node in site.nodes] * (COPIES // 2)
    return [partial(get, address, headers) for address in addresses]


def get(address: str, headers: dict[str, str]) -> Response:
    """Ask as a browser of its own would: a shared one would send one request after the other."""
    browser = Browser(Node.__new__(Node))
    try:
        return browser.get(address, headers=headers)
    finally:
        browser.close()


def send_copies(site: Site, browser: Browser, email: str, **more: str) -> list[Response]:
    callback = browser.choose(browser.begin("/account"), email)
    with meeting(COPIES) as port:
        return at_once(copies_of(site, browser, callback, port, **more))


def test_of_eight_copies_at_once_one_signs_in(site: Site, open_browser: Open) -> None:
    email = new_address()
    for attempt in range(1, ATTEMPTS + 1):
        mark = site.last_event()
        browser = open_browser(site.node)
        answers = send_copies(site, browser, email)
        assert Counter(answer.status_code for answer in answers) == {302: 1, 400: COPIES - 1}
        (passed,) = (answer for answer in answers if answer.status_code == 302)
        assert passed.headers["Location"] == "/account"
        refused = [answer for answer in answers if answer.status_code == 400]
        assert [reason_of(answer) for answer in refused] == ["state_reused"] * (COPIES - 1)
        assert not any("gatehouse" in answer.cookies for answer in refused)
        assert len(site.sessions(email)) == attempt
        names = Counter(name for name, _ in site.events(mark))
        assert (names["authn_login_success"], names["session_created"]) == (1, 1)
        assert names["authn_token_reuse"] == COPIES - 1
        browser.session_token = passed.cookies["gatehouse"]
        assert [browser.is_signed_in(at=node) for node in site.nodes] == [True, True]


def test_nothing_else_would_have_stopped_them(site: Site, open_browser: Open) -> None:
    email = new_address()
    open_browser(site.node).sign_in(email)
    answers = send_copies(site, open_browser(site.node), email, **{"Test-Forgetful": "yes"})
    assert Counter(answer.status_code for answer in answers) == {302: COPIES}
    assert len(site.sessions(email)) == COPIES + 1


def test_a_new_person_in_two_tabs_becomes_one_user(site: Site, open_browser: Open) -> None:
    for _ in range(5):
        email, users, mark = new_address(), site.users(), site.last_event()
        browsers = [open_browser(site.node) for _ in site.nodes]
        callbacks = [browser.choose(browser.begin(), email, "Grace") for browser in browsers]
        with meeting(2) as port:
            headers = {"Test-Meet": str(port), "Test-Before": "register"}
            answers = at_once(
                [
                    partial(browser.arrive, callback, at=node, headers=headers)
                    for browser, callback, node in zip(browsers, callbacks, site.nodes, strict=True)
                ]
            )
        assert [answer.status_code for answer in answers] == [302, 302], [reason_of(answer) for answer in answers]
        assert site.users() == users + 1
        assert [row["end_reason"] for row in site.sessions(email)] == [None, None]
        assert all(browser.is_signed_in(at=node) for browser in browsers for node in site.nodes)
        names = Counter(name for name, _ in site.events(mark))
        assert (names["user_created"], names["authn_login_success"]) == (1, 2)


def test_an_answer_is_worthless_in_another_browser(site: Site, open_browser: Open) -> None:
    person, thief, email, mark = open_browser(site.node), open_browser(site.node), new_address(), site.last_event()
    callback = person.choose(person.begin(), email)
    thief.begin()
    for node in site.nodes:
        refused = thief.arrive(callback, at=node)
        assert (refused.status_code, reason_of(refused)) == (400, "state_unknown")
    assert site.user_id(email) is None
    assert not thief.is_signed_in()
    assert [details["reason"] for _, details in site.events(mark)] == ["state_unknown"] * 2
    # It was refused before the provider was asked, so that its owner can still use it.
    assert person.arrive(callback).status_code == 302


@pytest.mark.parametrize("number", [0, 1])
def test_an_answer_is_worthless_a_second_time(site: Site, open_browser: Open, number: int) -> None:
    person, email = open_browser(site.node), new_address()
    callback = person.choose(person.begin(), email)
    kept = {name: person.cookies[name] for name in person.attempt_cookies()}
    assert person.arrive(callback).status_code == 302
    assert person.attempt_cookies() == []
    again = person.arrive(callback, at=site.nodes[number])
    assert (again.status_code, reason_of(again)) == (400, "state_unknown")
    assert person.is_signed_in()

    thief, mark = open_browser(site.node), site.last_event()
    for name, value in kept.items():
        thief.http.cookies.set(name, value, domain="localhost.local", path="/")
    replayed = thief.arrive(callback, at=site.nodes[number])
    assert (replayed.status_code, reason_of(replayed)) == (400, "state_reused")
    assert not thief.is_signed_in()
    assert [name for name, _ in site.events(mark)] == ["authn_token_reuse"]
    assert len(site.sessions(email)) == 1


def test_five_tabs_sign_in_at_once_and_a_sixth_takes_the_place_of_the_oldest(site: Site, open_browser: Open) -> None:
    person = open_browser(site.node)
    emails = [new_address() for _ in range(6)]
    callbacks = [person.choose(person.begin(), email) for email in emails]
    assert len(person.attempt_cookies()) == 5
    oldest = person.arrive(callbacks[0])
    assert (oldest.status_code, reason_of(oldest)) == (400, "state_unknown")
    assert 'href="/auth/login"' in oldest.text
    assert [person.arrive(callback).status_code for callback in callbacks[1:]] == [302] * 5
    assert [site.user_id(email) is None for email in emails] == [True, *[False] * 5]


def test_a_pile_of_tabs_leaves_no_pile_of_cookies(site: Site, open_browser: Open) -> None:
    person = open_browser(site.node)
    for _ in range(12):
        callback = person.choose(person.begin(), new_address())
    assert len(person.attempt_cookies()) == 5
    assert person.arrive(callback).status_code == 302


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?code=x",
        "?state=&code=x",
        "?state=x&code=x",
        "?state=a&state=b&code=x",
        "?error=access_denied",
        "?state=%00%ff&code=%F0%9F",
        # gunicorn itself refuses a request line of more than 4094 bytes.
        f"?state={'x' * 3900}",
    ],
)
def test_any_callback_is_answered_with_a_page(site: Site, open_browser: Open, query: str) -> None:
    refused = open_browser(site.node).get(f"/auth/authorize/dev{query}")
    assert refused.status_code == 400
    assert reason_of(refused) in {"state_missing", "state_unknown", "provider_answer"}


def test_a_spoilt_attempt_is_no_attempt(site: Site, open_browser: Open) -> None:
    person = open_browser(site.node)
    callback = person.choose(person.begin(), new_address())
    (name,) = person.attempt_cookies()
    good = person.cookies[name]
    for value in (good[:-2], f"{good}x", "", "x", good.replace(".", ""), "%00"):
        person.http.cookies.set(name, value, domain="localhost.local", path="/")
        refused = person.arrive(callback)
        assert (refused.status_code, reason_of(refused)) == (400, "state_unknown")
    person.http.cookies.set(name, good, domain="localhost.local", path="/")
    assert person.arrive(callback).status_code == 302


@pytest.mark.parametrize(("age", "reason"), [(MAX_AGE - 20, None), (MAX_AGE + 2, "state_expired")])
def test_an_attempt_is_open_for_ten_minutes(site: Site, open_browser: Open, age: int, reason: str | None) -> None:
    person, email = open_browser(site.node), new_address()
    callback = person.choose(person.begin(), email)
    (name,) = person.attempt_cookies()
    state = parse_qs(urlsplit(callback).query)["state"][0]
    # What the node itself would have made that long ago; nobody else has its key.
    signer = AttemptSigner([site.environment["SECRET_KEY"]])
    attempt = signer.open(person.cookies[name], state, "dev")
    with time_machine.travel(utc_now() - timedelta(seconds=age)):
        aged = signer.seal(attempt)
    person.http.cookies.set(name, aged, domain="localhost.local", path="/")
    answer = person.arrive(callback)
    assert (answer.status_code, reason_of(answer)) == ((302, None) if reason is None else (400, reason))
    assert (site.user_id(email) is None) == (reason is not None)


def test_no_node_has_failed(site: Site) -> None:
    for node in site.nodes:
        # What Flask logs of an exception that nobody expected.
        assert "Exception on" not in node.log

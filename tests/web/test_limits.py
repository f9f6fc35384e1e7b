"""Too many requests: who is counted, what is not, and what somebody is told who has to wait."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_gatehouse import Role
from flask_gatehouse.app import create_app
from flask_gatehouse.testing import sign_in_as
from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.limits import Limit
from tests.web.conftest import development, state_of

Make = Callable[..., Flask]


@pytest.fixture
def make(sqlite_url: str) -> Iterator[Make]:
    """Makes applications with limits that a test can reach."""
    with ExitStack() as stack:

        def one(**more: str) -> Flask:
            app = create_app(development(sqlite_url, **{"GATEHOUSE_RATE_LIMIT": "3 per minute", **more}))
            app.testing = True
            stack.callback(state_of(app).database.engine.dispose)
            return app

        yield one


def statuses(client: FlaskClient, path: str, times: int, **more: object) -> list[int]:
    found = []
    for _ in range(times):
        with client.get(path, **more) as answer:  # type: ignore[arg-type]
            found.append(answer.status_code)
    return found


def test_a_page_says_how_long_to_wait(make: Make) -> None:
    client = make().test_client()
    assert statuses(client, "/auth/login", 4) == [200, 200, 200, 429]
    answer = client.get("/auth/login")
    seconds = int(answer.headers["Retry-After"])
    assert 1 <= seconds <= 60
    assert re.search(r"Try again in \d+ seconds?\.", answer.text)
    assert "A little slower, please" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in answer.headers


def test_the_wait_is_told_in_minutes_where_it_is_long_and_in_the_readers_language(make: Make) -> None:
    client = make(GATEHOUSE_RATE_LIMIT="1 per hour").test_client()
    client.get("/auth/login")
    assert "Try again in 60 minutes." in client.get("/auth/login").text
    assert "60 Minuten" in client.get("/auth/login", headers={"Accept-Language": "de"}).text


def test_htmx_gets_a_message_and_a_program_gets_a_problem(make: Make) -> None:
    client = make().test_client()
    statuses(client, "/", 3)
    fragment = client.get("/auth/login", headers={"HX-Request": "true"})
    assert (fragment.status_code, "<html" in fragment.text) == (429, False)
    assert "Try again in" in fragment.text
    problem = client.get("/auth/login", headers={"Accept": "application/json"})
    assert (problem.status_code, problem.mimetype) == (429, "application/problem+json")
    assert problem.get_json()["status"] == 429
    assert int(problem.headers["Retry-After"]) >= 1


def test_static_files_and_probes_are_not_limited(make: Make) -> None:
    client = make().test_client()
    for path in ("/static/gatehouse/gatehouse.css", "/healthz", "/readyz"):
        assert statuses(client, path, 6) == [200] * 6
    assert statuses(client, "/auth/login", 3) == [200] * 3


def test_each_person_is_counted_by_herself_wherever_she_is(make: Make) -> None:
    app = make()
    one, other, nobody = app.test_client(), app.test_client(), app.test_client()
    sign_in_as(one, email="one@example.com")
    sign_in_as(other, email="other@example.com")
    assert statuses(one, "/dashboard", 4) == [200, 200, 200, 429]
    # From the same address.
    assert statuses(other, "/dashboard", 3) == [200] * 3
    assert statuses(nobody, "/auth/login", 3) == [200] * 3
    # Another session and another address do not help.
    again = app.test_client()
    sign_in_as(again, email="one@example.com")
    assert statuses(again, "/dashboard", 1, environ_base={"REMOTE_ADDR": "198.51.100.7"}) == [429]


def test_a_cookie_that_is_none_does_not_make_somebody_else(make: Make) -> None:
    app = make()
    found = []
    for number in range(4):
        client = app.test_client()
        client.set_cookie(state_of(app).session_cookie, f"{number}" * 43)
        found += statuses(client, "/auth/login", 1)
    assert found == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        # Without a proxy the header is anybody's: a new address for each request would be no limit at all.
        ("0", "203.0.113.{n}", [200, 200, 200, 429]),
        ("1", "203.0.113.{n}", [200, 200, 200, 200]),
        # What stands before the configured hops was written by the caller.
        ("1", "203.0.113.{n}, 198.51.100.1", [200, 200, 200, 429]),
        ("2", "203.0.113.{n}, 198.51.100.1", [200, 200, 200, 200]),
        # All addresses of one IPv6 line are one caller.
        ("1", "2001:db8::{n}", [200, 200, 200, 429]),
        ("1", "2001:db8:0:{n}::1", [200, 200, 200, 200]),
    ],
)
def test_forwarded_addresses_count_for_the_configured_hops_alone(
    make: Make, proxies: str, forwarded: str, expected: list[int]
) -> None:
    client = make(GATEHOUSE_TRUSTED_PROXIES=proxies).test_client()
    found = [
        client.get("/auth/login", headers={"X-Forwarded-For": forwarded.format(n=number)}).status_code
        for number in range(1, 5)
    ]
    assert found == expected


def test_steps_of_a_sign_in_have_a_limit_of_their_own_each(make: Make) -> None:
    app = make(GATEHOUSE_RATE_LIMIT="100 per minute", GATEHOUSE_RATE_LIMIT_SIGN_IN="2 per minute")
    client = app.test_client()
    assert statuses(client, "/auth/login/dev", 3) == [302, 302, 429]
    assert statuses(client, "/auth/authorize/dev", 3) == [400, 400, 429]
    assert statuses(client, "/auth/login", 3) == [200] * 3
    sign_in_as(client)
    # Confirming is counted per person: nobody in her office uses it up for her.
    assert statuses(client, "/auth/confirm", 3)[-1] == 429
    other = app.test_client()
    sign_in_as(other, email="other@example.com")
    assert statuses(other, "/auth/confirm", 1) != [429]
    assert statuses(other, "/auth/authorize/dev", 1) == [400]


def test_the_table_says_what_is_limited_and_what_is_refused_alone() -> None:
    kinds = {route.rule: route.limit for route in ROUTES if route.limit is not Limit.GENERAL}
    assert kinds == {
        "/auth/login/<provider>": Limit.SIGN_IN,
        "/auth/authorize/<provider>": Limit.SIGN_IN,
        "/auth/confirm": Limit.SIGN_IN,
    }
    assert {route.rule for route in ROUTES if route.probe} == {"/healthz", "/readyz", "/metrics"}
    # What gives or takes rights, or cannot be taken back.
    assert {
        ("/users/<int:user_id>", "PUT"),
        ("/users/<int:user_id>", "POST"),
        ("/users/<int:user_id>", "DELETE"),
        ("/users/<int:user_id>/toggle-active", "POST"),
        ("/users/bulk", "POST"),
        ("/users/invitations", "POST"),
        ("/users/invitations", "DELETE"),
        ("/dashboard/administrator", "POST"),
    } <= {(route.rule, method) for route in ROUTES for method in route.insists if method in route.may}


def test_without_redis_roles_are_not_changed_and_people_still_come_in(make: Make, tmp_path: object) -> None:
    app = make(
        REDIS_URL=f"unix://{tmp_path}/nobody.sock?password=canary",
        GATEHOUSE_RATE_LIMIT="100 per minute",
        GATEHOUSE_RATE_LIMIT_SIGN_IN="8 per minute",
    )
    client = app.test_client()
    # A quarter, as there may be other nodes.
    assert statuses(client, "/auth/login/dev", 3) == [302, 302, 429]
    boss = sign_in_as(client, Role.ADMIN, email="boss@example.com")
    other = sign_in_as(app.test_client(), email="other@example.com")
    assert client.get("/users").status_code == 200
    edit = {"name": "Other", "role": "admin", "version": "1"}
    for headers in (boss.headers, {**boss.headers, "HX-Request": "true"}):
        refused = client.put(f"/users/{other.user_id}", data=edit, headers=headers)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert "canary" not in refused.text
    assert client.delete(f"/users/{other.user_id}", headers=boss.headers).status_code == 503
    assert client.get(f"/users/{other.user_id}", headers={"Accept": "application/json"}).get_json()["role"] == "viewer"
    assert events(app, "rate_limiter_unavailable") == 1


def events(app: Flask, name: str) -> int:
    with state_of(app).database.reading() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM gatehouse_audit_events WHERE event = ?", (name,))
        return int(found.scalar_one())

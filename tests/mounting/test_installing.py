"""The first minutes: one line, a factory, a prefix, a mistake."""

from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface

from flask_gatehouse import ConfigurationError, Gatehouse, current_user, login_required
from flask_gatehouse.app import create_app
from tests.mounting.hosts import bare, configuration, host, state_of


def test_one_line_is_enough(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        client = app.test_client()
        assert client.get("/mine").location == "/gate/auth/login?next=%2Fmine"
        assert client.get("/gate/auth/login").status_code == 200
        assert client.get("/gate/readyz").get_json()["status"] == "ok"


@pytest.mark.parametrize("prefix", ["/door", "/door/", "/in/here", "/..door", "/v1.0/~gate"])
def test_a_host_chooses_where_the_gate_stands(sqlite_url: str, prefix: str) -> None:
    with host(sqlite_url, prefix=prefix) as app:
        client = app.test_client()
        place = prefix.rstrip("/")
        assert client.get("/mine").location == f"{place}/auth/login?next=%2Fmine"
        assert client.get(f"{place}/auth/login").status_code == 200
        assert client.get("/gate/auth/login").status_code == 404
        assert state_of(app).settings.external_url("/auth/login") == f"http://localhost{place}/auth/login"


def test_the_address_root_stays_the_hosts(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        rules = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("gatehouse.")}
    assert all(rule.startswith("/gate/") for rule in rules)
    assert "/" not in rules


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "door",
        "/",
        "/door?x",
        "//door",
        "https://elsewhere.example/gate",
        "/<kind>",
        "/..",
        "/.",
        "/in/../here",
        "/./",
    ],
)
def test_a_prefix_that_is_none_is_refused_with_an_example(sqlite_url: str, prefix: str) -> None:
    app = bare(sqlite_url)
    before = list(app.url_map.iter_rules())
    with pytest.raises(ValueError, match=r"such as /gate.*flask_gatehouse\.app\.create_app\(\)"):
        Gatehouse(app, url_prefix=prefix)
    assert list(app.url_map.iter_rules()) == before


def test_one_object_serves_a_factory_twice(sqlite_url: str) -> None:
    gatehouse = Gatehouse(url_prefix="/door")
    first, second = bare(sqlite_url), bare(sqlite_url)
    gatehouse.init_app(first)
    gatehouse.init_app(second)
    assert state_of(first) is not state_of(second)
    assert first not in vars(gatehouse).values()


def test_a_second_gate_is_refused_with_a_sentence_that_helps(sqlite_url: str) -> None:
    app = bare(sqlite_url)
    gatehouse = Gatehouse(app)
    before = list(app.url_map.iter_rules())
    with pytest.raises(RuntimeError, match=r"has a Gatehouse already: call init_app\(\) once"):
        gatehouse.init_app(app)
    assert list(app.url_map.iter_rules()) == before


def test_all_mistakes_are_told_at_once_and_nothing_is_half_installed() -> None:
    app = Flask("host")
    app.config.update(
        GATEHOUSE_ENV="production", SECRET_KEY="short", GATEHOUSE_SIGNUPS="open", DATABASE_URL="mysql://localhost/x"
    )
    with pytest.raises(ConfigurationError) as raised:
        Gatehouse(app)
    told = "\n".join(raised.value.problems)
    for name in ("SECRET_KEY", "GATEHOUSE_SIGNUPS", "GATEHOUSE_SIGNUP?", "DATABASE_URL", "GATEHOUSE_BASE_URL"):
        assert name in told
    assert "gatehouse" not in app.extensions
    assert "gatehouse" not in app.blueprints
    assert not app.before_request_funcs


def test_views_of_an_application_without_a_gate_say_what_is_missing() -> None:
    app = Flask("host")
    app.testing = True
    app.add_url_rule("/mine", view_func=login_required(lambda: "mine"), endpoint="mine")
    app.add_url_rule("/who", view_func=lambda: str(current_user.is_authenticated), endpoint="who")
    for path in ("/mine", "/who"):
        with pytest.raises(RuntimeError, match=r"has no Gatehouse.*Gatehouse\(app\)"):
            app.test_client().get(path)


def test_a_host_without_a_key_gets_ours_and_one_with_a_key_keeps_it(sqlite_url: str) -> None:
    app = bare(sqlite_url, SECRET_KEY=None)
    Gatehouse(app)
    assert app.secret_key == state_of(app).settings.secret_key.reveal()
    other = bare(sqlite_url)
    key = other.secret_key
    Gatehouse(other)
    assert other.secret_key == key


FORMER = ("Zq7wErT1yUiOp2AsDfGh3jKlMnBv4CxW", "Xe9rTyU3iOpLkJh5GfDsA1zXcVbNm7Qw")
CHARACTERS = sorted({*"".join(FORMER), ",", " "})


def believed(app: Flask, keys: Iterable[str]) -> set[str]:
    """Return with which of these keys somebody else signs a session that a host's view takes for its own."""
    app.add_url_rule("/kept", view_func=lambda: dict(session), endpoint="kept")
    found = set()
    for key in keys:
        client, forger = app.test_client(), Flask("host")
        forger.secret_key = key
        serializer = SecureCookieSessionInterface().get_signing_serializer(forger)
        assert serializer is not None
        client.set_cookie(app.config["SESSION_COOKIE_NAME"], str(serializer.dumps({"role": "admin"})))
        if client.get("/kept").get_json() == {"role": "admin"}:
            found.add(key)
    return found


@pytest.mark.parametrize("written", [",".join(FORMER), f" {FORMER[0]} , {FORMER[1]}", list(FORMER), FORMER])
@pytest.mark.parametrize("key", [{}, {"SECRET_KEY": None}], ids=["its-key", "our-key"])
def test_former_keys_are_keys_to_flask_too_and_their_characters_are_none(
    sqlite_url: str, written: object, key: dict[str, Any]
) -> None:
    app = bare(sqlite_url, SECRET_KEY_FALLBACKS=written, **key)
    Gatehouse(app)
    assert believed(app, (*FORMER, *CHARACTERS)) == set(FORMER)


@pytest.mark.parametrize("written", ["", " ", ",", " , "])
def test_no_former_key_is_none_to_flask_too(sqlite_url: str, written: str) -> None:
    app = bare(sqlite_url, SECRET_KEY_FALLBACKS=written)
    Gatehouse(app)
    assert not believed(app, CHARACTERS)


def test_the_standalone_applications_own_session_is_signed_with_no_character_either(sqlite_url: str) -> None:
    app = create_app(configuration(sqlite_url, SECRET_KEY_FALLBACKS=",".join(FORMER)))
    assert believed(app, (*FORMER, *CHARACTERS)) == set(FORMER)
    state_of(app).database.engine.dispose()

"""Applications that share a process, and requests that share a context, share nothing else."""

from pathlib import Path
from typing import Any

import flask_login
import pytest
from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from flask_gatehouse import Role, audit, current_user, login_required
from flask_gatehouse.kernel.context import current_actor, current_session
from flask_gatehouse.testing import attach_provider, sign_in_as, sign_in_through_provider
from tests.mounting.hosts import events, host, shared, state_of

OTHER_KEY = "Zq7wErT1yUiOp2AsDfGh3jKlMnBv4CxW"


@pytest.fixture
def hosts(sqlite_url: str, postgresql_url: str) -> Any:
    with (
        host(sqlite_url, GATEHOUSE_IDLE_TIMEOUT="10m") as first,
        host(
            postgresql_url,
            prefix="/door",
            SECRET_KEY=OTHER_KEY,
            GATEHOUSE_OIDC_CORP_ISSUER="https://corp.example",
            GATEHOUSE_OIDC_CORP_CLIENT_ID="id",
            GATEHOUSE_OIDC_CORP_CLIENT_SECRET="secret",
            GATEHOUSE_APP_NAME="Other",
        ) as second,
    ):
        yield first, second


def test_settings_and_providers_are_each_ones_own(hosts: tuple[Flask, Flask]) -> None:
    first, second = map(state_of, hosts)
    assert first.settings.idle_timeout != second.settings.idle_timeout
    assert (list(first.providers), list(second.providers)) == ([], ["corp"])
    attach_provider(hosts[0])
    assert (list(first.providers), list(second.providers)) == (["dev"], ["corp"])
    assert b"Other" in hosts[1].test_client().get("/door/auth/login").data
    assert b"Other" not in hosts[0].test_client().get("/gate/auth/login").data


def test_a_session_of_one_opens_nothing_in_the_other(hosts: tuple[Flask, Flask]) -> None:
    first, second = (app.test_client() for app in hosts)
    sign_in_as(first, Role.ADMIN)
    cookie = first.get_cookie("gatehouse")
    assert cookie is not None
    second.set_cookie("gatehouse", cookie.value)
    assert first.get("/administrators").status_code == 200
    assert second.get("/administrators").status_code == 302
    assert second.get("/").text == "False"


def test_a_token_of_one_changes_nothing_in_the_other(hosts: tuple[Flask, Flask]) -> None:
    first, second = (app.test_client() for app in hosts)
    tokens = [sign_in_as(client, email="ada@example.com") for client in (first, second)]
    assert [client.post("/change", headers=tokens[0].headers).status_code for client in (first, second)] == [200, 400]
    assert [client.post("/change", headers=tokens[1].headers).status_code for client in (first, second)] == [400, 200]


def test_an_attempt_of_one_completes_nothing_in_the_other(sqlite_url: str, postgresql_url: str) -> None:
    with host(sqlite_url) as first, host(postgresql_url, SECRET_KEY=OTHER_KEY) as second:
        attach_provider(first)
        attach_provider(second)
        browser = first.test_client()
        browser.get("/gate/auth/login/dev")
        attempt = next(iter(cookie for cookie in browser._cookies.values() if "attempt" in cookie.key))
        other = second.test_client()
        other.set_cookie(attempt.key, attempt.value)
        state = state_of(second)
        answer = other.get("/gate/auth/authorize/dev", query_string={"state": "x", "code": "y"})
        assert answer.status_code == 400
        assert "state_unknown" in answer.text
        assert list(state.providers) == ["dev"]


def test_a_request_within_another_applications_context_is_its_own(hosts: tuple[Flask, Flask]) -> None:
    first, second = hosts
    with first.app_context():
        client = second.test_client()
        sign_in_as(client, email="bob@example.com")
        assert client.get("/mine").text == "bob@example.com"
        assert current_app == first
        assert first.test_client().get("/mine").status_code == 302


def test_requests_within_one_context_share_no_person(hosts: tuple[Flask, Flask]) -> None:
    app = hosts[0]
    app.add_url_rule("/who", view_func=lambda: str(getattr(flask_login.current_user, "email", None)), endpoint="who")
    ada, bob, nobody = app.test_client(), app.test_client(), app.test_client()
    with app.app_context():
        sign_in_as(ada, email="ada@example.com")
        sign_in_as(bob, Role.ADMIN, email="bob@example.com")
        for path in ("/mine", "/who"):
            assert ada.get(path).text == "ada@example.com"
            assert bob.get(path).text == "bob@example.com"
        assert nobody.get("/mine").status_code == 302
        assert nobody.get("/who").text == "None"
        assert ada.get("/administrators").status_code == 403


def test_an_application_called_within_a_request_decides_for_itself(hosts: tuple[Flask, Flask]) -> None:
    outer, inner = hosts

    def forward() -> ResponseReturnValue:
        before = str(current_user.email)
        answer = Response.from_app(inner, {**request.environ, "PATH_INFO": "/mine"}, buffered=True)
        nested = Response.from_app(inner, request.environ | {"PATH_INFO": "/"}, buffered=True)
        with inner.app_context():
            borrowed = current_user.is_authenticated
        return {
            "before": before,
            "mine": answer.status_code,
            "home": nested.get_data(as_text=True),
            "borrowed": borrowed,
            "after": str(current_user.email),
        }

    outer.add_url_rule("/forward", view_func=login_required(forward), endpoint="forward")
    client = outer.test_client()
    sign_in_as(client, email="ada@example.com")
    assert client.get("/forward").get_json() == {
        "before": "ada@example.com",
        "mine": 302,
        "home": "False",
        "borrowed": False,
        "after": "ada@example.com",
    }


def test_a_request_within_a_request_leaves_the_outer_ones_actor(sqlite_url: str) -> None:
    with shared("flask_sqlalchemy", sqlite_url) as (app, db, _engine):

        def nest() -> ResponseReturnValue:
            app.test_client().get("/plain")
            audit.record("outer.event")
            db.session.commit()
            return "done"

        app.add_url_rule("/nest", view_func=login_required(nest), endpoint="nest")
        client = app.test_client()
        who = sign_in_as(client)
        assert client.get("/nest").status_code == 200
        assert events(app, "outer.event") == [(who.user_id, "user", None, None)]
        assert (current_actor.get(), current_session.get()) == (None, None)


@pytest.mark.parametrize("path", ["/plain", "/mine", "/nowhere", "/gate/auth/login", "/breaks"])
def test_nothing_of_a_request_is_left_behind(sqlite_url: str, path: str) -> None:
    with host(sqlite_url) as app:
        app.testing = False
        app.add_url_rule("/breaks", view_func=lambda: {}["x"], endpoint="breaks")
        attach_provider(app)
        client = app.test_client()
        with app.app_context():
            client.get(path)
            sign_in_through_provider(client, email="ada@example.com", name="Ada")
        assert (current_actor.get(), current_session.get()) == (None, None)


def test_development_keys_belong_to_a_folder(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        with host(sqlite_url, SECRET_KEY=None) as app:
            keys.append(state_of(app).keys)
    assert keys[0] != keys[1]

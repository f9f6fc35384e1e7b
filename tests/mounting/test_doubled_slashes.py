"""No address of ours with a doubled slash leads on: Flask would lead it to whatever a caller says is the host."""

from collections.abc import Iterator

import pytest
from flask import Flask

from flask_gatehouse.app import create_app
from flask_gatehouse.testing import attach_provider
from tests.mounting.hosts import configuration, host, state_of


@pytest.fixture(params=["", "/gate"])
def app(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Flask]:
    if request.param:
        with host(sqlite_url, prefix=request.param) as app:
            attach_provider(app)
            yield app
    else:
        app = create_app(configuration(sqlite_url))
        app.testing = True
        yield app
        state_of(app).database.engine.dispose()


def addresses(app: Flask) -> Iterator[str]:
    """Yield of each route of ours its address with each of its slashes twice, one after the other."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(("gatehouse.", "gatehouse_dev.")):
            address = app.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, 3))
            places = [place for place, letter in enumerate(address) if letter == "/"]
            yield from (f"{address[:place]}/{address[place:]}" for place in places)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_nothing_leads_to_a_host_that_a_caller_names(app: Flask, method: str) -> None:
    browser, asked = app.test_client(), list(addresses(app))
    assert len(asked) > 100
    answers = {path: browser.open(path, method=method, headers={"Host": "evil.example"}) for path in asked}
    told = {path: f"{answer.headers} {answer.text}" for path, answer in answers.items()}
    assert not [path for path, text in told.items() if "evil.example" in text]
    assert not [path for path, answer in answers.items() if answer.status_code in {301, 307, 308}]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/users//3", "/auth//login", "/static//gatehouse/gatehouse.css", "/users/3//"])
def test_such_an_address_is_nobodys(app: Flask, method: str, path: str) -> None:
    path = state_of(app).settings.url_prefix + path
    answer = app.test_client().open(path, method=method, headers={"Host": "evil.example"})
    # Werkzeug counts which methods the address without it would take, and leads nowhere.
    assert answer.status_code == (404 if method == "GET" or "users" in path else 405)
    assert "Location" not in answer.headers

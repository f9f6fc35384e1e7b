"""Production is reached by https alone; what was sent in the open is not carried on silently."""

import logging
from collections.abc import Iterator

import pytest
from flask import Flask

from flask_gatehouse.app import create_app
from tests.mounting.hosts import host
from tests.web.conftest import development, running

HTTP, HTTPS = "http://app.example.com", "https://app.example.com"


def production(sqlite_url: str, proxies: int) -> Flask:
    return create_app(
        development(
            sqlite_url,
            GATEHOUSE_ENV="production",
            GATEHOUSE_BASE_URL=HTTPS,
            GATEHOUSE_TRUSTED_PROXIES=str(proxies),
        )
    )


@pytest.fixture
def behind_one(sqlite_url: str) -> Iterator[Flask]:
    yield from running(production(sqlite_url, 1))


@pytest.fixture
def behind_two(sqlite_url: str) -> Iterator[Flask]:
    yield from running(production(sqlite_url, 2))


@pytest.mark.parametrize("path", ["/", "/auth/login?next=%2Fusers", "/nowhere", "/static/gatehouse/gatehouse.css"])
def test_pages_lead_to_themselves_by_https_at_the_base_url(production_app: Flask, path: str) -> None:
    answer = production_app.test_client().get(path, base_url="http://evil.example")
    assert (answer.status_code, answer.location) == (308, HTTPS + path)
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize(
    ("method", "headers"),
    [("POST", {}), ("GET", {"Accept": "application/json"}), ("GET", {"HX-Request": "true"}), ("DELETE", {})],
)
def test_what_no_person_would_notice_is_refused(production_app: Flask, method: str, headers: dict[str, str]) -> None:
    answer = production_app.test_client().open("/auth/logout", method=method, base_url=HTTP, headers=headers)
    assert answer.status_code == 403
    assert "Only by https" in answer.text or "without encryption" in answer.text


def test_probes_are_asked_beside_the_proxy(production_app: Flask) -> None:
    client = production_app.test_client()
    assert [client.get(path, base_url=HTTP).status_code for path in ("/healthz", "/readyz")] == [200, 200]


def status(app: Flask, proto: str | None) -> int:
    headers = {} if proto is None else {"X-Forwarded-Proto": proto}
    return app.test_client().get("/auth/login", base_url=HTTP, headers=headers).status_code


def test_the_configured_hops_are_believed_and_nobody_else(
    production_app: Flask, behind_one: Flask, behind_two: Flask
) -> None:
    assert [status(production_app, proto) for proto in ("https", None)] == [308, 308]
    said = {"https": 200, "HTTPS": 200, "http": 308, "https, http": 308, "http, https": 200, "": 308}
    assert {proto: status(behind_one, proto) for proto in said} == said
    # The outer one of two; most proxies write the header anew, so that there may be one for both.
    said = {"https, http": 200, "http, https": 308, "https": 200, "https, http, http": 308}
    assert {proto: status(behind_two, proto) for proto in said} == said


def test_an_operator_who_forgot_the_proxy_is_told_once(production_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            status(production_app, "https")
    told = [record.getMessage() for record in caplog.records if "GATEHOUSE_TRUSTED_PROXIES" in record.getMessage()]
    assert len(told) == 1


def test_development_and_hosts_decide_for_themselves(app: Flask, sqlite_url: str) -> None:
    assert status(app, None) == 200
    with host(sqlite_url, GATEHOUSE_ENV="production", GATEHOUSE_BASE_URL=HTTPS) as other:
        assert other.test_client().get("/gate/auth/login", base_url=HTTP).status_code == 200
        assert other.test_client().get("/plain", base_url=HTTP).status_code == 200


@pytest.mark.parametrize(
    ("told", "kept"),
    [("proxy-2c1f0e", True), ("0b6f9f3e-0f7e-4c7a-9d3c-0d1f8a5b7c9e", True)]
    + [(told, False) for told in ("", "short", "x" * 37, "a b c d e f g", "line\tbreaks", "<script>x</script>")],
)
def test_a_request_keeps_the_name_that_a_proxy_gave_it(
    production_app: Flask, behind_one: Flask, told: str, kept: bool
) -> None:
    for app, believes in ((behind_one, True), (production_app, False)):
        answer = app.test_client().get("/healthz", base_url=HTTPS, headers={"X-Request-ID": told})
        assert (answer.headers["X-Request-ID"] == told) is (kept and believes)
        assert len(answer.headers["X-Request-ID"]) >= 8

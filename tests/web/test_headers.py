"""Headers of every answer: the same on pages, errors, fragments and static files."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_gatehouse.testing import sign_in_as

HTTPS = "https://app.example.com"
ADDRESSES = [
    "/auth/login",
    "/dashboard",
    "/nowhere",
    "/healthz",
    "/static/gatehouse/gatehouse.css",
    "/auth/login/nobody",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_headers_are_everywhere(client: FlaskClient, address: str) -> None:
    with client.get(address) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Permissions-Policy" in headers
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("address", ADDRESSES)
def test_production_insists_on_https(production_app: Flask, address: str) -> None:
    with production_app.test_client().get(address, base_url=HTTPS) as answer:
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"


def test_what_depends_on_the_person_stays_out_of_caches(client: FlaskClient) -> None:
    sign_in_as(client)
    answer = client.get("/dashboard")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["/static/gatehouse/nothing.css", "/static/gatehouse/../x", "/static/gatehouse/"])
def test_a_file_that_is_not_there_stays_out_of_caches(client: FlaskClient, path: str) -> None:
    """A cache that keeps such an answer would go on saying it after the update that brings the file."""
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


def test_a_file_that_is_there_may_be_kept(client: FlaskClient) -> None:
    with client.get("/static/gatehouse/gatehouse.css") as answer:
        assert answer.headers["Cache-Control"] != "no-store"


def test_what_a_page_names_is_kept_for_a_year_and_never_as_something_else(production_app: Flask) -> None:
    client = production_app.test_client()

    def kept(address: str) -> set[str]:
        with client.get(address, base_url="https://localhost") as answer:
            assert answer.status_code == 200
            return set(answer.headers["Cache-Control"].split(", "))

    page = client.get("/auth/login", base_url="https://localhost").text
    addresses = set(re.findall(r'"(/static/gatehouse/[^"#]+)', page))
    assert len(addresses) >= 4
    for address in addresses:
        assert kept(address) == {"public", "max-age=31536000", "immutable"}
        # That of another release, which this process does not have.
        assert "immutable" not in kept(address[:-1] + ("0" if address[-1] != "0" else "1"))
        assert "immutable" not in kept(address.partition("?")[0])


def test_an_ordinary_page_sets_no_cookie(client: FlaskClient) -> None:
    sign_in_as(client)
    assert "Set-Cookie" not in client.get("/dashboard").headers
    assert "Set-Cookie" not in client.get("/auth/login").headers


def test_the_session_cookie_is_as_strict_as_it_can_be(production_app: Flask) -> None:
    client = production_app.test_client()
    who = sign_in_as(client)
    answer = client.post("/auth/logout", headers=who.headers, base_url="https://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-gatehouse=;")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in cookie
    assert "Domain" not in cookie


def test_a_cookie_named_like_ours_by_a_sibling_is_not_read(production_app: Flask) -> None:
    client = production_app.test_client()
    sign_in_as(client)
    stolen = client.get_cookie("__Host-gatehouse")
    assert stolen is not None
    planted = f"=__Host-gatehouse={stolen.value}"
    answer = production_app.test_client().get("/dashboard", base_url=HTTPS, headers={"Cookie": planted})
    assert (answer.status_code, answer.location) == (302, "/auth/login?next=%2Fdashboard")

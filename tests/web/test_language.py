"""Pages speak the language of their reader, and programs always hear the same one."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_gatehouse import Role
from flask_gatehouse.testing import sign_in_as
from flask_gatehouse.web.language import number, plural
from flask_gatehouse.web.moments import ago, moment, relative

GERMAN = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.5"}
PAGES = ("/dashboard", "/users", "/users/{id}", "/users/invitations", "/account", "/auth/logout", "/nowhere")
# What both languages write alike: names, addresses, numbers, and these words.
ALIKE = {
    *("Gatehouse", "Name", "Status", "404", "Esc", "Enter", "E", "/", "↓", "↑"),
    *("Ada", "AA", "A", "Admin", "Testing", "ada", "Ada · Gatehouse"),
}


class Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.found |= {value for name, value in attributes if name in {"aria-label", "placeholder"} and value}

    def handle_data(self, data: str) -> None:
        if self.inside != "code":
            self.found.add(data.strip())


def words(html: str) -> set[str]:
    parser = Words()
    parser.feed(html)
    return {found for found in parser.found if re.search(r"[A-Za-z]{2}", found) and "@" not in found}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in_as(client, Role.ADMIN, email="ada@example.com", name="Ada")
    return client


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_english_remainder(app: Flask, client: FlaskClient, path: str) -> None:
    me = client.get("/account", headers={"Accept": "application/json"}).json
    assert me is not None
    address = path.format(id=me["user"]["id"])
    english, german = client.get(address), client.get(address, headers=GERMAN)
    assert '<html lang="en">' in english.text
    assert '<html lang="de">' in german.text
    assert (german.headers["Content-Language"], "Accept-Language" in german.vary) == ("de", True)
    assert {found for found in words(english.text) & words(german.text) if found not in ALIKE} == set()


def test_what_htmx_puts_into_a_page_speaks_its_language(client: FlaskClient) -> None:
    row = client.get("/users", headers=GERMAN | {"HX-Request": "true"}).text
    assert "1 Person" in row
    assert "Letzte Anmeldung" in row
    refused = client.get("/users?sort=x", headers=GERMAN | {"HX-Request": "true"})
    assert (refused.status_code, "Diese Liste kennt nicht" in refused.text) == (422, True)


def test_programs_always_hear_english(client: FlaskClient) -> None:
    told = client.get("/users?sort=x", headers=GERMAN | {"Accept": "application/json"}).json
    assert told is not None
    assert told["detail"] == "This list does not know what was asked for."


@pytest.mark.parametrize(
    ("asked", "given"),
    [("fr", "en"), ("fr,de;q=0.1", "de"), ("", "en"), ("de;q=0,en", "en"), ("*", "en"), ("x" * 999, "en")],
)
def test_the_best_of_what_we_have(client: FlaskClient, asked: str, given: str) -> None:
    page = client.get("/dashboard", headers={"Accept-Language": asked})
    assert f'<html lang="{given}">' in page.text


def test_an_anonymous_person_reads_her_language_too(app: Flask) -> None:
    page = app.test_client().get("/auth/login?notice=expired", headers=GERMAN).text
    assert "Anmelden bei Gatehouse" in page
    assert "Ihre Sitzung ist abgelaufen" in page


def test_names_are_escaped_inside_of_a_sentence(app: Flask, client: FlaskClient) -> None:
    other = app.test_client()
    sign_in_as(other, email="eve@example.com", name="<b>Eve & Co</b>")
    for headers in ({}, GERMAN):
        page = client.get("/users", headers=headers).text
        assert "<b>Eve" not in page
        assert "&lt;b&gt;Eve &amp; Co" in page


def test_numbers_and_moments_are_written_as_the_language_writes_them(app: Flask) -> None:
    afternoon = datetime(2026, 11, 24, 15, 4, 5, tzinfo=UTC)
    with app.test_request_context(headers=GERMAN):
        assert number(1_234_567) == "1.234.567"
        assert "1.234 Personen wurden" in plural("1 user was changed.", "%(count)s users were changed.", 1234)
        assert 'title="24.11.2026, 15:04:05 UTC"' in ago(afternoon)
        assert ">24. Nov. 2026, 15:04 UTC<" in moment(afternoon)
        assert relative(3 * 86_400) == "vor 3 Tagen"
    with app.test_request_context():
        assert number(1_234_567) == "1,234,567"
        assert 'title="2026-11-24, 15:04:05 UTC"' in ago(afternoon)
        assert ">24 Nov 2026, 15:04 UTC<" in moment(afternoon)


def test_the_embedded_providers_pages_are_english_throughout(app: Flask) -> None:
    page = app.test_client().get("/dev/provider/end-session", headers=GERMAN)
    assert '<html lang="en">' in page.text
    assert page.headers["Content-Language"] == "en"
    assert "Skip to content" in page.text

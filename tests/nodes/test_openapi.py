"""The document against the running application: schemathesis makes requests of it, and holds the answers to it."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import text

from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.operations import OPERATIONS, PAGES_ONLY
from tests.nodes.people import SESSION_COOKIE, Browser, csrf_token_of
from tests.nodes.sites import Site, running_site

# Not ``negative_data_rejection`` in general: who is no administrator is refused before what she sent is looked at, a
# form has no types, a browser may send fields that we do not know, and what is no id of anybody is simply not found.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
PATHS = {(route.endpoint, method): route.rule for route in ROUTES for method in route.may}
EXAMPLES = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True, slots=True)
class Api:
    """The document of a running site, and people who are signed in there."""

    site: Site
    schema: Any
    people: dict[str, Browser]

    def ids(self) -> list[int]:
        with self.site.database.reading() as connection:
            return list(connection.scalars(text("SELECT id FROM gatehouse_users ORDER BY id LIMIT 5")))


@pytest.fixture(scope="module")
def api(place: str) -> Iterator[Api]:
    with running_site(place) as site:
        people = {name: Browser(site.node) for name in ("admin", "viewer", *(f"person{n}" for n in range(6)))}
        for name, browser in people.items():
            assert browser.sign_in(f"{name}@example.com").status_code == 302
        assert site.command("create-admin", "admin@example.com").returncode == 0
        document = people["admin"].get("/openapi.json")
        yield Api(site, schemathesis.openapi.from_dict(document.json()), people)
        for browser in people.values():
            browser.close()


def send(api: Api, who: str, case: Case) -> None:
    browser = api.people[who]
    token = csrf_token_of(browser.get("/dashboard"))
    cookies = {SESSION_COOKIE: browser.http.cookies[SESSION_COOKIE]}
    headers = {"X-CSRFToken": token, "Accept": "application/json"}
    answer = case.call(base_url=api.site.node.base_url, headers=headers, cookies=cookies, timeout=20)
    case.validate_response(answer, checks=CHECKS)


@pytest.mark.parametrize("who", ["admin", "viewer"])
@pytest.mark.parametrize(("endpoint", "method"), sorted(OPERATIONS))
def test_answers_are_as_described(api: Api, endpoint: str, method: str, who: str) -> None:
    operation = operation_of(api, endpoint, method)
    known = api.ids()

    @EXAMPLES
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        case: Case = data.draw(operation.as_strategy(generation_mode=mode))
        if "user_id" in case.path_parameters and data.draw(st.booleans()):
            case.path_parameters["user_id"] = data.draw(st.sampled_from(known))
        send(api, who, case)

    ask()


@pytest.mark.parametrize("parameter", ["role", "status", "sort", "after"])
def test_a_list_refuses_what_it_does_not_know(api: Api, parameter: str) -> None:
    answer = api.people["admin"].get(
        f"/users?{parameter}={secrets.token_hex(4)}", headers={"Accept": "application/json"}
    )
    case = operation_of(api, "users", "GET").Case(query={parameter: "x"})
    case.validate_response(answer, checks=[*CHECKS, negative_data_rejection])
    assert answer.status_code == 400


def test_nobody_reads_it_who_is_not_signed_in(api: Api) -> None:
    browser = Browser(api.site.node)
    answer = browser.get("/openapi.json", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    browser.close()


def test_every_route_is_described_or_a_page() -> None:
    declared = {(route.endpoint, method) for route in ROUTES for method in route.may}
    assert declared == OPERATIONS.keys() | PAGES_ONLY
    assert not OPERATIONS.keys() & PAGES_ONLY


def operation_of(api: Api, endpoint: str, method: str) -> Any:
    path = PATHS[endpoint, method].replace("<int:user_id>", "{user_id}").replace("<session_id>", "{session_id}")
    return api.schema[path][method]

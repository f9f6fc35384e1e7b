"""The document of the JSON side: valid, of this version, and right about where the gate is mounted."""

import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from schemathesis.specs.openapi.definitions import OPENAPI_31

from flask_gatehouse import Role
from flask_gatehouse.testing import sign_in_as
from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.operations import OPERATIONS
from tests.mounting.hosts import JSON, host


def document_of(app: Flask, prefix: str = "/gate") -> dict[str, Any]:
    client = app.test_client()
    sign_in_as(client, Role.VIEWER)
    answer = client.get(f"{prefix}/openapi.json", headers=JSON)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found: dict[str, Any] = answer.get_json()
    return found


@pytest.mark.parametrize("prefix", ["/gate", "/door/way"])
@pytest.mark.parametrize("root", ["", "/app"])
def test_addresses_begin_where_the_gate_is_mounted(sqlite_url: str, prefix: str, root: str) -> None:
    with host(sqlite_url, prefix=prefix, APPLICATION_ROOT=root or "/") as app:
        document = document_of(app, prefix)
        assert document["servers"] == [{"url": f"http://localhost{root}{prefix}"}]
        assert {"/users", "/users/{user_id}", "/account/sessions/{session_id}", "/openapi.json"} <= set(
            document["paths"]
        )
        # What belongs to the host is the host's to describe.
        assert not {"/", "/mine", "/plain", f"{prefix}/users"} & set(document["paths"])


def test_it_is_valid_and_names_the_version(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        document = document_of(app)
    jsonschema_rs.validator_for(OPENAPI_31).validate(document)
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"})
    assert document["openapi"].startswith("3.1.")
    project = tomllib.loads((Path(__file__).parent.parent.parent / "pyproject.toml").read_text())["project"]
    assert document["info"]["version"] == project["version"]


def test_every_refusal_of_the_contract_is_a_problem(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        document = document_of(app)
    put, lists = document["paths"]["/users/{user_id}"]["put"], document["paths"]["/users"]["get"]
    assert set(put["responses"]) == {"200", "400", "401", "403", "404", "409", "413", "415", "422", "429", "503"}
    assert put["security"] == [{"session": []}]
    assert [one["name"] for one in put["parameters"] if one["required"]] == ["user_id", "X-CSRFToken"]
    assert [one["name"] for one in lists["parameters"]] == ["q", "role", "status", "sort", "after"]
    log = [one["name"] for one in document["paths"]["/admin/audit-logs"]["get"]["parameters"]]
    assert {"before", "after"} <= set(log)
    assert set(document["components"]["responses"]["Problem"]["content"]) == {"application/problem+json"}
    for status in ("429", "503"):
        assert lists["responses"][status] == {"$ref": "#/components/responses/Later"}


def test_every_route_is_described_or_a_page() -> None:
    declared = {(route.endpoint, method) for route in ROUTES for method in route.may}
    pages = {(route.endpoint, method) for route in ROUTES for method in route.pages}
    assert declared == OPERATIONS.keys() | pages | NO_PAGES
    # Whatever is for people alone refuses a program.
    assert not OPERATIONS.keys() & (pages | NO_PAGES)
    assert not pages & NO_PAGES


# What has no page of its own either: it leads elsewhere, or is a file, or text, or a form that means another method.
# The page for signing in answers whoever is led to it, and leads on whoever is signed in.
NO_PAGES = {
    *((endpoint, "GET") for endpoint in ("index", "sign_in", "begin_sign_in", "finish_sign_in", "confirm", "metrics")),
    ("audit_export", "GET"),
    *((endpoint, "POST") for endpoint in ("user", "end_session", "end_other_sessions", "unlink_identity")),
}

"""The matrix of docs/reference/who-may.tsv: actor, method, route, status. It is the documentation and the test's input.

What a request records is among the events that the reference lists for its route.

``{own}`` is the actor, ``{other}`` somebody else, ``{session}`` somebody else's session, ``{event}`` one of the trail,
``{identity}`` a way to sign in that nobody has.
Changes carry the token and fields that would do; the answers are those that a page gets. A route that is missing from
the file fails. ``confirmation`` says what is refused to somebody who may, and has not proved lately who she is.
"""

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from flask_gatehouse import Role
from flask_gatehouse.accounts.service import change_role, toggle_active
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import SYSTEM
from flask_gatehouse.kernel.identifiers import LARGEST_ID
from flask_gatehouse.signals import RecordedEvent, event_recorded
from flask_gatehouse.testing import SignedIn, sign_in_as
from flask_gatehouse.web import ROUTES
from tests.web.conftest import state_of
from tools.documentation.recorded import ANYWHERE, BY_ROUTES

ROWS = list(
    csv.DictReader(
        (Path(__file__).parents[2] / "docs/reference/who-may.tsv").read_text(encoding="utf-8").splitlines(),
        delimiter="\t",
    )
)
ACTORS = ("anonymous", "viewer", "editor", "admin")
FIELDS = {
    "name": "A Name",
    "version": "1",
    "user": "1",
    "change": "activate",
    "email": "new@example.com",
    "role": "viewer",
    "part": "roles",
    "decision": "confirm",
}
# Of what needs a confirmation only sometimes, that which does.
SENSITIVE = FIELDS | {"role": "admin", "change": "role", "new_role": "admin"}


# What a form may say there; it may say nothing where nothing is read.
TAKEN = {
    "POST /users/bulk": {"change", "new_role", "user"},
    "POST /users/invitations": {"email", "role"},
    "PUT /users/{own}": {"name", "role", "version"},
    "PUT /users/{other}": {"name", "role", "version"},
    "POST /admin/access-review": {"part", "decision", "user"},
}


def sent_to(row: dict[str, str], fields: dict[str, str]) -> dict[str, str]:
    """Return the fields that a route takes: it refuses others."""
    taken = TAKEN.get(f"{row['method']} {row['path']}", set())
    return {name: value for name, value in fields.items() if name in taken}


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['method']} {row['path']}")
def test_the_matrix_holds(app: Flask, row: dict[str, str], actor: str) -> None:
    other = sign_in_as(app.test_client(), email="other@example.com", name="Other")
    client = app.test_client()
    who = SignedIn(0, "", "") if actor == "anonymous" else sign_in_as(client, Role(actor), email="own@example.com")
    # As the worker does; an export proves nothing before.
    Sealer(state_of(app).database, "localhost").seal()
    path = row["path"].format(
        own=who.user_id, other=other.user_id, session=other.session_id, event=1, identity=LARGEST_ID
    )
    fields = sent_to(row, FIELDS) if row["method"] != "PUT" else {"name": "A Name", "version": "1"}
    recorded: list[str] = []

    def note(sender: Flask, event: RecordedEvent) -> None:
        recorded.append(event.name)

    with event_recorded.connected_to(note, app):
        if row["method"] == "GET":
            answer = client.get(path)
        else:
            answer = client.open(path, method=row["method"], data=fields, headers=who.headers)
    assert answer.status_code == int(row[actor])
    rule = app.url_map.bind("localhost").match(path, row["method"], return_rule=True)[0].rule
    assert {*recorded} <= {*BY_ROUTES.get((rule, row["method"]), ()), *ANYWHERE}
    if answer.status_code == 302 and actor == "anonymous" and row["path"] not in {"/", "/auth/login/dev"}:
        assert answer.location.startswith("/auth/login")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['method']} {row['path']}")
def test_the_matrix_says_what_an_open_browser_is_not_enough_for(app: Flask, row: dict[str, str]) -> None:
    other = sign_in_as(app.test_client(), email="other@example.com", name="Other")
    client, long_ago = app.test_client(), utc_now() - timedelta(hours=1)
    who = sign_in_as(client, Role.ADMIN, email="own@example.com", proved_at=long_ago)
    path = row["path"].format(
        own=who.user_id, other=other.user_id, session=other.session_id, event=1, identity=LARGEST_ID
    )
    fields = sent_to(row, SENSITIVE | {"user": str(other.user_id)})
    if row["method"] == "POST" and row["path"] == "/users/{other}":
        fields = {"_method": "delete"}
    if row["path"] == "/users/{other}/toggle-active":
        with state_of(app).database.transaction() as db:
            change_role(db, other.user_id, Role.ADMIN, actor=SYSTEM)
            toggle_active(db, other.user_id, wanted=False, actor=SYSTEM)
    answer = client.open(path, method=row["method"], data=fields, headers=who.headers | {"HX-Request": "true"})
    asked = "gatehouse:confirm" in answer.headers.get("HX-Trigger", "")
    assert asked is bool(row["confirmation"])
    always = {(_rule(route.rule), method) for route in ROUTES for method in route.confirmed}
    if (_rule(row["path"]), row["method"]) in always and row["path"] != "/users/{own}":
        assert row["confirmation"] == "always"


def test_no_route_is_missing() -> None:
    listed = {(_rule(row["path"]), row["method"]) for row in ROWS}
    assert listed == {(_rule(route.rule), method) for route in ROUTES for method in route.may}


def _rule(path: str) -> str:
    for mark in ("<int:user_id>", "{own}", "{other}"):
        path = path.replace(mark, "{user}")
    for mark in ("<session_id>", "{session}"):
        path = path.replace(mark, "{session}")
    examples = {
        "<provider>": "dev",
        "<int:number>": "{event}",
        "<token>": "nonsense",
        "<int:identity_id>": "{identity}",
    }
    for mark, example in examples.items():
        path = path.replace(mark, example)
    return path

"""What a host's pages are answered with, and what stays the host's."""

import pytest
from flask import Flask, Response, abort
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue

from flask_gatehouse import Role, current_user, login_required
from flask_gatehouse.testing import sign_in_as
from tests.mounting.hosts import HTMX, JSON, events, host

OURS = {
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Content-Security-Policy",
    "X-Frame-Options",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Strict-Transport-Security",
    "Cache-Control",
    "Vary",
}
CAREFUL = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
GENERIC = {"Cache-Control": "public, max-age=60", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "other"}


@pytest.fixture
def app(sqlite_url: str) -> ResponseReturnValue:
    with host(sqlite_url) as app:
        app.testing = False

        @app.errorhandler(404)
        def missing(error: Exception) -> ResponseReturnValue:
            return "the host's 404", 404

        @app.errorhandler(500)
        def broken(error: Exception) -> ResponseReturnValue:
            return "the host's 500", 500

        @app.errorhandler(403)
        def forbidden(error: Exception) -> ResponseReturnValue:
            return "the host's 403", 403

        @app.get("/breaks")
        def breaks() -> ResponseReturnValue:
            return str({}["x"])

        @app.get("/fails/<int:status>")
        @login_required
        def fails(status: int) -> ResponseReturnValue:
            abort(status)

        @app.get("/own-headers")
        @login_required
        def own_headers() -> ResponseReturnValue:
            return Response("mine", headers={**GENERIC, "Vary": "Accept-Language"})

        @app.get("/late-headers")
        @login_required
        def late_headers() -> ResponseReturnValue:
            return "late"

        @app.after_request
        def add(response: Response) -> Response:
            if response.get_data() == b"late":
                response.headers["Referrer-Policy"] = "no-referrer"
            return response

        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize("path", ["/plain", "/nowhere", "/breaks", "/"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_pages_that_are_not_ours_have_nothing_of_ours(client: FlaskClient, path: str, signed_in: bool) -> None:
    if signed_in:
        sign_in_as(client)
    assert not OURS & set(client.get(path).headers.keys())


def test_errors_that_are_not_ours_are_the_hosts(client: FlaskClient) -> None:
    sign_in_as(client)
    assert client.get("/nowhere").text == "the host's 404"
    assert client.get("/gate/nowhere").text == "the host's 404"
    assert client.get("/breaks").text == "the host's 500"
    assert client.get("/fails/403").text == "the host's 403"
    assert client.get("/fails/404").text == "the host's 404"


def test_views_behind_the_gate_get_what_cannot_break_them(client: FlaskClient) -> None:
    sign_in_as(client)
    for path in ("/mine", "/fails/404", "/administrators"):
        headers = client.get(path).headers
        assert {name: headers.get(name) for name in CAREFUL} == CAREFUL
        assert "Cookie" in headers["Vary"]
        assert not (OURS - set(CAREFUL) - {"Vary"}) & set(headers.keys())


def test_what_a_host_says_itself_wins(client: FlaskClient) -> None:
    sign_in_as(client)
    headers = client.get("/own-headers").headers
    assert {name: headers[name] for name in GENERIC} == GENERIC
    assert headers["Vary"] == "Accept-Language, Cookie"
    assert client.get("/late-headers").headers["Referrer-Policy"] == "no-referrer"


def test_our_own_pages_have_all_of_ours_in_a_host_too(client: FlaskClient) -> None:
    for path in ("/gate/auth/login", "/gate/dashboard", "/gate/auth/login/nobody", "/gate/healthz"):
        assert set(client.get(path).headers.keys()) >= OURS - {"Strict-Transport-Security", "Vary"}


@pytest.mark.parametrize("path", ["/mine", "/editors", "/administrators"])
def test_whoever_is_not_signed_in_is_led_there_and_back(client: FlaskClient, path: str) -> None:
    page = client.get(f"{path}?page=2")
    assert (page.status_code, page.location) == (302, f"/gate/auth/login?next=%2F{path[1:]}%3Fpage%3D2")
    fragment = client.get(path, headers=HTMX)
    assert (fragment.status_code, fragment.data) == (401, b"")
    assert fragment.headers["HX-Redirect"] == "/gate/auth/login?next=%2Flist%3Fpage%3D2"
    problem = client.get(path, headers=JSON)
    assert (problem.status_code, problem.mimetype) == (401, "application/problem+json")
    for answer in (page, fragment, problem):
        assert answer.headers["Cache-Control"] == "no-store"
        assert {"Cookie", "HX-Request", "Accept"} <= set(answer.vary)


def test_a_form_that_comes_too_late_leads_back_to_its_page(client: FlaskClient) -> None:
    answer = client.post("/change", headers={"Referer": "http://localhost/form?page=2"})
    assert answer.location == "/gate/auth/login?next=%2Fform%3Fpage%3D2"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.VIEWER, ["/mine"]),
        (Role.EDITOR, ["/mine", "/editors"]),
        (Role.ADMIN, ["/mine", "/editors", "/administrators"]),
    ],
)
def test_roles_include_each_other(client: FlaskClient, role: Role, allowed: list[str]) -> None:
    sign_in_as(client, role)
    for path in ("/mine", "/editors", "/administrators"):
        assert client.get(path).status_code == (200 if path in allowed else 403)


def test_who_may_not_is_told_so_and_it_is_written_down(app: Flask, client: FlaskClient) -> None:
    who = sign_in_as(client)
    page = client.get("/administrators")
    assert page.status_code == 403
    assert "Your role does not include this" in page.text
    fragment = client.get("/administrators", headers=HTMX)
    assert fragment.status_code == 403
    assert "hx-swap-oob" in fragment.text
    problem = client.get("/administrators", headers=JSON)
    assert problem.get_json() | {"detail": ""} == {
        "type": "about:blank",
        "title": "Not allowed",
        "status": 403,
        "detail": "",
    }
    assert events(app, "authz_fail") == [(who.user_id, "user", None, None)] * 3


@pytest.mark.parametrize("headers", [{}, HTMX, JSON])
def test_a_change_without_the_token_is_refused_in_each_form(client: FlaskClient, headers: dict[str, str]) -> None:
    who = sign_in_as(client)
    assert client.post("/change", headers=headers).status_code == 400
    assert client.post("/change", headers={**headers, **who.headers}).status_code == 200
    assert client.post("/change", headers={**who.headers, "Sec-Fetch-Site": "cross-site"}).status_code == 400


def test_a_person_as_json(app: Flask, client: FlaskClient) -> None:
    @app.get("/me")
    @login_required
    def me() -> ResponseReturnValue:
        told: ResponseReturnValue = current_user.to_dict()
        return told

    who = sign_in_as(client, Role.EDITOR, email="ada@example.com", name="Ada")
    told = client.get("/me").get_json()
    assert told.pop("created_at").endswith("+00:00")
    assert "last_login" in told
    told.pop("last_login")
    assert told == {
        "id": who.user_id,
        "email": "ada@example.com",
        "name": "Ada",
        "role": "editor",
        "is_active": True,
        "locked": False,
    }


def test_rules_about_people(app: Flask, client: FlaskClient) -> None:
    @app.get("/rules/<int:user_id>")
    def rules(user_id: int) -> ResponseReturnValue:
        return [
            current_user.has_role(Role.EDITOR),
            current_user.can_edit_user(user_id),
            current_user.can_delete_user(user_id),
        ]

    assert client.get("/rules/1").get_json() == [False, False, False]
    viewer = sign_in_as(client)
    assert client.get(f"/rules/{viewer.user_id}").get_json() == [False, True, False]
    assert client.get(f"/rules/{viewer.user_id + 1}").get_json() == [False, False, False]
    admin = sign_in_as(client, Role.ADMIN, email="admin@example.com")
    assert client.get(f"/rules/{viewer.user_id}").get_json() == [True, True, True]
    assert client.get(f"/rules/{admin.user_id}").get_json() == [True, True, False]

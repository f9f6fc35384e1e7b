"""Views of every kind that Flask knows, behind the same decorators."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Blueprint
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from flask.views import MethodView, View

from flask_gatehouse import (
    Role,
    admin_required,
    audit,
    background,
    current_user,
    editor_required,
    login_required,
    require_role,
)
from flask_gatehouse.testing import sign_in_as
from tests.mounting.hosts import events, host, seen, shared


def answers(client: FlaskClient, path: str, role: Role | None) -> int:
    if role is not None:
        sign_in_as(client, role)
    return client.get(path).status_code


@pytest.mark.parametrize("needed", Role)
def test_a_role_is_required_by_its_member(sqlite_url: str, needed: Role) -> None:
    with host(sqlite_url) as app:
        app.add_url_rule("/needs", view_func=require_role(needed)(lambda: "in"), endpoint="needs")
        for role in Role:
            assert answers(app.test_client(), "/needs", role) == (200 if role.includes(needed) else 403)
        assert answers(app.test_client(), "/needs", None) == 302


@pytest.mark.parametrize("role", ["admin", "root", None, lambda: "a view, where the role was forgotten"])
def test_a_role_is_not_a_word(role: Any) -> None:
    with pytest.raises(TypeError, match=r"require_role\(Role\.EDITOR\)"):
        require_role(role)


def test_views_that_are_classes(sqlite_url: str) -> None:
    class Report(View):
        decorators = (editor_required,)

        def dispatch_request(self, number: int) -> ResponseReturnValue:
            return f"report {number} for {current_user.name}"

    class Items(MethodView):
        decorators = (background, login_required)

        def get(self) -> ResponseReturnValue:
            return "list"

        @admin_required
        def delete(self) -> ResponseReturnValue:
            return "gone"

    with host(sqlite_url) as app:
        app.add_url_rule("/report/<int:number>", view_func=Report.as_view("report"))
        app.add_url_rule("/items", view_func=Items.as_view("items"))
        client = app.test_client()
        assert client.get("/report/7").status_code == client.get("/items").status_code == 302
        viewer = sign_in_as(client)
        assert client.get("/items").text == "list"
        assert client.get("/report/7").status_code == 403
        assert client.delete("/items", headers=viewer.headers).status_code == 403
        admin = sign_in_as(client, Role.ADMIN, name="Ada")
        assert client.get("/report/7").text == "report 7 for Ada"
        assert client.delete("/items").status_code == 400
        assert client.delete("/items", headers=admin.headers).text == "gone"


def test_views_of_blueprints_within_blueprints(sqlite_url: str) -> None:
    outer, inner = Blueprint("outer", __name__, url_prefix="/outer"), Blueprint("inner", __name__, url_prefix="/inner")

    @inner.get("/page")
    @login_required
    def page() -> ResponseReturnValue:
        return str(current_user.email)

    with host(sqlite_url) as app:
        outer.register_blueprint(inner)
        app.register_blueprint(outer)
        client = app.test_client()
        assert client.get("/outer/inner/page").location == "/gate/auth/login?next=%2Fouter%2Finner%2Fpage"
        sign_in_as(client, email="ada@example.com")
        assert client.get("/outer/inner/page").text == "ada@example.com"


def test_a_whole_blueprint_behind_one_line(sqlite_url: str) -> None:
    members = Blueprint("members", __name__)
    members.before_request(login_required(lambda: None))
    members.add_url_rule("/members", view_func=lambda: "members", endpoint="members")
    with host(sqlite_url) as app:
        app.register_blueprint(members)
        client = app.test_client()
        assert client.get("/members").status_code == 302
        sign_in_as(client)
        assert client.get("/members").text == "members"


def test_views_that_are_coroutines(database_url: str) -> None:
    with shared("flask_sqlalchemy", database_url) as (app, db, _engine):

        @app.post("/later")
        @editor_required
        async def later() -> ResponseReturnValue:
            audit.record("later.done")
            db.session.commit()
            return str(current_user.email)

        client = app.test_client()
        assert client.post("/later").status_code == 302
        who = sign_in_as(client, Role.EDITOR, email="ada@example.com")
        assert client.post("/later").status_code == 400
        assert client.post("/later", headers=who.headers).text == "ada@example.com"
        assert events(app, "later.done") == [(who.user_id, "user", None, None)]


def test_several_decorators_ask_once(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        view = login_required(require_role(Role.EDITOR)(admin_required(lambda: "in")))
        app.add_url_rule("/much", view_func=view, endpoint="much")
        assert answers(app.test_client(), "/much", Role.EDITOR) == 403
        client = app.test_client()
        sign_in_as(client, Role.ADMIN)
        assert client.get("/much").headers["Vary"] == "Cookie"


def test_what_a_decorator_wraps_keeps_its_name() -> None:
    def view() -> ResponseReturnValue:
        """Say something."""
        return "in"

    wrapped = login_required(view)
    assert (wrapped.__name__, wrapped.__doc__) == ("view", "Say something.")


ORDERS: dict[str, Callable[[Callable[[], str]], Any]] = {
    "outside": lambda view: background(login_required(view)),
    "inside": lambda view: login_required(background(view)),
    "between": lambda view: login_required(background(require_role(Role.VIEWER)(view))),
    "alone": background,
}


@pytest.mark.parametrize("order", ORDERS)
def test_a_poll_keeps_nobody_signed_in_however_it_is_marked(sqlite_url: str, order: str) -> None:
    with host(sqlite_url, GATEHOUSE_IDLE_TIMEOUT="30m") as app:
        app.add_url_rule("/poll", view_func=ORDERS[order](lambda: str(current_user.name)), endpoint="poll")
        client = app.test_client()
        who = sign_in_as(client, name="Ada")
        before = seen(app, who.session_id, minutes_ago=20)
        assert client.get("/poll").text == "Ada"
        assert seen(app, who.session_id) == before
        client.get("/mine")
        assert seen(app, who.session_id) > before + timedelta(minutes=19)


def test_a_poll_does_not_save_a_session_from_its_end(sqlite_url: str) -> None:
    with host(sqlite_url, GATEHOUSE_IDLE_TIMEOUT="30m") as app:
        app.add_url_rule("/poll", view_func=background(login_required(lambda: "news")), endpoint="poll")
        client = app.test_client()
        who = sign_in_as(client)
        seen(app, who.session_id, minutes_ago=31)
        assert client.get("/poll", headers={"HX-Request": "true"}).status_code == 401
        assert client.get("/mine").location == "/gate/auth/login?next=%2Fmine&notice=expired"


@pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch;prerender"}, {"Gatehouse-Background": "true"}])
def test_what_a_browser_asks_by_itself_keeps_nobody_signed_in(sqlite_url: str, headers: dict[str, str]) -> None:
    with host(sqlite_url) as app:
        client = app.test_client()
        who = sign_in_as(client)
        before = seen(app, who.session_id, minutes_ago=20)
        client.get("/mine", headers=headers)
        assert seen(app, who.session_id) == before

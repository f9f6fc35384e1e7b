"""A host replaces our templates by name, builds upon them, and keeps its own way of rendering."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined

from flask_gatehouse import Gatehouse, Role, login_required
from flask_gatehouse.testing import attach_provider, sign_in_as
from tests.mounting.hosts import HTMX, configuration, state_of, with_pages

OWN = {
    "gatehouse/auth/sign_in.html": "own sign-in: {% for provider in providers %}{{ provider.name }}{% endfor %}",
    "gatehouse/errors/error.html": "own error {{ status }}: {{ title }}",
    "gatehouse/errors/_message.html": "own message: {{ message }}",
    "gatehouse/theme.html": '<link rel="stylesheet" href="/static/shop.css">',
    "shop/page.html": (
        '{% extends "gatehouse/layout.html" %}{% block title %}Shop{% endblock %}'
        "{% block content %}<h1>Shop of {{ current_user.name }}</h1>{% endblock %}"
    ),
}


def make_host(directory: Path, url: str, names: list[str], **options: Any) -> Flask:
    for name in names:
        path = directory / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(OWN[name])
    app = Flask("host", root_path=str(directory))
    app.config.update(configuration(url))
    app.testing = True
    for name, value in options.items():
        setattr(app.jinja_env, name, value)
    Gatehouse(app)
    attach_provider(app)
    return with_pages(app)


def test_a_page_is_replaced_by_its_name(tmp_path: Path, sqlite_url: str) -> None:
    app = make_host(tmp_path, sqlite_url, ["gatehouse/auth/sign_in.html"])
    client = app.test_client()
    assert client.get("/gate/auth/login").text == "own sign-in: dev"
    sign_in_as(client)
    assert "<h1>" in client.get("/gate/dashboard").text
    state_of(app).database.engine.dispose()


def test_refusals_are_replaced_for_our_pages_and_for_the_hosts(tmp_path: Path, sqlite_url: str) -> None:
    app = make_host(tmp_path, sqlite_url, ["gatehouse/errors/error.html", "gatehouse/errors/_message.html"])
    client = app.test_client()
    sign_in_as(client)
    assert client.get("/administrators").text == "own error 403: Not allowed"
    assert client.get("/gate/auth/login/nobody").text == "own error 404: Page not found"
    assert client.get("/administrators", headers=HTMX).text.startswith("own message: Your role")
    state_of(app).database.engine.dispose()


@pytest.mark.parametrize("options", [{}, {"undefined": StrictUndefined}, {"trim_blocks": True, "lstrip_blocks": True}])
def test_pages_stand_in_the_hosts_own_environment(tmp_path: Path, sqlite_url: str, options: dict[str, Any]) -> None:
    app = make_host(tmp_path, sqlite_url, ["shop/page.html"], **options)

    @app.get("/shop")
    @login_required
    def shop() -> ResponseReturnValue:
        return render_template("shop/page.html")

    client = app.test_client()
    for path in ("/gate/auth/login", "/gate/auth/login/nobody"):
        assert "<h1" in client.get(path).text
    who = sign_in_as(client, Role.VIEWER, name="Ada <b>")
    for path in ("/gate/dashboard", "/gate/account", "/gate/auth/logout", "/administrators"):
        assert "<h1" in client.get(path).text
    page = client.get("/shop").text
    assert "<h1>Shop of Ada &lt;b&gt;</h1>" in page
    assert "<title>Shop · Gatehouse</title>" in page
    assert 'action="/gate/auth/logout"' in page
    assert who.csrf_token[22:] in page or 'name="csrf-token"' in page
    state_of(app).database.engine.dispose()


def test_a_page_upon_our_layout_is_for_everybody_too(tmp_path: Path, sqlite_url: str) -> None:
    app = make_host(tmp_path, sqlite_url, ["shop/page.html"])
    app.add_url_rule("/shop", view_func=lambda: render_template("shop/page.html"), endpoint="shop")
    page = app.test_client().get("/shop")
    assert page.status_code == 200
    assert "csrf-token" not in page.text
    state_of(app).database.engine.dispose()


def test_a_host_dresses_every_page_of_ours(tmp_path: Path, sqlite_url: str) -> None:
    app = make_host(tmp_path, sqlite_url, ["gatehouse/theme.html"])
    client = app.test_client()
    sign_in_as(client)
    for path in ("/gate/auth/login/nobody", "/gate/dashboard", "/administrators"):
        head = client.get(path).text.partition("</head>")[0]
        # After ours, of which it changes what it names.
        assert head.index("gatehouse.css") < head.index(OWN["gatehouse/theme.html"])
    state_of(app).database.engine.dispose()


def test_the_way_home_leads_to_the_host(tmp_path: Path, sqlite_url: str) -> None:
    app = make_host(tmp_path, sqlite_url, [])
    client = app.test_client()
    sign_in_as(client)
    assert 'class="brand" href="/"' in client.get("/gate/account").text
    refused = client.get("/administrators").text
    assert 'href="/">Start page</a>' in refused
    state_of(app).database.engine.dispose()


def test_our_files_are_served_below_the_prefix_and_the_hosts_are_untouched(tmp_path: Path, sqlite_url: str) -> None:
    (tmp_path / "static/gatehouse").mkdir(parents=True)
    (tmp_path / "static/gatehouse/gatehouse.css").write_text("/* the host's */")
    app = make_host(tmp_path, sqlite_url, [])
    client = app.test_client()
    with client.get("/static/gatehouse/gatehouse.css") as theirs:
        assert theirs.text == "/* the host's */"
    with client.get("/gate/static/gatehouse/gatehouse.css") as ours:
        assert ":root" in ours.text
    state_of(app).database.engine.dispose()

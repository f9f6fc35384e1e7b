"""A host that has Flask-Babel: its choice of a language is ours, and its sentences stay its own."""

from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask, render_template
from flask.typing import ResponseReturnValue
from flask_babel import Babel

from flask_gatehouse import Gatehouse, Role
from flask_gatehouse.testing import attach_provider, sign_in_as
from tests.mounting.hosts import configuration, state_of, with_pages

GERMAN = {"Accept-Language": "de"}
# A word that our catalogue has too, and in another sense.
THEIRS = {"Users": "Mieter", "Cart": "Warenkorb"}
TEMPLATES = {
    "shop.html": (
        '{% extends "gatehouse/layout.html" %}{% block title %}{{ _("Cart") }}{% endblock %}'
        '{% block content %}<h1>{{ _("Users") }}</h1>'
        '{% from "gatehouse/components/role.html" import role_badge %}{{ role_badge("editor") }}{% endblock %}'
    ),
    "site.html": '<html lang="{{ gatehouse.language }}"><nav>{{ _("Users") }}</nav>{% block content %}{% endblock %}',
    "gatehouse/layout.html": '{% extends "site.html" %}',
}


def make_host(directory: Path, url: str, *names: str, **babel: Any) -> Flask:
    for name in names:
        path = directory / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEMPLATES[name])
    catalogue = Catalog(locale="de")
    for word, translated in THEIRS.items():
        catalogue.add(word, translated)
    folder = directory / "translations/de/LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    app = Flask("host", root_path=str(directory))
    app.config.update(configuration(url))
    app.testing = True
    Babel(app, **babel)
    Gatehouse(app)
    attach_provider(app)

    @app.get("/shop")
    def shop() -> ResponseReturnValue:
        return render_template("shop.html")

    return with_pages(app)


def test_a_page_upon_our_layout_keeps_its_own_gettext(tmp_path: Path, sqlite_url: str) -> None:
    app = make_host(tmp_path, sqlite_url, "shop.html", locale_selector=lambda: "de")
    client = app.test_client()
    sign_in_as(client, Role.ADMIN)
    page = client.get("/shop").text
    assert "<h1>Mieter</h1>" in page
    assert "<title>Warenkorb · Gatehouse</title>" in page
    # What is ours on that page says it with our words, imported with context or without.
    assert "<span>Personen</span>" in page
    assert "Redaktion" in page
    state_of(app).database.engine.dispose()


def test_a_site_around_our_pages_keeps_its_own_gettext(tmp_path: Path, sqlite_url: str) -> None:
    app = make_host(tmp_path, sqlite_url, "site.html", "gatehouse/layout.html", locale_selector=lambda: "de")
    client = app.test_client()
    sign_in_as(client, Role.ADMIN)
    page = client.get("/gate/users").text
    assert "<nav>Mieter</nav>" in page
    assert '<h1 id="users-title" tabindex="-1">Personen</h1>' in page
    state_of(app).database.engine.dispose()


@pytest.mark.parametrize(
    ("babel", "asked", "spoken"),
    [
        ({"locale_selector": lambda: "de_AT"}, "en", "de"),
        ({"locale_selector": lambda: "en"}, "de", "en"),
        ({"default_locale": "de"}, "en", "de"),
        # A language that we do not speak: then the reader is asked.
        ({"locale_selector": lambda: "fr"}, "de", "de"),
        ({"locale_selector": lambda: "fr"}, "", "en"),
    ],
)
def test_the_hosts_choice_is_ours(
    tmp_path: Path, sqlite_url: str, babel: dict[str, Any], asked: str, spoken: str
) -> None:
    app = make_host(tmp_path, sqlite_url, **babel)
    for path, status in (("/gate/auth/login", 200), ("/gate/auth/login/nobody", 404)):
        page = app.test_client().get(path, headers={"Accept-Language": asked})
        assert page.status_code == status
        assert f'<html lang="{spoken}">' in page.text
        assert page.headers["Content-Language"] == spoken
    state_of(app).database.engine.dispose()


def test_refusals_of_a_hosts_view_say_their_language_too(tmp_path: Path, sqlite_url: str) -> None:
    app = make_host(tmp_path, sqlite_url, locale_selector=lambda: "de")
    client = app.test_client()
    sign_in_as(client)
    page = client.get("/administrators")
    assert (page.status_code, "Nicht erlaubt" in page.text) == (403, True)
    assert (page.headers["Content-Language"], "Accept-Language" in page.vary) == ("de", True)
    state_of(app).database.engine.dispose()

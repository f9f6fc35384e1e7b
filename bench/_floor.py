"""The floor of a page that knows who asks: bare Flask, a signed cookie, and one raw SELECT by primary key.

It shows our own dashboard, by the very templates. What they ask for is ready and costs nothing, except what a template
cannot do without: Flask's ``url_for`` and ``get_flashed_messages``, a sentence looked up, a moment written out. So the
floor has no gate: no session that could be revoked, no role, no limit, no header, no token, no log.
"""

import gettext
import os
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import psycopg
from flask import Blueprint, Flask, abort, get_flashed_messages, render_template, session, url_for
from jinja2 import StrictUndefined
from markupsafe import Markup

from flask_gatehouse.web.addresses import fingerprints
from flask_gatehouse.web.blueprint import PACKAGE
from flask_gatehouse.web.labels import ROLE_NAMES

SELECT = "SELECT name, email, role, last_sign_in_at FROM gatehouse_users WHERE id = "
# As long as ours.
TOKEN = "t" * 86
ENDPOINTS = {
    "session_status": "/auth/session",
    "account": "/account",
    "sign_out": "/auth/logout",
    "users": "/users",
}
NAVIGATION = [
    ("Dashboard", "/dashboard", "layout-dashboard", True),
    ("Users", "/users", "users-round", False),
]
LINKS = [
    ("Users", "/users", "users-round", "Who is here, and with which role"),
    ("Your account", "/account", "user-round", "Where you are signed in, and with what"),
    ("Sign out", "/auth/logout", "log-out", "End this session on this browser"),
]
SETTINGS = SimpleNamespace(app_name="Gatehouse", terms_url=None, privacy_url=None, support_email=None)
FINGERPRINTS = fingerprints()

_catalogue = gettext.NullTranslations()


def say(message: str, **values: object) -> str:
    found = _catalogue.gettext(message)
    return found % values if values else found


def role_in_words(role: str) -> str:
    return say(ROLE_NAMES[role])


def flashed() -> list[tuple[str, str, None]]:
    messages: list[Any] = get_flashed_messages(with_categories=True)
    return [(category, message, None) for category, message in messages]


def _token() -> str:
    return TOKEN


def _static(filename: str) -> str:
    return url_for("gatehouse.static", filename=filename, v=FINGERPRINTS.get(filename))


def moment(value: datetime) -> Markup:
    exact, shown = f"{value:%Y-%m-%dT%H:%M:%SZ}", f"{value.day} {value:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}" title="{:%Y-%m-%d, %H:%M:%S} UTC">{}</time>').format(exact, value, shown)


def reader(url: str) -> Callable[[int], tuple[Any, ...] | None]:
    """Return what finds a user by a connection of its thread, in autocommit."""
    here = threading.local()

    def find(user_id: int) -> tuple[Any, ...] | None:
        try:
            connection = here.connection
        except AttributeError:
            connection = here.connection = connect()
        row: tuple[Any, ...] | None = connection.execute(statement, (user_id,)).fetchone()
        return row

    if url.startswith("sqlite"):
        statement = SELECT + "?"

        def connect() -> Any:
            return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    else:
        statement = SELECT + "%s"

        def connect() -> Any:
            return psycopg.connect(url, autocommit=True, options="-c timezone=UTC")

    return find


def app() -> Flask:
    floor = Flask("floor", template_folder=str(PACKAGE / "templates"))
    floor.secret_key = os.environ["SECRET_KEY"]
    floor.jinja_env.undefined = StrictUndefined
    floor.jinja_env.globals.update(
        gatehouse_text=say, csrf_token=_token, gatehouse_csrf_token=_token, gatehouse_static=_static
    )
    # The other one is on pages that wait for an administrator, and is looked up all the same.
    floor.jinja_env.filters.update(moment=moment, ago=moment, gatehouse_role=role_in_words)
    pages = Blueprint(
        "gatehouse", "floor", static_folder=str(PACKAGE / "static/gatehouse"), static_url_path="/static/gatehouse"
    )
    for endpoint, rule in ENDPOINTS.items():
        pages.add_url_rule(rule, endpoint)
    files = {name: name for name in ("avatar", "csrf", "icon", "message")} | {"role_badge": "role"}
    macros = {
        macro: getattr(floor.jinja_env.get_template(f"gatehouse/components/{file}.html").module, macro)
        for macro, file in files.items()
    }
    find = reader(os.environ["DATABASE_URL"])

    @floor.get("/enter/<int:user_id>")
    def enter(user_id: int) -> str:
        session["user_id"] = user_id
        return ""

    @pages.get("/dashboard")
    def dashboard() -> str:
        name, email, role, last = find(session["user_id"]) or abort(401)
        person = SimpleNamespace(
            name=name,
            email=email,
            role=role,
            previous_sign_in_at=datetime.fromisoformat(last) if isinstance(last, str) else last,
            is_authenticated=True,
        )
        gatehouse = SimpleNamespace(
            settings=SETTINGS,
            language="en",
            **macros,
            current_user=person,
            seconds_left=1800,
            navigation=NAVIGATION,
            home_url="/dashboard",
            flashed=flashed,
            sign_in_again_url="/auth/login/google",
        )
        return render_template(
            "gatehouse/dashboard/dashboard.html",
            gatehouse=gatehouse,
            current_user=person,
            offer_administration=False,
            claimant=None,
            held=(),
            review_overdue=None,
            quick_links=LINKS,
        )

    floor.register_blueprint(pages)
    return floor

"""Gatehouse as one more peer: what a run of the peers' measurements asks of the ``app.py`` of each.

``VARIANT`` is ``host``, a host whose pages are the peers' own templates, or ``app``, the standalone application with
its own pages. Both run as in production, and count requests in Redis beside PostgreSQL.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import perfenv as pe
from flask import Flask, render_template
from sqlalchemy import insert, select

from flask_gatehouse import Gatehouse, admin_required, current_user, login_required
from flask_gatehouse.accounts.models import User
from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.app import create_app as create_standalone
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.migrate import upgrade
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import Actor
from flask_gatehouse.sessions.service import begin_session
from flask_gatehouse.web.logs import begin_logging
from flask_gatehouse.web.state import EXTENSION, State

PEER = "gatehouse"
# An administrator in the host, because its list of users is theirs alone; somebody ordinary on our own dashboard.
WHO = {"host": 1, "app": 2}

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
made: list[State] = []


def seed(kind: str) -> None:
    pe.recreate(kind, PEER)
    engine = make_engine(pe.sqlalchemy_url(kind, PEER))
    upgrade(engine)
    roles, now = {1: Role.ADMIN}, utc_now()
    people = [
        {
            "id": number,
            "name": f"User {number:07d}",
            "email": f"user{number:07d}@example.org",
            "role": roles.get(number, Role.VIEWER),
            "created_at": now,
        }
        for number in range(1, pe.users() + 1)
    ]
    with engine.begin() as connection:
        connection.execute(insert(User), people)
    engine.dispose()
    pe.analyze(kind, PEER)


def create_app(kind: str) -> Application:
    config = {
        "GATEHOUSE_BASE_URL": "https://127.0.0.1",
        "GATEHOUSE_TRUSTED_PROXIES": "1",
        "GATEHOUSE_RATE_LIMIT": "1000000 per minute",
        "DATABASE_URL": pe.sqlalchemy_url(kind, PEER),
        "SECRET_KEY": pe.SECRET,
        "GOOGLE_CLIENT_ID": "bench",
        "GOOGLE_CLIENT_SECRET": "bench",
    }
    if kind == "pg":
        config["REDIS_URL"] = pe.REDIS_URL
    app = _host(config) if pe.variant() == "host" else _standalone(config)
    made.append(app.extensions[EXTENSION])

    def behind_a_proxy(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["HTTP_X_FORWARDED_PROTO"] = "https"
        return app(environ, start_response)

    return behind_a_proxy


def _standalone(config: dict[str, str]) -> Flask:
    app = create_standalone(config)
    begin_logging(app)
    return app


def _host(config: dict[str, str]) -> Flask:
    app = Flask(__name__, template_folder=pe.TEMPLATES)
    app.config.update(config)
    Gatehouse(app)
    database: Database = app.extensions[EXTENSION].database
    page = select(User.name, User.email, User.role).order_by(User.id).limit(pe.PAGE)

    @app.get("/dashboard")
    @login_required
    def dashboard() -> str:
        return render_template(
            "dashboard.html", name=current_user.name, email=current_user.email, role=current_user.role
        )

    @app.get("/users")
    @admin_required
    def users() -> str:
        with database.reading() as connection:
            return render_template("users.html", users=connection.execute(page).all())

    return app


def login(browser: Any) -> None:
    here, user_id = made[-1], WHO[pe.variant()]
    with here.database.transaction() as db:
        begun = begin_session(
            db,
            user_id=user_id,
            generation=db.scalars(select(User.session_generation).where(User.id == user_id)).one(),
            provider="google",
            issuer="https://accounts.google.com",
            subject=str(user_id),
            previous_sign_in_at=None,
            lifetime=timedelta(hours=12),
            actor=Actor(user_id=user_id, ip="127.0.0.1"),
        )
    browser.jar[here.session_cookie] = begun.token

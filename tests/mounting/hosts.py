"""Host applications for these tests: small, and each as somebody would write it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, render_template_string
from flask.typing import ResponseReturnValue
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy_lite import SQLAlchemy as SQLAlchemyLite
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from flask_gatehouse import Gatehouse, admin_required, current_user, editor_required, login_required
from flask_gatehouse.web.state import EXTENSION, State

KEY = "k9sJ2mQx7vTz4bNw8cRd1fGh5jLp3aYe"
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://localhost/list?page=2"}
JSON = {"Accept": "application/json"}


class Base(DeclarativeBase):
    pass


class Thing(Base):
    """A host's own table, beside ours in one database."""

    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def configuration(database_url: str, **more: Any) -> dict[str, Any]:
    return {
        "GATEHOUSE_ENV": "development",
        "GATEHOUSE_BASE_URL": "http://localhost",
        "SECRET_KEY": KEY,
        "DATABASE_URL": database_url,
        **more,
    }


def bare(database_url: str, **more: Any) -> Flask:
    """Return an application without a gate."""
    app = Flask("host")
    app.config.update(configuration(database_url, **more))
    app.testing = True
    return app


def with_pages(app: Flask) -> Flask:
    """Add pages of each kind: open, for people, for roles, and ones that change something."""

    @app.get("/")
    def home() -> ResponseReturnValue:
        return render_template_string("{{ current_user.is_authenticated }}")

    @app.get("/plain")
    def plain() -> ResponseReturnValue:
        return "plain"

    @app.post("/plain")
    def change_plainly() -> ResponseReturnValue:
        return "changed"

    @app.get("/mine")
    @login_required
    def mine() -> ResponseReturnValue:
        return str(current_user.email)

    @app.post("/change")
    @login_required
    def change() -> ResponseReturnValue:
        return "changed"

    @app.get("/form")
    @login_required
    def form() -> ResponseReturnValue:
        return render_template_string('<input name="csrf_token" value="{{ csrf_token() }}">')

    @app.get("/editors")
    @editor_required
    def editors() -> ResponseReturnValue:
        return "for editors"

    @app.get("/administrators")
    @admin_required
    def administrators() -> ResponseReturnValue:
        return "for administrators"

    return app


@contextmanager
def host(database_url: str, *, prefix: str = "/gate", **more: Any) -> Iterator[Flask]:
    """Yield an application with pages and a gate that has an engine of its own."""
    app = bare(database_url, **more)
    Gatehouse(app, url_prefix=prefix)
    with_pages(app)
    try:
        yield app
    finally:
        state_of(app).database.engine.dispose()


def state_of(app: Flask) -> State:
    found: State = app.extensions[EXTENSION]
    return found


def driver_url(database_url: str) -> str:
    """Return the address as a host gives it to SQLAlchemy, which knows no short name of our driver."""
    url = make_url(database_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def flask_sqlalchemy(app: Flask, database_url: str) -> Any:
    app.config["SQLALCHEMY_DATABASE_URI"] = driver_url(database_url)
    db = SQLAlchemy(model_class=Base)
    db.init_app(app)
    return db


def flask_sqlalchemy_lite(app: Flask, database_url: str) -> Any:
    app.config["SQLALCHEMY_ENGINES"] = {"default": driver_url(database_url)}
    db = SQLAlchemyLite()
    db.init_app(app)
    return db


def plain_sessionmaker(app: Flask, database_url: str) -> Any:
    return sessionmaker(bind=create_engine(driver_url(database_url)))


def plain_engine(app: Flask, database_url: str) -> Any:
    return create_engine(driver_url(database_url))


SOURCES: dict[str, Callable[[Flask, str], Any]] = {
    "flask_sqlalchemy": flask_sqlalchemy,
    "flask_sqlalchemy_lite": flask_sqlalchemy_lite,
    "sessionmaker": plain_sessionmaker,
    "engine": plain_engine,
}


@contextmanager
def shared(kind: str, database_url: str, **more: Any) -> Iterator[tuple[Flask, Any, Engine]]:
    """Yield an application, its database object and its engine, which has the table ``things`` as well."""
    app = bare(database_url, **more)
    db = SOURCES[kind](app, database_url)
    with app.app_context():
        engine = engine_of(db)
        Base.metadata.create_all(engine)
        Gatehouse(app, db=db)
    with_pages(app)
    try:
        yield app, db, engine
    finally:
        engine.dispose()


def engine_of(db: Any) -> Engine:
    if isinstance(db, Engine):
        return db
    found: Engine = db.kw["bind"] if isinstance(db, sessionmaker) else db.engine
    return found


def events(app: Flask, name: str) -> list[tuple[Any, ...]]:
    """Return who did what to which thing, of all events of a name."""
    with app.app_context(), state_of(app).database.reading() as connection:
        rows = connection.execute(
            text("SELECT actor_id, actor_kind, target_type, target_id FROM gatehouse_audit_events WHERE event=:name"),
            {"name": name},
        )
        return [tuple(row) for row in rows]


def seen(app: Flask, session_id: str, *, minutes_ago: int | None = None) -> datetime:
    """Return when a session was last used, after having put that into the past if asked to."""
    with app.app_context(), state_of(app).database.transaction() as db:
        if minutes_ago is not None:
            moment = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).strftime("%Y-%m-%d %H:%M:%S.%f")
            db.execute(text("UPDATE gatehouse_sessions SET last_seen_at = :moment"), {"moment": moment})
        row = db.execute(text("SELECT last_seen_at FROM gatehouse_sessions WHERE id = :id"), {"id": session_id})
        return datetime.fromisoformat(row.scalar_one())

"""A wrong setting planted for each check is found by it, and the same check is content without it."""

import secrets
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import time_machine
from flask import Flask
from sqlalchemy import create_engine, text

from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.ops.doctor.finding import Result
from flask_gatehouse.web.state import EXTENSION
from tests.doctor.conftest import Look
from tests.doctor.happenings import join
from tests.nodes.listeners import open_hanging_server, open_hook, open_post_office
from tests.ports import free_port

OK, WARNING, FAILED, UNKNOWN = Result


def test_a_key_that_can_be_guessed(look: Look) -> None:
    assert look("secret_key").result is OK

    def weaken(app: Flask) -> None:
        settings = app.extensions[EXTENSION].settings
        object.__setattr__(settings, "secret_key", type(settings.secret_key)("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))

    found = look("secret_key", change=weaken)
    assert found.result is FAILED
    assert "token_urlsafe" in found.mend


def test_development_and_debug_mode(look: Look) -> None:
    assert look("environment").result is OK
    assert look("environment", change=lambda app: app.config.update(DEBUG=True)).result is FAILED
    assert look("environment", {"GATEHOUSE_ENV": "development"}).result is FAILED


def test_an_address_that_leads_nowhere(look: Look) -> None:
    assert look("base_url").result is WARNING
    assert look("base_url", {"GATEHOUSE_BASE_URL": "https://nowhere.invalid"}).result is FAILED


def test_a_secret_in_the_code(look: Look, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert look("credentials").result is OK
    Path(".env").write_text(f"SECRET_KEY={environment['SECRET_KEY']}\n")
    assert look("credentials").result is OK
    planted = look("credentials", change=lambda app: monkeypatch.delenv("SECRET_KEY"))
    assert planted.result is OK
    Path(".env").unlink()
    found = look("credentials", change=lambda app: monkeypatch.delenv("SECRET_KEY"))
    assert found.result is WARNING
    assert "SECRET_KEY" in found.evidence


def test_a_secret_that_came_with_the_last_line_of_a_file(look: Look, environment: dict[str, str]) -> None:
    assert look("credentials", {"SECRET_KEY": f"{environment['SECRET_KEY']}\n"}).result is OK


def test_an_older_key_in_the_code(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [secrets.token_urlsafe(32) for _ in range(2)]
    older = {"SECRET_KEY_FALLBACKS": f"{keys[0]}, {keys[1]}\n"}
    assert look("credentials", older).result is OK
    found = look("credentials", older, change=lambda app: monkeypatch.setenv("SECRET_KEY_FALLBACKS", keys[0]))
    assert found.result is WARNING
    assert found.evidence.startswith("SECRET_KEY_FALLBACKS came from")
    assert keys[1] not in found.evidence


def test_an_environment_file_that_others_read(look: Look) -> None:
    assert look("env_file").result is OK
    path = Path(".env")
    path.write_text("PORT=5000\n")
    path.chmod(0o644)
    found = look("env_file")
    assert (found.result, found.mend) == (FAILED, f"chmod 600 {path.absolute()}")
    path.chmod(0o600)
    assert look("env_file").result is OK


def test_an_environment_file_that_git_keeps(look: Look) -> None:
    path = Path(".env")
    path.write_text("PORT=5000\n")
    path.chmod(0o600)
    for words in (("init", "-q"), ("add", "-f", ".env")):
        subprocess.run(["git", *words], check=True)
    assert look("env_file").result is FAILED


def test_an_instance_folder_that_others_reach(look: Look) -> None:
    folder = Path("instance")
    folder.mkdir(mode=0o755)
    (folder / "audit.key").write_text("")
    (folder / "audit.key").chmod(0o644)
    found = look("instance_folder")
    assert found.result is FAILED
    assert "audit.key" in found.evidence
    folder.chmod(0o700)
    assert look("instance_folder").result is OK


def test_changes_that_are_not_refused(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look("csrf").result is OK
    monkeypatch.setattr("flask_gatehouse.web.csrf.SAFE_METHODS", frozenset({"GET", "POST"}))
    assert look("csrf").result is FAILED


def test_pages_that_escape_nothing(look: Look) -> None:
    assert look("escaping").result is OK
    found = look("escaping", change=lambda app: app.jinja_env.__setattr__("autoescape", False))
    assert found.result is FAILED


# The database.


def test_a_database_that_does_not_answer(look: Look, tmp_path: Path) -> None:
    assert look("database").result is OK
    refused = look("database", {"DATABASE_URL": f"postgresql://a:b@127.0.0.1:{free_port()}/c"})
    assert refused.result is FAILED
    with open_hanging_server() as (port, _):
        assert look("database", {"DATABASE_URL": f"postgresql://a:b@127.0.0.1:{port}/c"}).result is FAILED
        # What needs it could not be told, and did not fail by itself.
        assert look("administrators", {"DATABASE_URL": f"postgresql://a:b@127.0.0.1:{port}/c"}).result is UNKNOWN


def test_a_clock_that_differs_from_the_databases(look: Look, postgresql_url: str) -> None:
    place = {"DATABASE_URL": postgresql_url}
    assert look("database_clock", place).result is OK
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5)):
        found = look("database_clock", place)
    assert (found.result, "ahead of the database" in found.evidence) == (FAILED, True)


def test_a_database_of_another_release(look: Look, database: Database, tmp_path: Path) -> None:
    assert look("migrations").result is OK
    empty = look("migrations", {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"})
    assert (empty.result, empty.mend) == (FAILED, "Run: gatehouse db upgrade")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE gatehouse_alembic_version SET version_num = '0001'")
    assert "0001" in look("migrations").evidence


def test_a_sqlite_database_that_forgets(look: Look, environment: dict[str, str]) -> None:
    assert look("sqlite").result is OK

    def plain(app: Flask) -> None:
        # As a host would bring it.
        engine = create_engine(environment["DATABASE_URL"])
        object.__setattr__(app.extensions[EXTENSION], "database", Database(lambda: engine))

    found = look("sqlite", change=plain)
    assert found.result is FAILED
    assert "foreign_keys = 0" in found.evidence


def test_a_database_file_that_others_read(look: Look, tmp_path: Path) -> None:
    assert look("sqlite_file").result is OK
    tmp_path.chmod(0o755)
    (tmp_path / "gatehouse.db").chmod(0o644)
    assert look("sqlite_file").result is FAILED


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_trail_without_its_guards(look: Look, kind: str, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(f"{kind}_url")
    engine = make_engine(url)
    count = "SELECT count(*) FROM gatehouse_audit_events"
    intact = look("trail_guard", {"DATABASE_URL": url})
    # The one role of the tests owns its tables, which is told.
    assert intact.result is (OK if kind == "sqlite" else WARNING)
    assert "tried and refused" in intact.evidence
    with engine.begin() as connection:
        if kind == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER gatehouse_audit_events_guard_delete")
        else:
            connection.exec_driver_sql("DROP TRIGGER gatehouse_audit_events_guard_rows ON gatehouse_audit_events")
    found = look("trail_guard", {"DATABASE_URL": url})
    assert found.result is FAILED
    assert "o delete" in found.evidence
    with engine.connect() as connection:
        assert connection.exec_driver_sql(count).scalar() == 0
    engine.dispose()


def test_a_role_that_does_not_own_the_trail(look: Look, postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS doctor_app")
        connection.execute("CREATE ROLE doctor_app LOGIN")
        connection.execute("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO doctor_app")
        connection.execute("GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public TO doctor_app")
        try:
            theirs = postgresql_url.replace("gatehouse@", "doctor_app@", 1)
            assert theirs != postgresql_url
            found = look("trail_guard", {"DATABASE_URL": theirs})
            assert (found.result, found.mend) == (OK, ""), found
        finally:
            connection.execute("DROP OWNED BY doctor_app")
            connection.execute("DROP ROLE doctor_app")


def test_a_search_that_is_carried_out_as_a_statement(
    look: Look, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    join(database, "ada")
    assert look("injection").result is OK
    monkeypatch.setattr("flask_gatehouse.accounts.search._inside", lambda value: text("1 = 1"))
    monkeypatch.setattr("flask_gatehouse.accounts.sqlite_search._filters", lambda query: iter(()))
    assert look("injection").result is FAILED


# Servers.


def test_counts_that_are_not_shared(look: Look, redis_url: str) -> None:
    assert look("limiter").result is WARNING
    assert look("limiter", {"REDIS_URL": redis_url}).result is OK
    assert look("limiter", {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}).result is FAILED
    with open_hanging_server() as (port, _):
        assert look("limiter", {"REDIS_URL": f"redis://127.0.0.1:{port}"}).result is FAILED


def test_a_mail_server_that_is_away_or_speaks_otherwise(look: Look) -> None:
    assert look("mail").result is WARNING
    with open_post_office() as office:
        greeted = look("mail", mailing(office.port))
        assert greeted.result is OK
        assert "EHLO" in greeted.evidence
        assert office.letters == []
        spoken = look("mail", mailing(office.port, "smtps"))
        assert (spoken.result, "SSLError" in spoken.evidence) == (FAILED, True)
    assert look("mail", mailing(free_port())).result is FAILED


def mailing(port: int, scheme: str = "smtp") -> dict[str, str]:
    return {
        "GATEHOUSE_SMTP_URL": f"{scheme}://127.0.0.1:{port}",
        "GATEHOUSE_MAIL_FROM": "gate@example.com",
        "GATEHOUSE_ALERT_EMAIL": "ops@example.com",
    }


def test_a_webhook_that_is_away(look: Look) -> None:
    with open_hook() as hook:
        reached = look("webhook", hooked(hook.url))
        # Without TLS, which is told.
        assert (reached.result, hook.posts) == (WARNING, [])
        assert "/hook" not in reached.evidence
        assert look("webhook", hooked(hook.url.replace("http:", "https:"))).result is FAILED
    assert look("webhook", hooked(f"http://127.0.0.1:{free_port()}/hook")).result is FAILED


def hooked(url: str) -> dict[str, str]:
    return {"GATEHOUSE_ALERT_WEBHOOK_URL": url, "GATEHOUSE_ALERT_WEBHOOK_SECRET": "signed-with-this"}


def test_nobody_who_is_told(look: Look) -> None:
    assert look("alerts").result is FAILED
    with open_post_office() as office:
        assert look("alerts", mailing(office.port)).result is WARNING
        assert office.letters == []
        assert look("alerts", mailing(office.port), send=True).result is OK
        assert len(office.to("ops@example.com")) == 1
        office.refusals = ["554 no"] * 5
        assert look("alerts", mailing(office.port), send=True).result is FAILED

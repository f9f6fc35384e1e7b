"""What a host tests itself with: ``flask_gatehouse.testing``."""

from pathlib import Path

import pytest
from flask import Flask, has_app_context
from sqlalchemy import create_engine, inspect, text

from flask_gatehouse import Gatehouse, Role
from flask_gatehouse.dev.guards import EmbeddedProviderRefused
from flask_gatehouse.testing import (
    attach_provider,
    configuration,
    empty_database,
    sign_in_as,
    sign_in_through_provider,
)
from tests.mounting.hosts import bare, host, shared, state_of, with_pages

REAL = {
    "DATABASE_URL": "postgresql://real.example/live",
    "REDIS_URL": "redis://real.example/0",
    "SECRET_KEY": "the real key, which signs real sessions",
    "GATEHOUSE_ENV": "production",
    "GATEHOUSE_BASE_URL": "https://real.example",
    "GATEHOUSE_SMTP_URL": "smtp://real.example",
    "GATEHOUSE_MAIL_FROM": "gate@real.example",
    "GATEHOUSE_ALERT_WEBHOOK_URL": "https://hooks.real.example/x",
    "GATEHOUSE_ALERT_WEBHOOK_SECRET": "real",
    "GATEHOUSE_SIGNUP": "invited",
    "GATEHOUSE_TRUSTED_PROXIES": "2",
    "GATEHOUSE_IDLE_TIMEOUT": "1m",
    "GOOGLE_CLIENT_ID": "real",
    "GOOGLE_CLIENT_SECRET": "real",
    "GATEHOUSE_OIDC_CORP_ISSUER": "https://real.example",
    "GATEHOUSE_OIDC_CORP_CLIENT_ID": "real",
    "GATEHOUSE_OIDC_CORP_CLIENT_SECRET": "real",
    "GATEHOUSE_OIDC_OTHER_LABEL": "real, and incomplete",
}


def under_test(directory: Path) -> Flask:
    app = Flask("host")
    app.config.from_mapping(configuration(directory))
    Gatehouse(app)
    return with_pages(app)


@pytest.mark.parametrize("where", ["environment", "file"])
def test_nothing_that_is_configured_for_real_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "environment":
        for name, value in REAL.items():
            monkeypatch.setenv(name, value)
    else:
        Path(".env").write_text("".join(f"{name}='{value}'\n" for name, value in REAL.items()))
    app = under_test(tmp_path)
    settings = state_of(app).settings
    assert "real" not in repr([settings, app.config])
    assert "real" not in settings.database_url.reveal() + settings.secret_key.reveal()
    assert settings.database_url.reveal() == f"sqlite:///{tmp_path / 'gatehouse-test.db'}"
    assert (settings.redis_url, settings.mail_server, settings.alert_webhook_url) == (None, None, None)
    assert (settings.providers, settings.trusted_proxies, settings.signup) == ((), 0, "open")
    assert state_of(app).database.engine.url.host is None


def test_a_host_may_still_say_otherwise(tmp_path: Path) -> None:
    app = Flask("host")
    app.config.from_mapping({**configuration(tmp_path), "GATEHOUSE_APP_NAME": "Shop"})
    Gatehouse(app)
    assert state_of(app).settings.app_name == "Shop"


def test_an_empty_database_gets_its_tables_and_no_context(tmp_path: Path) -> None:
    app = under_test(tmp_path)
    with empty_database(app):
        assert not has_app_context()
        assert app.test_client().get("/gate/readyz").status_code == 200
    with empty_database(app):
        sign_in_as(app.test_client())


def test_a_database_with_people_in_it_is_left_alone(tmp_path: Path) -> None:
    app = under_test(tmp_path)
    with empty_database(app):
        sign_in_as(app.test_client())
    with pytest.raises(RuntimeError, match=r"has 1 users\. Tests need an empty one"), empty_database(app):
        pytest.fail("the tests would have run on it")


def test_an_older_database_with_people_in_it_is_not_even_migrated(tmp_path: Path) -> None:
    app = under_test(tmp_path)
    engine = create_engine(state_of(app).settings.database_url.reveal())
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE gatehouse_users (id INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO gatehouse_users VALUES (1)"))
    with pytest.raises(RuntimeError, match="has 1 users"), empty_database(app):
        pytest.fail("the tests would have run on it")
    assert inspect(engine).get_table_names() == ["gatehouse_users"]
    engine.dispose()
    state_of(app).database.engine.dispose()


@pytest.mark.parametrize("kind", ["flask_sqlalchemy", "flask_sqlalchemy_lite", "sessionmaker", "engine"])
def test_a_hosts_own_database_is_prepared_as_well(kind: str, tmp_path: Path) -> None:
    with shared(kind, f"sqlite:///{tmp_path / 'host.db'}") as (app, _db, _engine), empty_database(app):
        client = app.test_client()
        sign_in_as(client, email="ada@example.com")
        assert client.get("/mine").text == "ada@example.com"


@pytest.mark.parametrize("role", Role)
def test_people_are_signed_in_with_the_role_that_is_asked_for(sqlite_url: str, role: Role) -> None:
    with host(sqlite_url) as app:
        client = app.test_client()
        sign_in_as(client, role)
        for path, needed in (("/mine", Role.VIEWER), ("/editors", Role.EDITOR), ("/administrators", Role.ADMIN)):
            assert client.get(path).status_code == (200 if role.includes(needed) else 403)


def test_an_address_is_one_person_whose_role_follows(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        first, second = app.test_client(), app.test_client()
        before = sign_in_as(first, Role.ADMIN, email="Ada@example.com")
        after = sign_in_as(second, Role.VIEWER, email="ada@example.com")
        assert before.user_id == after.user_id
        assert before.session_id != after.session_id
        assert first.get("/administrators").status_code == 403


def test_a_client_can_change_who_it_is(sqlite_url: str) -> None:
    with host(sqlite_url) as app:
        client = app.test_client()
        sign_in_as(client, email="ada@example.com")
        sign_in_as(client, email="bob@example.com")
        assert client.get("/mine").text == "bob@example.com"


def test_secure_cookies_reach_a_client_as_well(sqlite_url: str) -> None:
    with host(sqlite_url, GATEHOUSE_ENV="production", GATEHOUSE_BASE_URL="https://app.example.com") as app:
        client = app.test_client()
        sign_in_as(client, email="ada@example.com")
        assert client.get("/mine", base_url="https://localhost").text == "ada@example.com"


def test_a_walk_without_a_provider_says_what_is_missing(sqlite_url: str) -> None:
    with host(sqlite_url) as app, pytest.raises(RuntimeError, match=r"attach_provider\(app\) first"):
        sign_in_through_provider(app.test_client(), email="ada@example.com", name="Ada")


def test_a_walk_that_is_refused_says_where(sqlite_url: str) -> None:
    with host(sqlite_url, GATEHOUSE_SIGNUP="invited") as app:
        attach_provider(app)
        with pytest.raises(RuntimeError, match=r"GET /gate/auth/authorize/dev with 403 FORBIDDEN"):
            sign_in_through_provider(app.test_client(), email="ada@example.com", name="Ada")


def test_the_provider_stays_out_of_production(sqlite_url: str) -> None:
    app = bare(sqlite_url, GATEHOUSE_ENV="production", GATEHOUSE_BASE_URL="https://app.example.com")
    Gatehouse(app)
    with pytest.raises(EmbeddedProviderRefused):
        attach_provider(app)

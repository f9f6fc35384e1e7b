"""Everything an operator can write: the defaults, where a value comes from, and what is never shown."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from flask_gatehouse.kernel.text import Secret
from flask_gatehouse.settings import (
    ConfigurationError,
    ProviderKind,
    ProviderSettings,
    Rate,
    Settings,
    WebhookFormat,
    is_loopback,
)
from flask_gatehouse.settings.names import GATEHOUSE_NAMES
from tests.unit.settings.examples import CORP, DEVELOPMENT, KEY, PRODUCTION

Load = Callable[..., Settings]
PUBLIC_KEY = f"app.example.com+01234567+{'A' * 44}"


def test_the_defaults_are_the_strict_ones_of_the_contract(load: Load, tmp_path: Path) -> None:
    defaults = {field.name: getattr(load(PRODUCTION), field.name) for field in fields(Settings)}
    assert defaults == {
        "env": "production",
        "secret_key": Secret(KEY),
        "secret_key_fallbacks": (),
        "database_url": Secret(f"sqlite:///{tmp_path}/instance/gatehouse.db"),
        "redis_url": None,
        "base_url": "https://app.example.com",
        "port": 5000,
        "root": "",
        "url_prefix": "",
        "providers": (),
        "github_api_url": "https://api.github.com",
        "signup": "open",
        "allowed_domains": frozenset(),
        "default_role": "viewer",
        "user_list_role": "viewer",
        "idle_timeout": timedelta(minutes=30),
        "session_lifetime": timedelta(hours=24),
        "admin_idle_timeout": timedelta(minutes=30),
        "admin_session_lifetime": timedelta(hours=24),
        "confirm_max_age": timedelta(minutes=10),
        "dormant_after": timedelta(days=90),
        "review_interval": timedelta(days=90),
        "rate_limit": Rate(600, timedelta(minutes=1)),
        "rate_limit_sign_in": Rate(20, timedelta(minutes=1)),
        "refusal_limit": Rate(20, timedelta(minutes=10)),
        "trusted_proxies": 0,
        "mail_server": None,
        "mail_from": None,
        "alert_email": None,
        "alert_webhook_url": None,
        "alert_webhook_secret": None,
        "alert_webhook_format": WebhookFormat.JSON,
        "audit_key_file": None,
        "audit_public_keys": (),
        "checkpoint_dir": None,
        "audit_retention": None,
        "audit_archive_dir": None,
        "backup_key_file": None,
        "erasure_ledger": tmp_path / "instance/erasures.ledger",
        "session_retention": timedelta(days=30),
        "refusal_retention": timedelta(days=90),
        "invitation_retention": timedelta(days=30),
        "metrics_token": None,
        "app_name": "Gatehouse",
        "terms_url": None,
        "privacy_url": None,
        "support_email": None,
    }


def test_production_touches_no_file(load: Load, tmp_path: Path) -> None:
    load(PRODUCTION)
    assert list(tmp_path.iterdir()) == []


def test_every_setting_is_read(load: Load, tmp_path: Path) -> None:
    environ = PRODUCTION | {
        "SECRET_KEY_FALLBACKS": f"{KEY[::-1]}, {KEY[5:]}{KEY[:5]}",
        "DATABASE_URL": "postgres://ada:hush@db.example/gate",
        "REDIS_URL": "redis://cache.example/1",
        "PORT": "8000",
        "GATEHOUSE_SIGNUP": "domains",
        "GATEHOUSE_ALLOWED_DOMAINS": "Corp.Example, other.example",
        "GATEHOUSE_DEFAULT_ROLE": "editor",
        "GATEHOUSE_USER_LIST_ROLE": "admin",
        "GATEHOUSE_IDLE_TIMEOUT": "15m",
        "GATEHOUSE_SESSION_LIFETIME": "8h",
        "GATEHOUSE_ADMIN_IDLE_TIMEOUT": "5m",
        "GATEHOUSE_ADMIN_SESSION_LIFETIME": "4h",
        "GATEHOUSE_CONFIRM_MAX_AGE": "90s",
        "GATEHOUSE_DORMANT_AFTER": "30d",
        "GATEHOUSE_REVIEW_INTERVAL": "365d",
        "GATEHOUSE_RATE_LIMIT": "10/second",
        "GATEHOUSE_RATE_LIMIT_SIGN_IN": "5 per 1 hour",
        "GATEHOUSE_REFUSAL_LIMIT": "3 per day",
        "GATEHOUSE_TRUSTED_PROXIES": "2",
        "GATEHOUSE_SMTP_URL": "smtp://mail.example",
        "GATEHOUSE_MAIL_FROM": "gate@app.example.com",
        "GATEHOUSE_ALERT_EMAIL": "ops@app.example.com",
        "GATEHOUSE_ALERT_WEBHOOK_URL": "https://hooks.example/x",
        "GATEHOUSE_ALERT_WEBHOOK_SECRET": "hush",
        "GATEHOUSE_ALERT_WEBHOOK_FORMAT": "slack",
        "GATEHOUSE_AUDIT_KEY_FILE": "keys/audit.key",
        "GATEHOUSE_AUDIT_PUBLIC_KEYS": f"{PUBLIC_KEY}, {PUBLIC_KEY}",
        "GATEHOUSE_CHECKPOINT_DIR": "/var/lib/checkpoints",
        "GATEHOUSE_AUDIT_RETENTION": "400d",
        "GATEHOUSE_AUDIT_ARCHIVE_DIR": "archive",
        "GATEHOUSE_BACKUP_KEY_FILE": "keys/backup.key",
        "GATEHOUSE_ERASURE_LEDGER": "ledger",
        "GATEHOUSE_SESSION_RETENTION": "7d",
        "GATEHOUSE_REFUSAL_RETENTION": "8d",
        "GATEHOUSE_INVITATION_RETENTION": "9d",
        "GATEHOUSE_METRICS_TOKEN": "hush",
        "GATEHOUSE_APP_NAME": "Corp",
        "GATEHOUSE_TERMS_URL": "/terms",
        "GATEHOUSE_PRIVACY_URL": "https://corp.example/privacy",
        "GATEHOUSE_SUPPORT_EMAIL": "help@corp.example",
    }
    untested = GATEHOUSE_NAMES - set(environ) - {"GATEHOUSE_ENV"}
    assert untested == set()
    settings, default = load(environ), load(PRODUCTION)
    same = {field.name for field in fields(Settings) if getattr(settings, field.name) == getattr(default, field.name)}
    assert same == {"env", "secret_key", "base_url", "root", "url_prefix", "providers", "github_api_url"}
    assert settings.database_url == Secret("postgresql://ada:hush@db.example/gate")
    assert settings.allowed_domains == {"corp.example", "other.example"}
    assert settings.audit_key_file == tmp_path / "keys/audit.key"
    assert settings.checkpoint_dir == Path("/var/lib/checkpoints")
    assert settings.audit_retention == timedelta(days=400)
    assert settings.audit_archive_dir == tmp_path / "archive"
    assert settings.erasure_ledger == tmp_path / "ledger"
    kept = (settings.session_retention, settings.refusal_retention, settings.invitation_retention)
    assert kept == (timedelta(days=7), timedelta(days=8), timedelta(days=9))
    assert len(settings.secret_key_fallbacks) == 2


SECRETS = {
    "SECRET_KEY": "canary-secret-key",
    "SECRET_KEY_FALLBACKS": "canary-fallback",
    "DATABASE_URL": "canary://ada:canary-database@db/x",
    "REDIS_URL": "canary-redis",
    "GOOGLE_CLIENT_SECRET": "canary-google",
    "GITHUB_CLIENT_SECRET": "canary-github",
    "GATEHOUSE_OIDC_CORP_CLIENT_SECRET": "canary-corp",
    "GATEHOUSE_SMTP_URL": "canary-smtp",
    "GATEHOUSE_ALERT_WEBHOOK_URL": "canary-webhook",
    "GATEHOUSE_METRICS_TOKEN": "canary-metrics",
    # Put into the wrong place, as happens when lines of a .env are mixed up.
    "GATEHOUSE_BASE_URL": "https://canary:canary@[canary",
    "GATEHOUSE_IDLE_TIMEOUT": "canary",
    "GATEHOUSE_SIGNUP": "canary",
    "GATEHOUSE_RATE_LIMIT": "canary",
    "GATEHOUSE_TRUSTED_PROXIES": "canary",
    "GATEHOUSE_TERMS_URL": "canary",
    "GATEHOUSE_ENV": "canary",
    "GATEHOUSE_XYZZY": "canary",
    "PORT": "canary",
    "GITHUB_URL": "canary",
}


def test_no_message_holds_a_value(load: Load) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(SECRETS)
    assert len(caught.value.problems) > 15
    assert "canary" not in f"{caught.value} {caught.value!r} {caught.value.problems}"
    # An error that is reported with its causes must not bring the value along either.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_printed_settings_show_no_secret(load: Load) -> None:
    secrets = CORP | {
        "SECRET_KEY": f"canary{KEY}",
        "SECRET_KEY_FALLBACKS": f"canary{KEY[::-1]}",
        "DATABASE_URL": "postgresql://ada:canary@db/x",
        "REDIS_URL": "redis://:canary@cache",
        "GOOGLE_CLIENT_ID": "gate",
        "GOOGLE_CLIENT_SECRET": "canary",
        "GATEHOUSE_OIDC_CORP_CLIENT_SECRET": "canary",
        "GATEHOUSE_SMTP_URL": "smtp://x:canary@mail",
        "GATEHOUSE_MAIL_FROM": "gate@app.example.com",
        "GATEHOUSE_ALERT_WEBHOOK_URL": "https://hooks.example/canary",
        "GATEHOUSE_ALERT_WEBHOOK_SECRET": "canary",
        "GATEHOUSE_METRICS_TOKEN": "canary",
    }
    settings = load(PRODUCTION | secrets)
    assert "canary" not in f"{settings} {settings!r} {settings.providers}"


def test_a_settings_object_does_not_change(load: Load) -> None:
    settings = load(PRODUCTION)
    with pytest.raises(AttributeError):
        settings.signup = "invited"  # type: ignore[misc,assignment]
    assert replace(settings, app_name="Other").app_name == "Other"


class TestWhereAValueComesFrom:
    def test_configuration_then_environment_then_file(self, load: Load, tmp_path: Path) -> None:
        lines = [f"{name}={text}" for name, text in PRODUCTION.items()]
        lines += ["GATEHOUSE_APP_NAME=file", "GATEHOUSE_IDLE_TIMEOUT=1m", "GATEHOUSE_DEFAULT_ROLE=editor"]
        (tmp_path / ".env").write_text("\n".join(lines))
        environ = {"GATEHOUSE_APP_NAME": "environment", "GATEHOUSE_IDLE_TIMEOUT": "2m"}
        config = {"GATEHOUSE_APP_NAME": "configuration", "GATEHOUSE_IDLE_TIMEOUT": None, "DEBUG": True}
        settings = load(environ, config)
        assert settings.app_name == "configuration"
        assert settings.idle_timeout == timedelta(minutes=2)
        assert settings.default_role == "editor"

    def test_the_process_environment_is_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, text in PRODUCTION.items():
            monkeypatch.setenv(name, text)
        assert Settings.load() == Settings.load({}, PRODUCTION, directory=Path.cwd())

    def test_the_file_does_not_change_the_environment(self, load: Load, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("GATEHOUSE_APP_NAME=file\n")
        load(PRODUCTION)
        assert "GATEHOUSE_APP_NAME" not in os.environ

    def test_a_host_may_use_values_of_python(self, load: Load) -> None:
        config = {
            "SECRET_KEY": KEY.encode(),
            "SECRET_KEY_FALLBACKS": [KEY[::-1]],
            "GATEHOUSE_IDLE_TIMEOUT": timedelta(minutes=5),
            "GATEHOUSE_TRUSTED_PROXIES": 1,
            "GATEHOUSE_ALLOWED_DOMAINS": {"corp.example"},
            "GATEHOUSE_BASE_URL": "https://app.example.com",
        }
        settings = load({}, config)
        assert settings.secret_key == Secret(KEY)
        assert settings.secret_key_fallbacks == (Secret(KEY[::-1]),)
        assert settings.idle_timeout == timedelta(minutes=5)
        assert settings.trusted_proxies == 1
        assert settings.allowed_domains == {"corp.example"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("sqlite:///gate.db", "sqlite:///{here}/gate.db"),
        ("sqlite:///data/gate.db?timeout=5", "sqlite:///{here}/data/gate.db?timeout=5"),
        ("sqlite:////var/gate.db", "sqlite:////var/gate.db"),
        ("postgres://db/gate", "postgresql://db/gate"),
        ("postgresql://u:p%23@db:5433/gate", "postgresql://u:p%23@db:5433/gate"),
        ("postgresql+psycopg://db/gate", "postgresql+psycopg://db/gate"),
        ("postgresql://gate@/gate?host=/run/postgresql", "postgresql://gate@/gate?host=/run/postgresql"),
    ],
)
def test_database_addresses_are_absolute(load: Load, tmp_path: Path, address: str, expected: str) -> None:
    settings = load(PRODUCTION | {"DATABASE_URL": address})
    assert settings.database_url == Secret(expected.format(here=tmp_path))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://app.example.com/", "https://app.example.com"),
        ("https://App.Example.COM", "https://app.example.com"),
        ("HTTPS://app.example.com", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_the_base_url_is_written_as_browsers_write_an_origin(load: Load, address: str, expected: str) -> None:
    settings = load(PRODUCTION | {"GATEHOUSE_BASE_URL": address}, url_prefix="/gate/")
    assert settings.base_url == expected
    assert settings.external_url("/auth/login") == f"{expected}/gate/auth/login"


class TestProviders:
    def test_they_stand_in_one_order(self, load: Load) -> None:
        others = {key.replace("CORP", name): text for name in ("ZOO", "BIG_CORP") for key, text in CORP.items()}
        google = {"GOOGLE_CLIENT_ID": "gate", "GOOGLE_CLIENT_SECRET": "hush"}
        github = {"GITHUB_CLIENT_ID": "gate", "GITHUB_CLIENT_SECRET": "hush"}
        settings = load(PRODUCTION | others | github | google)
        assert [provider.name for provider in settings.providers] == ["google", "github", "big_corp", "zoo"]
        assert settings.providers[0].issuer == "https://accounts.google.com"
        assert settings.provider("zoo") == settings.providers[3]
        assert settings.provider("nobody") is None

    def test_what_is_not_said_is_strict(self, load: Load) -> None:
        assert load(PRODUCTION | CORP).providers == (
            ProviderSettings(
                name="corp",
                kind=ProviderKind.OIDC,
                issuer="https://login.corp.example",
                client_id="gate",
                client_secret=Secret("hush"),
                label="Corp",
                scope="openid email profile",
                email_domains=frozenset(),
            ),
        )

    def test_an_issuer_is_kept_to_the_letter(self, load: Load) -> None:
        """It is compared with what the provider writes: a slash more is another issuer."""
        issuer = "https://Login.Corp.example/realms/x/"
        assert load(PRODUCTION | CORP | {"GATEHOUSE_OIDC_CORP_ISSUER": issuer}).providers[0].issuer == issuer


class TestDevelopment:
    def test_it_needs_nothing(self, load: Load) -> None:
        settings = load(DEVELOPMENT)
        assert settings.development
        assert settings.base_url == "http://localhost:5000"
        assert load(DEVELOPMENT | {"PORT": "8000"}).base_url == "http://localhost:8000"

    def test_a_wrong_port_is_one_problem(self, problems: Callable[..., list[str]]) -> None:
        assert problems(DEVELOPMENT | {"PORT": "http"}) == ["PORT must be a number between 1 and 65535."]

    def test_plain_http_is_for_this_machine_alone(self, load: Load, problems: Callable[..., list[str]]) -> None:
        for host in ("localhost:8000", "127.0.0.1", "[::1]:5000", "gate.localhost"):
            assert load(DEVELOPMENT | {"GATEHOUSE_BASE_URL": f"http://{host}"}).base_url == f"http://{host}"
        for host in ("app.example.com", "10.0.0.1", "localhost.example.com"):
            assert len(problems(DEVELOPMENT | {"GATEHOUSE_BASE_URL": f"http://{host}"})) == 1

    def test_an_issuer_may_be_on_this_machine(self, load: Load, problems: Callable[..., list[str]]) -> None:
        here = CORP | {"GATEHOUSE_OIDC_CORP_ISSUER": "http://localhost:9000"}
        assert load(DEVELOPMENT | here).providers[0].issuer == "http://localhost:9000"
        assert len(problems(DEVELOPMENT | CORP | {"GATEHOUSE_OIDC_CORP_ISSUER": "http://login.corp.example"})) == 1

    def test_its_key_is_private_and_lasts(self, load: Load, tmp_path: Path) -> None:
        first, second = load(DEVELOPMENT), load(DEVELOPMENT)
        assert first.secret_key == second.secret_key
        assert len(first.secret_key.reveal()) == 43
        assert [path.name for path in (tmp_path / "instance").iterdir()] == ["development-secret-key"]
        assert stat.S_IMODE((tmp_path / "instance/development-secret-key").stat().st_mode) == 0o600

    def test_processes_that_start_at_once_agree_on_the_key(self, load: Load) -> None:
        barrier = Barrier(8)

        def start(_: int) -> str:
            barrier.wait(5)
            return load(DEVELOPMENT).secret_key.reveal()

        with ThreadPoolExecutor(8) as threads:
            keys = set(threads.map(start, range(8)))
        assert len(keys) == 1
        assert len(keys.pop()) == 43

    def test_a_key_of_ones_own_wins(self, load: Load, tmp_path: Path) -> None:
        assert load(DEVELOPMENT | {"SECRET_KEY": "short"}).secret_key == Secret("short")
        assert not (tmp_path / "instance").exists()


def test_what_a_file_adds_at_its_end_is_no_part_of_a_value(load: Load) -> None:
    settings = load(
        DEVELOPMENT | {"SECRET_KEY": "k" * 32 + "\n", "GITHUB_CLIENT_ID": " id", "GITHUB_CLIENT_SECRET": "secret\r\n"},
        {"GATEHOUSE_METRICS_TOKEN": "token\n"},
    )
    (github,) = settings.providers
    assert (settings.secret_key.reveal(), github.client_id, github.client_secret.reveal()) == ("k" * 32, "id", "secret")
    assert settings.metrics_token == Secret("token")


def test_of_a_key_of_bytes_nothing_is_taken_away(load: Load) -> None:
    key = b" " + bytes(range(30)) + b"\n"
    assert load(DEVELOPMENT, {"SECRET_KEY": key}).secret_key.reveal() == key.decode("latin-1")


@pytest.mark.parametrize("host", ["localhost", "gate.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example.com", "notlocalhost", "10.0.0.1", "::", "example.com"])
def test_anything_else_is_not(host: str) -> None:
    assert not is_loopback(host)

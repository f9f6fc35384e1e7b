"""What does not start, and says everything that is wrong at once, and nothing that is secret."""

import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from tests.nodes.sites import console_script
from tests.ports import free_port
from tests.processes import PATIENCE_S, PROGRAMS, running_gatehouse

GOOD_KEY = "mQ3v0cVbq8yT1nZ5wX7eR2uK9sLhJ4dF6gPaOiUy"
KNOWN_KEY = "CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET"
GOOD = {"SECRET_KEY": GOOD_KEY, "GATEHOUSE_BASE_URL": "https://gate.example.com"}


def start(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Start gunicorn as an operator would, and wait for it to give up."""
    options = ("--no-control-socket", "--bind", f"127.0.0.1:{free_port()}")
    return subprocess.run(
        [PROGRAMS / "gunicorn", "flask_gatehouse.wsgi:app", *options],
        env={"PATH": "/usr/bin:/bin"} | dict(environment),
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"SECRET_KEY": ""}, ["SECRET_KEY is missing."]),
        ({"SECRET_KEY": KNOWN_KEY}, ["SECRET_KEY holds a key from an example"]),
        (
            # Everything at once: whoever mends one mistake should not be shown the next one.
            {
                "SECRET_KEY": "hunter2-hunter2",
                "SECRET_KEY_FALLBACKS": KNOWN_KEY,
                "GATEHOUSE_BASE_URL": "http://gate.example.com",
                "GATEHOUSE_IDLE_TIMEOUTS": "5m",
                "GATEHOUSE_SESSION_LIFETIME": "soon-soon",
                "DATABASE_URL": "mysql://root:hunter3@db/gate",
                "GOOGLE_CLIENT_ID": "x",
            },
            [
                "SECRET_KEY holds a key that can be guessed",
                "SECRET_KEY_FALLBACKS holds a key from an example",
                "GATEHOUSE_BASE_URL must begin with https://.",
                "GATEHOUSE_IDLE_TIMEOUTS is not a setting. Did you mean GATEHOUSE_IDLE_TIMEOUT?",
                "GATEHOUSE_SESSION_LIFETIME ",
                "DATABASE_URL must begin with",
                "GOOGLE_CLIENT_SECRET is missing",
            ],
        ),
        ({"GATEHOUSE_BASE_URL": ""}, ["GATEHOUSE_BASE_URL is missing."]),
        # Loopback is no excuse outside of development.
        ({"GATEHOUSE_BASE_URL": "http://localhost:5000"}, ["GATEHOUSE_BASE_URL must begin with https://."]),
    ],
    ids=["no key", "known key", "everything", "no address", "http"],
)
def test_production_does_not_start_on(changes: dict[str, str], sentences: list[str]) -> None:
    ended = start(GOOD | changes)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 3
    assert "Gatehouse cannot start:" in said
    assert all(f"\n  - {sentence}" in said for sentence in sentences), said
    assert not any(held in said for held in (KNOWN_KEY, "hunter2", "hunter3", GOOD_KEY, "soon-soon"))


def test_production_has_no_embedded_provider() -> None:
    with running_gatehouse(
        GOOD | {"GATEHOUSE_ENV": "production", "GATEHOUSE_TRUSTED_PROXIES": "1"}, server="gunicorn"
    ) as node:
        by_https = {"X-Forwarded-Proto": "https"}
        assert requests.get(f"{node.base_url}/auth/login", headers=by_https, timeout=PATIENCE_S).status_code == 200
        for path in ("/dev/provider/.well-known/openid-configuration", "/dev/provider/authorize", "/auth/login/dev"):
            answer = requests.get(node.base_url + path, headers=by_https, timeout=PATIENCE_S, allow_redirects=False)
            assert answer.status_code == 404, path
        claimed = requests.post(
            f"{node.base_url}/dashboard/administrator", headers=by_https, timeout=PATIENCE_S, allow_redirects=False
        )
        assert claimed.status_code == 404


def test_development_elsewhere_has_no_embedded_provider() -> None:
    with running_gatehouse({"GATEHOUSE_BASE_URL": "https://gate.example.com"}, server="gunicorn") as node:
        answer = requests.get(f"{node.base_url}/dev/provider/jwks", timeout=PATIENCE_S)
        assert answer.status_code == 404
        assert "embedded provider" in node.log


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "gatehouse run is for development. Set GATEHOUSE_ENV=development on your own machine"),
        (GOOD, "gatehouse run is for development. Set GATEHOUSE_ENV=development on your own machine"),
        (
            {"GATEHOUSE_ENV": "development", "GATEHOUSE_BASE_URL": "https://gate.example.com"},
            "The embedded provider needs a GATEHOUSE_BASE_URL on this machine",
        ),
        (
            {"GATEHOUSE_ENV": "development", "GATEHOUSE_TRUSTED_PROXIES": "1"},
            "GATEHOUSE_TRUSTED_PROXIES must be 0 beside the embedded provider",
        ),
        ({"GATEHOUSE_ENV": "development", "GATEHOUSE_BASE_URL": "http://10.0.0.7"}, "must begin with https://"),
    ],
    ids=["nothing", "production", "elsewhere", "behind a proxy", "in the house"],
)
def test_the_development_server_does_not_start_on(environment: dict[str, str], sentence: str, tmp_path: Path) -> None:
    ended = console_script(["run"], environment, tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_command_without_its_configuration_says_so(tmp_path: Path) -> None:
    ended = console_script(["sessions", "revoke", "--all"], {}, tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Gatehouse cannot start:\n")
    assert "gatehouse run" not in ended.stderr


def test_a_key_of_its_own_is_made_once_in_development(tmp_path: Path) -> None:
    environment = {"GATEHOUSE_ENV": "development"}
    assert console_script(["db", "upgrade"], environment, tmp_path).returncode == 0
    (key,) = (tmp_path / "instance").glob("*secret-key*")
    made = key.read_text()
    assert key.stat().st_mode & 0o077 == 0
    assert console_script(["db", "check"], environment, tmp_path).stdout.startswith("The database is at migration")
    assert key.read_text() == made
    assert len(made) >= len(secrets.token_urlsafe(32))

"""``gatehouse audit keygen``."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from flask_gatehouse.app import create_app, main
from flask_gatehouse.audit.keys import read_key
from flask_gatehouse.audit.note_keys import SigningKey, VerifierKey
from tests.web.conftest import development, state_of

Run = Callable[..., Result]


@pytest.fixture
def run(sqlite_url: str) -> Iterator[Run]:
    apps = []

    def run(**settings: str) -> Result:
        app = create_app(development(sqlite_url, **settings))
        apps.append(app)
        return app.test_cli_runner().invoke(args=["gatehouse", "audit", "keygen"])

    yield run
    for app in apps:
        state_of(app).database.engine.dispose()


def test_a_key_is_made_where_the_settings_say(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "keys/audit.key"
    made = run(GATEHOUSE_AUDIT_KEY_FILE=str(path), GATEHOUSE_BASE_URL="http://localhost:8000")
    assert made.exit_code == 0, made.output
    key = read_key(path)
    assert isinstance(key, SigningKey)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # A script takes what is printed; a person is told the rest.
    assert VerifierKey.parse(made.stdout.removesuffix("\n")) == key.verifier
    assert key.name == "localhost"
    assert str(path) in made.stderr
    assert key.reveal()[-20:] not in made.output


def test_a_key_that_is_there_stays(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    assert run(GATEHOUSE_AUDIT_KEY_FILE=str(path)).exit_code == 0
    before = path.read_bytes()
    again = run(GATEHOUSE_AUDIT_KEY_FILE=str(path))
    assert again.exit_code == 1
    assert f"{path} exists already" in again.stderr
    assert again.stdout == ""
    assert path.read_bytes() == before


def test_without_the_setting_nothing_is_made(run: Run) -> None:
    refused = run(GATEHOUSE_AUDIT_KEY_FILE="")
    assert refused.exit_code == 1
    assert "GATEHOUSE_AUDIT_KEY_FILE is missing" in refused.stderr


def test_a_place_that_cannot_be_written_is_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = run(GATEHOUSE_AUDIT_KEY_FILE=str(tmp_path / "file/audit.key"))
    assert refused.exit_code == 1
    assert "cannot be used" in refused.stderr
    assert "Traceback" not in refused.output


def test_it_belongs_to_the_console_script_too() -> None:
    assert "audit" in main.deferred

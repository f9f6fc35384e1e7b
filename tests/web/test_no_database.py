"""Commands where the path of the database is mistyped, or nobody has made one yet."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from flask_gatehouse.app import create_app
from flask_gatehouse.audit.keys import write_key
from flask_gatehouse.audit.note_keys import SigningKey
from tests.web.conftest import development, state_of

Run = Callable[..., Result]
# All that ask a database, but those whose work it is to make one: ``db upgrade``, ``run`` and ``restore``.
ASKING = [
    ("audit", "checkpoint"),
    ("audit", "cut"),
    ("audit", "export"),
    ("backup", "today.backup"),
    ("backup", "--drill"),
    ("create-admin", "ada@example.com"),
    ("db", "check"),
    ("erase", "ada@example.com", "--yes"),
    ("explain", "ada@example.com", "GET", "/users"),
    ("export", "ada@example.com"),
    ("release", "ada@example.com"),
    ("sessions", "revoke", "--all"),
    ("sessions", "revoke", "--user", "ada@example.com"),
    ("worker",),
]


def operated(database: Path, folder: Path) -> Flask:
    """Return an application for which each command has all that it needs, but a database."""
    key = folder / "audit.key"
    write_key(key, SigningKey.generate("localhost"))
    config = development(
        f"sqlite:///{database}",
        GATEHOUSE_AUDIT_KEY_FILE=str(key),
        GATEHOUSE_AUDIT_RETENTION="365d",
        GATEHOUSE_AUDIT_ARCHIVE_DIR=str(folder / "archives"),
    )
    return create_app(config)


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    return tmp_path / "mistyped/gatehouse.db"


@pytest.fixture
def run(database_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)
    app = operated(database_file, tmp_path)
    yield lambda *words: app.test_cli_runner().invoke(args=["gatehouse", *words])
    state_of(app).database.engine.dispose()


@pytest.fixture
def secluded(tmp_path: Path) -> Path:
    """A place of which the system does not say whether anything is there, as of a folder that one may not enter.

    Nobody may forbid that to root, as whom tests may run: a name that is too long is refused to everybody.
    """
    return tmp_path / ("x" * 300)


@pytest.fixture
def secluded_app(secluded: Path, tmp_path: Path) -> Iterator[Flask]:
    app = operated(secluded, tmp_path)
    yield app
    state_of(app).database.engine.dispose()


def absent(path: Path) -> str:
    return f"there is no database at {path}; look at its address, or make it: gatehouse db upgrade"


@pytest.mark.parametrize("words", ASKING, ids="-".join)
def test_who_only_asks_a_database_makes_none(run: Run, database_file: Path, words: tuple[str, ...]) -> None:
    """A mistyped path would leave an empty file behind, and look like a database that lacks its tables."""
    done = run(*words)
    assert (done.exit_code, done.stderr) == (1, f"Error: {absent(database_file)}.\n")
    assert not database_file.parent.exists()


def test_a_judge_cannot_judge(run: Run, database_file: Path) -> None:
    done = run("audit", "verify")
    assert (done.exit_code, done.stderr) == (2, f"Error: {absent(database_file)}.\n")
    assert not database_file.parent.exists()


def test_a_doctor_says_what_is_wrong(run: Run, database_file: Path) -> None:
    done = run("doctor")
    assert done.exit_code == 1
    assert f"There is no database at {database_file}." in done.stdout
    assert not database_file.parent.exists()


def test_whether_alerts_arrive_is_no_question_to_a_database(run: Run, database_file: Path) -> None:
    assert run("alerts", "test").exit_code == 0
    assert not database_file.parent.exists()


def test_it_is_asked_as_soon_as_somebody_has_made_it(run: Run, database_file: Path) -> None:
    assert run("sessions", "revoke", "--all").exit_code == 1
    assert run("db", "upgrade").exit_code == 0
    assert run("sessions", "revoke", "--all").exit_code == 0


def test_a_file_without_tables_is_a_sentence_too(run: Run, database_file: Path) -> None:
    """What an export reads past SQLAlchemy fails as all else does."""
    database_file.parent.mkdir()
    database_file.touch()
    done = run("audit", "export")
    assert done.exit_code == 1
    assert done.stderr == "Error: the database lacks tables of this release; run: gatehouse db upgrade.\n"


@pytest.mark.parametrize("words", ASKING, ids="-".join)
def test_one_that_may_not_be_looked_for_is_a_sentence(
    secluded_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = secluded_app.test_cli_runner().invoke(args=["gatehouse", *words])
    assert (done.exit_code, done.stderr) == (1, "Error: the database (File name too long) is not available.\n")


def test_it_is_no_database_to_make_either(secluded_app: Flask) -> None:
    done = secluded_app.test_cli_runner().invoke(args=["gatehouse", "db", "upgrade"])
    assert (done.exit_code, done.stderr) == (1, "Error: unable to open database file\n")


@pytest.mark.parametrize(("path", "said"), [("/readyz", "does not answer"), ("/dashboard", "Back in a moment")])
def test_a_request_is_put_off_by_it(secluded_app: Flask, path: str, said: str) -> None:
    client = secluded_app.test_client()
    client.set_cookie("gatehouse", "x" * 43)
    answer = client.get(path)
    assert answer.status_code == 503
    assert said in answer.text

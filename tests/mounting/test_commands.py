"""``flask gatehouse …`` in a host: by its test runner, and as an operator types it."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, inspect, text

from flask_gatehouse import Role
from flask_gatehouse.db.schema import HEAD
from flask_gatehouse.testing import sign_in_as
from tests.mounting.hosts import KEY, SOURCES, bare, engine_of, shared, state_of
from tests.ports import free_port
from tests.processes import PATIENCE_S, PROGRAMS

HOST = """
from flask import Flask
from flask_gatehouse import Gatehouse, current_user, login_required

app = Flask(__name__)
Gatehouse(app, url_prefix="/door")


@app.get("/mine")
@login_required
def mine():
    return current_user.name
"""


@pytest.fixture(params=["flask_sqlalchemy", "sessionmaker"])
def app(request: pytest.FixtureRequest, database_url: str) -> Iterator[Flask]:
    with shared(request.param, database_url) as (app, _db, _engine):
        yield app


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["gatehouse", *arguments])


def test_the_schema_is_brought_and_checked(tmp_path: Path) -> None:
    with shared("flask_sqlalchemy", f"sqlite:///{tmp_path / 'host.db'}") as (app, _db, engine):
        before = run(app, "db", "check")
        assert before.exit_code == 1
        assert "no migration" in before.output
        for _ in range(2):
            assert run(app, "db", "upgrade").exit_code == 0
        after = run(app, "db", "check")
        assert (after.exit_code, after.output) == (0, f"The database is at migration {HEAD}.\n")
        assert {"things", "gatehouse_users"} <= set(inspect(engine).get_table_names())


def test_an_administrator_is_made_in_the_hosts_database(app: Flask) -> None:
    client = app.test_client()
    sign_in_as(client, Role.VIEWER, email="ada@example.com")
    assert client.get("/administrators").status_code == 403
    made = run(app, "create-admin", "Ada@Example.com")
    assert made.exit_code == 0, made.output
    assert client.get("/administrators").status_code == 200
    again = run(app, "create-admin", "ada@example.com")
    assert again.exit_code == 1
    assert "already" in again.output
    waiting = run(app, "create-admin", "bob@example.com")
    assert waiting.exit_code == 0
    assert "first sign-in" in waiting.output


def test_somebody_whom_no_address_names_becomes_an_administrator(app: Flask) -> None:
    """A provider that verifies no addresses, such as Entra, leaves nothing else to name its first person by."""
    client = app.test_client()
    who = sign_in_as(client, Role.VIEWER)
    with app.app_context(), state_of(app).database.transaction() as db:
        db.execute(text("UPDATE gatehouse_users SET email = NULL"))
    made = run(app, "create-admin", f"user:{who.user_id}")
    assert (made.exit_code, made.output) == (0, f"user:{who.user_id} is an administrator now.\n")
    assert client.get("/administrators").status_code == 200
    assert run(app, "create-admin", f"user:{who.user_id}").exit_code == 1
    assert "may." in run(app, "explain", f"user:{who.user_id}", "GET", "/administrators").output
    assert run(app, "create-admin", "other@example.com").exit_code == 0
    exported = run(app, "audit", "export", "--format", "csv", "--user", f"user:{who.user_id}").output
    assert ("authz_change" in exported, "invite_created" in exported) == (True, False)
    assert run(app, "release", f"user:{who.user_id}").output == f"user:{who.user_id} was not locked.\n"
    assert run(app, "sessions", "revoke", "--user", f"user:{who.user_id}").output == "One session was ended.\n"
    assert client.get("/administrators").status_code == 302
    unknown = run(app, "create-admin", "user:404")
    assert (unknown.exit_code, unknown.output) == (1, "Error: no user 404.\n")


def test_sessions_are_ended(app: Flask) -> None:
    ada, bob = app.test_client(), app.test_client()
    sign_in_as(ada, email="ada@example.com")
    sign_in_as(bob, email="bob@example.com")
    ended = run(app, "sessions", "revoke", "--user", "ada@example.com")
    assert (ended.exit_code, ended.output) == (0, "One session was ended.\n")
    # As a script says it whose variable is empty.
    assert run(app, "sessions", "revoke", "--user", "", "--all").exit_code == 2
    assert (ada.get("/mine").status_code, bob.get("/mine").status_code) == (302, 200)
    assert run(app, "sessions", "revoke", "--all").exit_code == 0
    assert bob.get("/mine").status_code == 302
    assert run(app, "sessions", "revoke").exit_code == 2
    assert run(app, "sessions", "revoke", "--user", "nobody@example.com").exit_code == 1


@pytest.mark.parametrize("address", ["ada@localhost", "ada@corp.local", "ada..king@example.com"])
def test_whoever_has_come_in_by_an_address_is_found_by_it(app: Flask, address: str) -> None:
    """Providers of a house state names of its own, which mail from outside does not know."""
    client = app.test_client()
    sign_in_as(client, Role.VIEWER, email=address)
    assert run(app, "create-admin", address.upper()).output == f"{address.upper()} is an administrator now.\n"
    assert "may." in run(app, "explain", address, "GET", "/administrators").output
    assert run(app, "sessions", "revoke", "--user", address).output == "One session was ended.\n"
    assert f'"{address}"' in run(app, "export", address).output


@pytest.mark.parametrize("value", ["ada", "ada@", "a@b@localhost", "Ada <ada@localhost>", "ada@local host"])
def test_what_is_no_address_is_no_argument(app: Flask, value: str) -> None:
    refused = run(app, "explain", value, "GET", "/")
    assert (refused.exit_code, "Invalid value for 'EMAIL'" in refused.output) == (2, True)


def test_commands_of_a_host_that_has_its_own_of_the_same_names(sqlite_url: str) -> None:
    app = bare(sqlite_url)
    app.cli.command("db")(lambda: print("the host's own"))  # noqa: T201 - what a command does
    db = SOURCES["flask_sqlalchemy"](app, sqlite_url)
    with app.app_context():
        engine: Engine = engine_of(db)
    from_host = app.test_cli_runner().invoke(args=["db"])
    assert from_host.output == "the host's own\n"
    engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(HOST)
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "GATEHOUSE_ENV": "development",
        "SECRET_KEY": KEY,
        "DATABASE_URL": f"sqlite:///{folder / 'shop.db'}",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "error",
    }


def flask(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAMS / "flask", "--app", "shop", "gatehouse", *arguments],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_an_operator_types_it(folder: Path) -> None:
    assert flask(folder, "db", "check").returncode == 1
    assert flask(folder, "db", "upgrade").returncode == 0
    checked = flask(folder, "db", "check")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, f"The database is at migration {HEAD}.\n", "")
    assert flask(folder, "create-admin", "ada@example.com").returncode == 0


def test_the_worker_runs_until_it_is_told_to_stop(folder: Path) -> None:
    assert flask(folder, "db", "upgrade").returncode == 0
    process = subprocess.Popen(
        [PROGRAMS / "flask", "--app", "shop", "gatehouse", "worker"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    timer = threading.Timer(PATIENCE_S, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        assert "is running" in process.stdout.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, rest) == (0, "")
    finally:
        timer.cancel()
        process.kill()
        process.wait()


def test_the_development_server_lets_a_developer_in(folder: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [PROGRAMS / "flask", "--app", "shop", "gatehouse", "run"],
        cwd=folder,
        env=environment(folder) | {"PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    timer = threading.Timer(PATIENCE_S, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert f"http://localhost:{port}" in said, said + process.stdout.read()
        with requests.Session() as browser:
            browser.trust_env = False
            choice = browser.get(f"http://localhost:{port}/mine", timeout=PATIENCE_S)
            assert choice.url == f"http://localhost:{port}/door/auth/login?next=%2Fmine"
            choice = browser.get(f"http://localhost:{port}/door/auth/login/dev?next=/mine", timeout=PATIENCE_S)
            form = re.search(r'action="([^"]+)">\s*<input type="hidden" name="asked" value="([^"]+)"', choice.text)
            assert form is not None
            answer = browser.post(
                f"http://localhost:{port}{form[1]}",
                data={"asked": form[2], "email": "ada@example.com", "name": "Ada"},
                timeout=PATIENCE_S,
            )
            assert (answer.url, answer.text) == (f"http://localhost:{port}/mine", "Ada")
    finally:
        timer.cancel()
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, rest) == (0, "")

"""``/admin/audit-logs/export`` and ``gatehouse audit export``."""

import html
import json
import os
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from flask_gatehouse import Role
from flask_gatehouse.app import create_app
from flask_gatehouse.audit import record
from flask_gatehouse.audit.errors import UnprovableEvent
from flask_gatehouse.audit.sealing import Sealer
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.testing import sign_in_as
from tests.web.conftest import development, state_of

EXPORT = "/admin/audit-logs/export"


def seal(app: Flask) -> None:
    Sealer(state_of(app).database, "localhost").seal()


def events(app: Flask, name: str = "audit_exported") -> list[dict[str, Any]]:
    with state_of(app).database.reading() as connection:
        rows = connection.execute(
            text("SELECT body, personal FROM gatehouse_audit_events WHERE event = :name ORDER BY id"), {"name": name}
        )
        return [json.loads(row.body) | {"kept": json.loads(row.personal or "{}")} for row in rows]


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in_as(client, Role.ADMIN, email="ada@example.com", name="Ada")
    seal(app)
    return client


def test_it_is_a_file_with_everything(app: Flask, admin: FlaskClient) -> None:
    answer = admin.get(EXPORT)
    header, *found, end = map(json.loads, answer.text.splitlines())
    assert (answer.status_code, answer.mimetype) == (200, "application/jsonl")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=audit-20")
    assert answer.headers["Content-Disposition"].endswith("Z.jsonl")
    assert answer.headers["Cache-Control"] == "no-store"
    assert (header["filters"], end["events"]) == ({}, len(found))
    assert len(found) >= 2


@pytest.mark.parametrize(
    ("form", "kind", "suffix"), [("csv", "text/csv", ".csv"), ("ocsf", "application/jsonl", ".ocsf.jsonl")]
)
def test_other_formats_have_their_names(admin: FlaskClient, form: str, kind: str, suffix: str) -> None:
    answer = admin.get(EXPORT, query_string={"format": form})
    assert (answer.status_code, answer.mimetype) == (200, kind)
    assert answer.headers["Content-Type"].count("charset") == (kind == "text/csv")
    assert answer.headers["Content-Disposition"].endswith(suffix)
    # They prove nothing, and have what is not sealed yet: their own event too.
    assert "audit_exported" in answer.text


def test_it_is_recorded_before_the_first_byte_leaves(app: Flask, admin: FlaskClient) -> None:
    with admin.get(EXPORT, query_string={"outcome": "denied", "ip": "192.0.2.7"}, buffered=False) as answer:
        assert answer.status_code == 200
        (recorded,) = events(app)
    assert recorded["actor"]["kind"] == "user"
    assert recorded["details"] == {"filters": {"outcome": "denied"}, "format": "jsonl", "unproven": False}
    # Details stay for good, and an address is about a person.
    assert "192.0.2.7" not in json.dumps(recorded["details"])
    assert recorded["kept"]["ip_asked_for"]["value"] == "192.0.2.7"


@pytest.mark.parametrize("said", ["true", "0", "yes", "11"])
def test_what_is_not_proven_is_asked_for_in_one_way(app: Flask, admin: FlaskClient, said: str) -> None:
    refused = admin.get(EXPORT, query_string={"unproven": said}, headers={"Accept": "application/json"})
    assert (refused.status_code, list(refused.get_json()["fields"]), events(app)) == (422, ["unproven"], [])
    assert admin.get(EXPORT, query_string={"unproven": "1"}).status_code == 200
    assert [recorded["details"]["unproven"] for recorded in events(app)] == [True]


def test_what_was_typed_stays_in_the_trail_only_if_the_trail_says_it_itself(app: Flask, admin: FlaskClient) -> None:
    with state_of(app).database.transaction() as db:
        record("article.published", resource=("article", 1), session=db)
    for asked in (
        {"event": "article.published", "q": "article:1"},
        {"event": "grace@example.org", "q": "mailto:grace@example.org"},
    ):
        assert admin.get(EXPORT, query_string={"format": "csv", **asked}).status_code == 200
    # The page takes for the name of a request or of a session only what the trail knows as one.
    for option in ("--request=ffffffffffffffff", "--session=Grace"):
        program = app.test_cli_runner().invoke(args=["gatehouse", "audit", "export", "--format=csv", option])
        assert program.exit_code == 0, program.output
    assert [recorded["details"]["filters"] for recorded in events(app)] == [
        {"event": "article.published", "target": "article:1"},
        {"event": True, "target": True},
        {"request": True},
        {"session": True},
    ]


def test_what_cannot_be_recorded_does_not_leave(app: Flask, admin: FlaskClient) -> None:
    with state_of(app).database.engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER no_export BEFORE INSERT ON gatehouse_audit_events WHEN new.event = 'audit_exported'"
                " BEGIN SELECT RAISE(ABORT, 'not today'); END"
            )
        )
    app.testing = False
    answer = admin.get(EXPORT)
    assert answer.status_code == 500
    assert "gatehouse-audit-export" not in answer.text


def test_the_filters_of_the_page_are_those_of_the_file(app: Flask, admin: FlaskClient) -> None:
    with state_of(app).database.transaction() as db:
        for number in range(3):
            record("article.published", resource=("article", number), session=db)
    seal(app)
    answer = admin.get(EXPORT, query_string={"q": "article:1", "event": "article.published", "when": "today"})
    header, event, _ = map(json.loads, answer.text.splitlines())
    assert header["filters"].keys() == {"event", "since", "target"}
    assert json.loads(event["body"])["target"] == {"id": "1", "type": "article"}
    assert "Ada" not in admin.get(EXPORT, query_string={"who": "Ada", "event": "article.published"}).text


def test_the_page_offers_it_as_it_is_filtered(admin: FlaskClient) -> None:
    page = html.unescape(admin.get("/admin/audit-logs", query_string={"outcome": "success"}).text)
    for form in ("jsonl", "csv", "ocsf"):
        assert f"{EXPORT}?outcome=success&format={form}" in page


@pytest.mark.parametrize(
    "asked", [{"format": "xml"}, {"outcome": "good"}, {"since": "soon"}, {"who": "Nobody here"}, {"form": "csv"}]
)
def test_what_it_does_not_know_is_refused_and_not_recorded(
    app: Flask, admin: FlaskClient, asked: dict[str, str]
) -> None:
    answer = admin.get(EXPORT, query_string=asked, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.get_json()["fields"].keys()) == (422, asked.keys())
    assert events(app) == []


@pytest.mark.parametrize("name", ["who", "q"])
def test_a_file_leaves_nobody_out(app: Flask, admin: FlaskClient, name: str) -> None:
    """The page says that it shows ten of them. A file, or what a program reads, would look as if it were whole."""
    for number in range(11):
        sign_in_as(app.test_client(), email=f"namesake{number}@example.com", name="Namesake")
    seal(app)
    for path in (EXPORT, "/admin/audit-logs"):
        answer = admin.get(path, query_string={name: "namesake"}, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.get_json()["fields"].keys()) == (422, {name})
    assert "these are the events of ten of them" in admin.get(f"/admin/audit-logs?{name}=namesake").text
    # Nobody knows whether she whom the other parameter means is the one who is left out.
    both = {"who": "namesake", "q": "user:4711"}
    for path in (EXPORT, "/admin/audit-logs"):
        answer = admin.get(path, query_string=both, headers={"Accept": "application/json"})
        assert answer.get_json()["fields"].keys() == {"who"}
    assert events(app) == []


@pytest.mark.parametrize("query", ["", "?format=csv", "?who=nobody", "?form=csv"])
def test_who_only_asks_about_a_file_has_taken_none(app: Flask, admin: FlaskClient, query: str) -> None:
    head = admin.head(f"{EXPORT}{query}")
    assert (head.data, events(app)) == (b"", [])
    with admin.get(f"{EXPORT}{query}") as answer:
        assert (head.status_code, head.content_type) == (answer.status_code, answer.content_type)
        assert len(events(app)) == (answer.status_code == 200)


def test_where_nothing_is_sealed_somebody_is_told(app: Flask) -> None:
    client = app.test_client()
    sign_in_as(client, Role.ADMIN)
    answer = client.get(EXPORT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "the worker is not running" in answer.text
    (recorded,) = events(app)
    assert (recorded["outcome"], recorded["reason"]) == ("failure", "nothing_sealed")


def test_an_export_that_breaks_off_is_recorded_as_that(app: Flask, admin: FlaskClient) -> None:
    with state_of(app).database.engine.begin() as connection:
        connection.execute(text("DELETE FROM gatehouse_audit_leaves WHERE position = 1"))
    with admin.get(EXPORT, buffered=False) as answer, pytest.raises(UnprovableEvent):
        assert answer.text == "never whole"
    assert [(event["outcome"], event["reason"]) for event in events(app)] == [
        ("success", None),
        ("failure", "unprovable"),
    ]
    assert {event["actor"]["kind"] for event in events(app)} == {"user"}


def test_it_asks_who_is_there_first(app: Flask, admin: FlaskClient) -> None:
    past = utc_now() - timedelta(hours=1)
    with state_of(app).database.engine.begin() as connection:
        connection.execute(text("UPDATE gatehouse_sessions SET confirmed_at = :past"), {"past": str(past)[:26]})
    answer = admin.get(EXPORT)
    assert answer.status_code == 302
    assert answer.location.startswith("/auth/confirm")
    assert events(app) == []


def test_one_that_is_broken_off_leaves_nothing_open(app: Flask, admin: FlaskClient) -> None:
    with admin.get(EXPORT, buffered=False) as answer:
        next(iter(answer.response))
    assert state_of(app).database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


Run = Callable[..., Result]


@pytest.fixture
def run(sqlite_url: str, tmp_path: Path) -> Iterator[Run]:
    """Runs ``gatehouse audit …`` for an application with a key."""
    key, folder = tmp_path / "audit.key", tmp_path / "checkpoints"
    settings = {"GATEHOUSE_AUDIT_KEY_FILE": str(key), "GATEHOUSE_CHECKPOINT_DIR": str(folder)}
    app = create_app(development(sqlite_url, **settings))
    with state_of(app).database.transaction() as db:
        record("article.published", session=db)

    def run(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=["gatehouse", "audit", *words])

    yield run
    state_of(app).database.engine.dispose()


def test_a_checkpoint_is_signed_now_and_printed(run: Run, tmp_path: Path) -> None:
    public = run("keygen").stdout.strip()
    signed = run("checkpoint")
    assert signed.exit_code == 0, signed.output
    origin, size, _root, empty, signature = signed.stdout.splitlines()
    assert (origin.endswith("/1"), size, empty) == (True, "1", "")
    assert signature.startswith(f"— {public.partition('+')[0]} ")
    (note,) = (tmp_path / "checkpoints").iterdir()
    assert note.read_text(encoding="utf-8") == signed.stdout
    again = run("checkpoint")
    assert (again.exit_code, again.stdout) == (0, signed.stdout)
    assert "Nothing has happened since" in again.stderr


def test_without_a_key_it_says_how_to_get_one(run: Run, sqlite_url: str) -> None:
    missing = run("checkpoint")
    assert missing.exit_code == 1
    assert "gatehouse audit keygen" in missing.stderr
    app = create_app(development(sqlite_url))
    unnamed = app.test_cli_runner().invoke(args=["gatehouse", "audit", "checkpoint"])
    state_of(app).database.engine.dispose()
    assert (unnamed.exit_code, "GATEHOUSE_AUDIT_KEY_FILE is missing" in unnamed.stderr) == (1, True)


def test_a_public_key_signs_nothing(run: Run, tmp_path: Path) -> None:
    public = run("keygen").stdout
    (tmp_path / "audit.key").write_text(public)
    refused = run("checkpoint")
    assert (refused.exit_code, "cannot sign" in refused.stderr) == (1, True)


def test_a_trail_that_does_not_fit_is_not_signed(run: Run, tmp_path: Path, sqlite_url: str) -> None:
    run("keygen")
    run("checkpoint")
    app = create_app(development(sqlite_url))
    with state_of(app).database.engine.begin() as connection:
        connection.execute(text("UPDATE gatehouse_audit_trees SET root = zeroblob(32)"))
    state_of(app).database.engine.dispose()
    refused = run("checkpoint")
    assert (refused.exit_code, "does not continue" in refused.stderr) == (1, True)


def test_the_command_writes_a_file_of_its_own(run: Run, tmp_path: Path) -> None:
    public = run("keygen").stdout.strip()
    run("checkpoint")
    path = tmp_path / "export.jsonl"
    done = run("export", "--output", str(path))
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    assert "1 event is newer than the checkpoint" in done.stderr
    header, event, _ = map(json.loads, path.read_text().splitlines())
    assert (header["key"], event["position"]) == (public, 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    again = run("export", "--output", str(path))
    assert (again.exit_code, "exists already and was left as it is" in again.stderr) == (1, True)
    assert path.read_bytes() == before


def test_without_a_file_it_is_printed(run: Run) -> None:
    run("keygen")
    run("checkpoint")
    printed = run("export", "--unproven", "--event", "article.published")
    header, event, end = map(json.loads, printed.stdout.splitlines())
    assert (header["filters"], event["position"], end["events"]) == ({"event": "article.published"}, 0, 1)
    assert printed.stderr == ""
    assert run("export", "--format", "csv", "--since", "2999-01-01").stdout_bytes.count(b"\r\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "soon"], "must be a day or a moment"),
        (["--ip", "192.0.2"], "must be a network address"),
        (["--ip", ""], "must be a network address"),
        (["--target", "article"], "must be a kind and an id"),
        (["--user", "nobody@example.com"], "Nobody here has the address nobody@example.com."),
        (["--user", "nobody"], "@-sign"),
        (["--user", ""], "@-sign"),
        (["--user", "user:404"], "no user 404"),
        (["--public-key", "x"], "not a key for signed notes"),
        (["--format", "xml"], "is not one of"),
        (["--output", "missing/export.jsonl"], "missing/export.jsonl cannot be written"),
    ],
)
def test_mistakes_are_sentences(run: Run, words: list[str], said: str) -> None:
    run("keygen")
    run("checkpoint")
    refused = run("export", *words)
    assert refused.exit_code in {1, 2}
    assert said in refused.stderr
    assert "Traceback" not in refused.output


def test_a_failure_leaves_no_file(run: Run, tmp_path: Path) -> None:
    run("keygen")
    path = tmp_path / "export.jsonl"
    refused = run("export", "--output", str(path))
    assert (refused.exit_code, "nothing is sealed yet" in refused.stderr) == (1, True)
    assert not os.path.lexists(path)


def test_an_export_is_checked_by_the_command_too(run: Run, tmp_path: Path) -> None:
    run("keygen")
    run("checkpoint")
    path = tmp_path / "export.jsonl"
    run("export", "--output", str(path))
    intact = run("verify", "--from-export", str(path))
    assert intact.exit_code == 0, intact.output
    assert "signed by the key that you gave" in intact.stdout
    assert "INTACT: 1 events are proven" in intact.stdout
    path.write_text(path.read_text().replace("article.published", "article.invented"))
    forged = run("verify", "--from-export", str(path), "--json")
    assert (forged.exit_code, json.loads(forged.stdout)["result"]) == (1, "tampered")
    path.write_text("nothing\n")
    assert run("verify", "--from-export", str(path)).exit_code == 2
    assert run("verify", "--from-export", str(path), "--checkpoint", str(path)).exit_code == 2

"""``gatehouse audit verify``, as an operator types it: exit codes, what it prints, and what the trail says of it."""

import json
import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, text

from flask_gatehouse.audit.keys import write_key
from flask_gatehouse.audit.note_keys import SigningKey
from tests.integration.audit.test_verification import EVENT, EVENTS, TREES, insert_one, swap
from tests.integration.audit.thief import Thief, Trail, forge
from tests.processes import PROGRAMS
from tests.trail import said, sealed

Verify = Callable[..., "subprocess.CompletedProcess[str]"]


def address(url: URL) -> str:
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)


@pytest.fixture
def environment(trail: Trail, tmp_path: Path) -> dict[str, str]:
    write_key(tmp_path / "audit.key", trail.key)
    return {
        "PATH": os.environ["PATH"],
        "GATEHOUSE_ENV": "development",
        "SECRET_KEY": "not-a-secret-of-anybody-0123456789",
        "DATABASE_URL": address(trail.engine.url),
        "GATEHOUSE_AUDIT_KEY_FILE": str(tmp_path / "audit.key"),
        "GATEHOUSE_CHECKPOINT_DIR": str(trail.folder),
    }


@pytest.fixture
def verify(environment: dict[str, str], tmp_path: Path) -> Verify:
    def verify(*arguments: str, **changes: str | None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [PROGRAMS / "gatehouse", "audit", "verify", *arguments],
            cwd=tmp_path,
            env={name: value for name, value in (environment | changes).items() if value is not None},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return verify


def newest(trail: Trail) -> tuple[str, str, dict[str, Any]]:
    """Return name, kind of actor and contents of the newest event."""
    with trail.database.reading() as connection:
        row = connection.execute(text(f"SELECT event, actor_kind, body FROM {EVENTS} ORDER BY id DESC LIMIT 1")).one()
    return row.event, row.actor_kind, said(row.body)


def test_an_intact_trail_is_0_and_says_so_in_the_trail(trail: Trail, verify: Verify) -> None:
    trail.happen(2)
    ended = verify()
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0] == "The trail is intact as far as checkpoints vouch for it."
    assert "Verified events 0 to 299 of epoch 1." in lines
    assert "2 events are not sealed yet: nobody could tell if one of them went." in lines
    reach = {"checkpoints": 6, "outside": 3, "epoch": 1, "from": 0, "to": 300, "vouched": 300}
    assert newest(trail) == ("audit_verify_ok", "cli", reach)


def test_to_verify_leaves_a_trail_that_verifies(trail: Trail, verify: Verify) -> None:
    for _ in range(3):
        assert verify().returncode == 0
        trail.sign()
    assert sealed(trail.database).count("audit_verify_ok") == 3
    assert trail.verify().exit_code == 0


def _renamed(trail: Trail, thief: Thief) -> None:
    thief.rewrite(lambda events: forge(events[0], outcome="failure"))
    thief.run(f"UPDATE {TREES} SET origin = 'gate.example.com/gatehouse/0123456789abcdef/1'")


def _rolled_back(trail: Trail, thief: Thief) -> None:
    thief.rewrite(lambda events: events.__delitem__(slice(250, None)))
    thief.forget_numbers()


def _erased(trail: Trail, thief: Thief) -> None:
    thief.run(EVENT.format("personal = NULL, ip = NULL"), event=thief.event_id(150))


def _rewriting(change: Callable[[list[dict[str, Any]]], object], *, renumber: bool = True) -> Any:
    return lambda trail, thief: thief.rewrite(change, renumber=renumber)


# Each kind, done by somebody who computes everything again that can be computed without the key.
THEFTS: dict[str, tuple[Callable[[Trail, Thief], object], tuple[int, int]]] = {
    "edited": (_rewriting(lambda events: forge(events[150], outcome="failure")), (100, 199)),
    "deleted": (_rewriting(lambda events: events.pop(150), renumber=False), (100, 199)),
    "truncated": (_rewriting(lambda events: events.__delitem__(slice(250, None))), (250, 299)),
    "reordered": (_rewriting(swap), (100, 199)),
    "inserted": (_rewriting(insert_one), (100, 199)),
    "rolled back": (_rolled_back, (250, 299)),
    "unrecorded erasure": (_erased, (150, 150)),
    "wrong epoch": (_renamed, (0, 299)),
}


@pytest.mark.parametrize("kind", THEFTS)
def test_each_kind_of_finding_is_1_and_named_with_its_position(
    trail: Trail, thief: Thief, verify: Verify, kind: str
) -> None:
    steal, (first, last) = THEFTS[kind]
    steal(trail, thief)
    ended = verify()
    assert ended.returncode == 1, ended.stderr
    place = f"position {first}" if first == last else f"positions {first} to {last}"
    assert ended.stdout.startswith(f"The trail was tampered with. The first bad place is {place} of epoch 1: {kind}.\n")
    name, _, details = newest(trail)
    assert (name, details["reason"]) == ("audit_verify_failed", "tampered")
    assert details["finding"] == {"kind": kind, "epoch": 1, "first": first, "last": last}


def test_a_script_is_told_in_json(trail: Trail, thief: Thief, verify: Verify) -> None:
    intact = json.loads(verify("--json").stdout)
    assert (intact["result"], intact["recorded"], intact["epochs"][0]["size"]) == ("intact", True, 300)
    thief.run(EVENT.format("outcome = 'denied'"), event=thief.event_id(5))
    ended = verify("--json")
    found = json.loads(ended.stdout)
    assert (ended.returncode, found["result"], found["findings_count"]) == (1, "tampered", 1)
    assert (found["findings"][0]["kind"], found["findings"][0]["first"]) == ("edited", 5)


def test_a_checkpoint_in_a_file_and_its_public_key_are_enough(trail: Trail, thief: Thief, verify: Verify) -> None:
    """An auditor has neither the folder nor the private key."""
    alone: dict[str, str | None] = {"GATEHOUSE_CHECKPOINT_DIR": None, "GATEHOUSE_AUDIT_KEY_FILE": None}
    kept = trail.folder / "1-000000000200.note"
    arguments = ("--checkpoint", str(kept), "--public-key", str(trail.key.verifier))
    ended = verify(*arguments, **alone)
    assert ended.returncode == 0
    assert "(1-000000000200.note); 100 sealed events are newer than it." in ended.stdout
    thief.rewrite(lambda events: forge(events[150], outcome="failure"))
    assert verify(*arguments, **alone).returncode == 1
    # The honest limit: without what was kept elsewhere, nobody can tell.
    unwatched = verify("--public-key", str(trail.key.verifier), **alone)
    assert unwatched.returncode == 0
    assert "nothing outside of the database vouched for this" in unwatched.stdout


def test_a_checkpoint_of_another_key_decides_nothing(trail: Trail, verify: Verify) -> None:
    stranger = SigningKey.generate("gate.example.com").verifier
    ended = verify("--public-key", str(stranger), GATEHOUSE_AUDIT_KEY_FILE=None)
    assert ended.returncode == 2
    assert ended.stdout.startswith(
        "The trail could not be verified.\nCould not be judged: 6 checkpoints bear the signature of gate.example.com+"
    )
    name, _, details = newest(trail)
    assert (name, details["reason"], details["doubts"]) == ("audit_verify_failed", "undecided", 1)


@pytest.mark.parametrize("content", [b"root:x:0:0:root:/root:/bin/sh\n", b"", b"\xff\xfe"])
def test_a_file_that_is_no_checkpoint_is_refused_and_nothing_is_recorded(
    trail: Trail, verify: Verify, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "passwd").write_bytes(content)
    before = newest(trail)
    ended = verify("--checkpoint", "passwd", GATEHOUSE_AUDIT_KEY_FILE=None)
    assert (ended.returncode, ended.stdout, "passwd" in ended.stderr) == (2, "", True)
    assert newest(trail) == before


@pytest.mark.parametrize(
    ("arguments", "changes", "sentence"),
    [
        (("--public-key", "nonsense"), {}, "not a key for signed notes"),
        (("--checkpoint", "missing.note"), {}, "does not exist"),
        ((), {"GATEHOUSE_AUDIT_KEY_FILE": "/nowhere/audit.key"}, "gatehouse audit keygen"),
        ((), {"DATABASE_URL": "sqlite:////nowhere/gatehouse.db"}, "Error: "),
        ((), {"DATABASE_URL": "mysql://nowhere/"}, "DATABASE_URL"),
        ((), {"GATEHOUSE_ENV": "productoin"}, "GATEHOUSE_ENV"),
    ],
)
def test_whatever_keeps_it_from_verifying_is_2(
    verify: Verify, arguments: tuple[str, ...], changes: dict[str, str], sentence: str
) -> None:
    ended = verify(*arguments, **changes)
    assert ended.returncode == 2, ended.stdout
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_without_our_tables_is_2(sqlite_url: str, verify: Verify, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    ended = verify(DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "Error: the database lacks tables of this release; run: gatehouse db upgrade.\n"


@contextmanager
def unwritable(engine: Engine) -> Iterator[URL]:
    """Yield the address of a database in which nothing can be recorded: by an auditor's role, or behind a lock."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield engine.url
            connection.rollback()
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE ROLE only_reading LOGIN"))
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO only_reading"))
        connection.execute(text("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO only_reading"))
        try:
            yield engine.url.set(username="only_reading")
        finally:
            connection.execute(text("DROP OWNED BY only_reading"))
            connection.execute(text("DROP ROLE only_reading"))


def test_what_cannot_be_written_is_verified_all_the_same(trail: Trail, thief: Thief, verify: Verify) -> None:
    thief.run(EVENT.format("outcome = 'denied'"), event=thief.event_id(5))
    with unwritable(trail.engine) as url:
        ended = verify("--json", DATABASE_URL=address(url))
    assert ended.returncode == 1, ended.stderr
    found = json.loads(ended.stdout)
    assert (found["recorded"], found["findings"][0]["first"]) == (False, 5)
    assert ended.stderr.startswith("This result is not in the trail: ")
    assert newest(trail)[0] == "article.published"


def test_a_terminal_sees_how_far_it_is(trail: Trail, environment: dict[str, str], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    ended = subprocess.run(
        [PROGRAMS / "gatehouse", "audit", "verify"],
        cwd=tmp_path,
        env=environment | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        timeout=300,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert ended.returncode == 0
    assert "Verifying" in shown
    assert "100%" in shown

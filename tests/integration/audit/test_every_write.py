"""Whatever is handed something to write with, in the rooms beside accounts, sessions and sign-in, is in one table here.

Those three have a table of their own in ``test_one_transaction.py``. A new function that is in neither fails both.
"""

import ast
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

import flask_gatehouse
from flask_gatehouse import alerts, audit, ops, privacy
from flask_gatehouse.audit import AuditEvent
from flask_gatehouse.audit.erasure import erase_personal
from flask_gatehouse.audit.sealing import begin_epoch
from flask_gatehouse.audit.verifying import Report
from flask_gatehouse.audit.verifying.recording import record_result
from flask_gatehouse.audit.watching import record_reading
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import SYSTEM, Actor
from tests.integration.audit.test_one_transaction import _takes, refuse_events_after
from tests.integration.audit.thief import Trail

SOURCE = Path(flask_gatehouse.__file__).parent
ADA = Actor(user_id=3, session_id="s" * 22, ip="192.0.2.7", user_agent="Browser/1", kind="user")
Change = Callable[[Database], object]


def writing(change: Callable[[Session], object]) -> Change:
    def write(database: Database) -> None:
        with database.transaction() as db:
            change(db)

    return write


# What changes something of its own, or tells of something that was done, and the events that it leaves.
CHANGES: dict[str, tuple[Change, list[str]]] = {
    "erase_personal": (writing(lambda db: erase_personal(db, ["user:3"])), ["personal_data_erased"]),
    "begin_epoch": (writing(begin_epoch), ["audit_restored"]),
    "record_result": (writing(lambda db: record_result(db, Report(), actor=SYSTEM)), ["audit_verify_ok"]),
    "record_result, failed": (
        writing(lambda db: record_result(db, Report(doubts=["no key"]), actor=SYSTEM)),
        ["audit_verify_failed"],
    ),
    "record_reading": (lambda database: record_reading(database, ADA, {"page": "audit"}), ["sensitive_read"]),
}
# Shown with their events, and with the rollback, in the tests of their rooms.
ELSEWHERE = {
    *{"erase_user", "erase_many", "erase_address", "erase_traces", "replay"},  # tests/integration/privacy
    *{"export_user", "export_address", "PersonalRetention"},  # tests/integration/privacy
    *{"erase_unknown"},  # tests/integration/audit/test_unknown.py
    *{"record_export", "take_export"},  # tests/web/test_audit_export.py
    *{"Retention", "cut"},  # tests/integration/audit/test_retention.py
    *{"make_backup", "look_into", "drill", "restore"},  # tests/nodes/test_backup.py
    *{"Witness"},  # tests/integration/audit/test_checkpoints.py: audit_verify_failed where it refuses to sign
    *{"Verifier"},  # tests/integration/audit/test_verifying_worker.py
    *{"Alerts", "Delivery"},  # tests/integration/alerts: alert_undelivered where a sink takes nothing
    *{"Subject", "try_to_tamper"},  # tests/doctor: what the doctor tries is rolled back
    *{"expire", "forget"},  # the worker's calls of what stands in test_one_transaction.py
}
# What seals, signs and tells is no change of what the trail is about, and would follow itself forever.
MACHINERY = {
    *{"Sealer", "make_checkpoint", "mark_delivered", "together"},
    *{"Cursor", "drop_overdue", "due_groups", "forget_groups", "gather", "mark_told", "note_overdue"},
    *{"invitation_mail", "notice_letter", "notice_mail", "find_witness", "prepare"},
}
# What an erasure leaves to do, once it is recorded: the ledger, and the database's own files.
AFTER_AN_ERASURE = {
    *{"get_key", "note_erasure", "write_out", "carry_out", "overwrite_what_is_deleted", "scrub", "settle"},
    *{"empty_log", "take_turn"},
}
READS = {
    # What the doctor looks at, and its attempt on the guards, of which it takes everything back.
    *{"Subject", "try_to_tamper"},
    # Whether a file could be taken, for somebody who only asks about it.
    "can_be_taken",
    *{"is_named", "get_waiting", "ended_for", "look_into_ledger"},
    *{"stored_tree", "count_events_about", "ended_subjects", "events_about", "subjects_named", "subjects_of_user"},
}


def handed_what_one_can_write_with(room: Any) -> Iterator[str]:
    for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
        for name, member in inspect.getmembers(import_module(module.name)):
            if name[0] == "_" or getattr(member, "__module__", None) != module.name:
                continue
            function = member.__init__ if inspect.isclass(member) else member
            if inspect.isfunction(function) and _takes(function, Session, Database):
                yield name


def test_the_table_knows_everything_that_can_write() -> None:
    listed = {name.partition(",")[0] for name in CHANGES}
    known = listed | ELSEWHERE | MACHINERY | AFTER_AN_ERASURE | READS
    found = {name for room in (audit, privacy, ops, alerts) for name in handed_what_one_can_write_with(room)}
    assert found - known == set()
    assert known - found == set()


def events(trail: Trail) -> list[str]:
    with trail.database.reading() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT event FROM gatehouse_audit_events ORDER BY id")]


def state(trail: Trail) -> list[Any]:
    tables = ("events", "trees", "leaves")
    with trail.database.reading() as connection:
        return [connection.exec_driver_sql(f"SELECT * FROM gatehouse_audit_{name} ORDER BY 1").all() for name in tables]


@pytest.mark.parametrize("name", CHANGES)
def test_each_leaves_its_events(trail: Trail, name: str) -> None:
    change, expected = CHANGES[name]
    before = len(events(trail))
    change(trail.database)
    assert events(trail)[before:] == expected


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_has_happened_where_the_event_cannot_be_written(trail: Trail, name: str) -> None:
    change, _ = CHANGES[name]
    before = state(trail)
    refuse_events_after(trail.database, len(before[0]))
    with pytest.raises(DBAPIError, match="the trail is full"):
        change(trail.database)
    assert state(trail) == before


def test_every_name_of_the_vocabulary_is_recorded_somewhere() -> None:
    """A name that nothing records would be one that an operator waits for in vain."""
    recorded = set()
    for path in SOURCE.rglob("*.py"):
        if path.name in {"events.py", "rules.py", "audit_names.py", "ocsf_classes.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "AuditEvent":
                recorded.add(node.attr)
    missing = {event for event in AuditEvent if event.name not in recorded}
    assert missing == set()

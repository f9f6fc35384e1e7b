"""What the third migration makes of a trail that is there already, and what the fourth keeps from being changed."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text

from flask_gatehouse.audit import record
from flask_gatehouse.db import migrate
from flask_gatehouse.db.database import Database

COLUMNS = (
    "id, occurred_at, event, outcome, actor_kind, actor_id, session_id, resource_type, resource_id, ip, user_agent,"
    " details"
)
INSERT = (
    f"INSERT INTO gatehouse_audit_events ({COLUMNS}) VALUES ({', '.join(f':{name}' for name in COLUMNS.split(', '))})"
)
NOBODY = dict.fromkeys(COLUMNS.split(", "))
FORMER: list[dict[str, Any]] = [
    NOBODY
    | {
        "id": 3,
        "occurred_at": "2026-11-22 10:00:00.000123",
        "event": "authz_change",
        "outcome": "success",
        "actor_kind": "user",
        "actor_id": 12,
        "session_id": "s" * 22,
        "resource_type": "user",
        "resource_id": "7",
        "ip": "203.0.113.9",
        "user_agent": "Browser/1 – größer",
        "details": '{"by": "hand", "changed": {"role": ["viewer", "editor"]}}',
    },
    NOBODY
    | {
        "id": 4,
        "occurred_at": "2026-11-22 10:00:01.000000",
        "event": "authn_login_fail",
        "outcome": "denied",
        "actor_kind": "anonymous",
        "ip": "2001:db8::1",
        "details": '{"provider":"google","reason":"state"}',
    },
    NOBODY
    | {
        "id": 9,
        "occurred_at": "2026-11-22 10:00:02.500000",
        "event": "nightly.import",
        "outcome": "success",
        "actor_kind": "system",
        "details": "{}",
    },
]
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def migrated(engine: Engine, revision: str, *, down: bool = False) -> None:
    config = migrate._config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


def rows_of(engine: Engine) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT * FROM gatehouse_audit_events ORDER BY id"))
        return [dict(row._mapping) for row in found]


def write_as_before(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(INSERT), [row | {"occurred_at": _moment(engine, row)} for row in FORMER])
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('gatehouse_audit_events_id_seq', 11)"))
        else:
            connection.execute(text("UPDATE sqlite_sequence SET seq = 11 WHERE name = 'gatehouse_audit_events'"))


def _moment(engine: Engine, row: Mapping[str, Any]) -> str:
    return str(row["occurred_at"]) + ("+00" if engine.dialect.name == "postgresql" else "")


@pytest.fixture
def old(engine: Engine) -> Engine:
    """A database of the release before, with a trail of three events."""
    migrated(engine, "0002", down=True)
    write_as_before(engine)
    return engine


@pytest.fixture
def converted(old: Engine) -> list[dict[str, Any]]:
    migrate.upgrade(old)
    return rows_of(old)


def test_each_event_says_in_its_body_what_it_said_in_columns(converted: list[dict[str, Any]]) -> None:
    bodies = [json.loads(row["body"]) for row in converted]
    for body in bodies:
        assert UUID7.fullmatch(body.pop("id"))
        assert all(set(entry) == {"commitment", "of"} for entry in body.pop("personal").values())
    assert bodies == [
        {
            "actor": {"id": 12, "kind": "user"},
            "at": "2026-11-22T10:00:00.000123Z",
            "change": {"role": ["viewer", "editor"]},
            "details": {"by": "hand"},
            "event": "authz_change",
            "node": None,
            "outcome": "success",
            "reason": None,
            "request": None,
            "session": "s" * 22,
            "target": {"id": "7", "type": "user"},
            "v": 1,
        },
        {
            "actor": {"id": None, "kind": "anonymous"},
            "at": "2026-11-22T10:00:01.000000Z",
            "change": {},
            "details": {"provider": "google"},
            "event": "authn_login_fail",
            "node": None,
            "outcome": "denied",
            "reason": "state",
            "request": None,
            "session": None,
            "target": None,
            "v": 1,
        },
        {
            "actor": {"id": None, "kind": "system"},
            "at": "2026-11-22T10:00:02.500000Z",
            "change": {},
            "details": {},
            "event": "nightly.import",
            "node": None,
            "outcome": "success",
            "reason": None,
            "request": None,
            "session": None,
            "target": None,
            "v": 1,
        },
    ]


def test_the_columns_repeat_it_under_the_number_that_it_had(converted: list[dict[str, Any]]) -> None:
    assert [row["id"] for row in converted] == [3, 4, 9]
    for before, after in zip(FORMER, converted, strict=True):
        body = json.loads(after["body"])
        told = after["occurred_at"]
        moment = datetime.fromisoformat(told).replace(tzinfo=UTC) if isinstance(told, str) else told
        assert f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" == body["at"]
        same = ("event", "outcome", "actor_kind", "actor_id", "session_id", "ip")
        assert [after[name] for name in same] == [before[name] for name in same]
        assert (after["target_type"], after["target_id"]) == (before["resource_type"], before["resource_id"])
        assert after["request_id"] is None


def test_the_text_is_the_canonical_one(converted: list[dict[str, Any]]) -> None:
    for row in converted:
        for written in (row["body"], row["personal"]):
            if written is not None:
                again = json.dumps(json.loads(written), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                assert written == again
    assert "größer" in converted[0]["personal"]


def test_each_personal_value_matches_its_commitment(converted: list[dict[str, Any]]) -> None:
    for before, after in zip(FORMER, converted, strict=True):
        committed = json.loads(after["body"])["personal"]
        kept = json.loads(after["personal"] or "{}")
        assert {name: entry["value"] for name, entry in kept.items()} == {
            name: before[name] for name in ("ip", "user_agent") if before[name] is not None
        }
        assert set(committed) == set(kept)
        for name, entry in kept.items():
            salt = bytes.fromhex(entry["salt"])
            assert len(salt) == 32
            said = b"\x02" + salt + name.encode() + b"\x00" + entry["value"].encode()
            owner = None if before["actor_id"] is None else f"user:{before['actor_id']}"
            assert committed[name] == {"commitment": hashlib.sha256(said).hexdigest(), "of": owner}
    salts = re.findall('"salt":"([0-9a-f]+)"', "".join(row["personal"] or "" for row in converted))
    assert len(set(salts)) == len(salts) == 3


def test_nothing_personal_stays_in_the_body(converted: list[dict[str, Any]]) -> None:
    bodies = "".join(row["body"] for row in converted)
    for secret in ("203.0.113.9", "2001:db8::1", "Browser/1"):
        assert secret not in bodies


def test_numbers_go_on_behind_those_that_were_given(old: Engine) -> None:
    """The last event's number, at least: that of a transaction that was rolled back may come again."""
    migrate.upgrade(old)
    with Database(lambda: old).transaction() as db:
        record("article.published", session=db)
    ids = [row["id"] for row in rows_of(old)]
    assert ids == [3, 4, 9, 10]


def test_a_trail_in_which_nothing_happened_begins_at_one(engine: Engine) -> None:
    migrated(engine, "0002", down=True)
    migrate.upgrade(engine)
    with Database(lambda: engine).transaction() as db:
        record("article.published", session=db)
    assert [row["id"] for row in rows_of(engine)] == [1]


def test_there_and_back(old: Engine) -> None:
    before = rows_of(old)
    migrate.upgrade(old)
    migrated(old, "0002", down=True)
    after = rows_of(old)
    assert [row | {"details": json.loads(row["details"])} for row in after] == [
        row | {"details": json.loads(row["details"])} for row in before
    ]
    assert not [name for name in inspect(old).get_table_names() if "audit" in name and not name.endswith("events")]
    migrate.upgrade(old)
    assert [row["id"] for row in rows_of(old)] == [3, 4, 9]


def test_more_events_than_are_converted_at_once(engine: Engine) -> None:
    migrated(engine, "0002", down=True)
    count = 4100
    with engine.begin() as connection:
        row = FORMER[0] | {"occurred_at": _moment(engine, FORMER[0])}
        connection.execute(text(INSERT), [row | {"id": number} for number in range(1, count + 1)])
    migrate.upgrade(engine)
    found = rows_of(engine)
    assert [row["id"] for row in found] == list(range(1, count + 1))
    assert len({json.loads(row["body"])["id"] for row in found}) == count

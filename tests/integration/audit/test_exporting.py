"""What is exported is what is there: the standalone verifier says so, and nothing is missing that was asked for."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from flask_gatehouse.audit import record, verify_export
from flask_gatehouse.audit.erasure import erase_personal
from flask_gatehouse.audit.errors import NothingSealed, UnprovableEvent
from flask_gatehouse.audit.events import AuditEvent, Outcome
from flask_gatehouse.audit.exporting.selection import Selection
from flask_gatehouse.audit.exporting.writing import Export, Format, count_events, count_unproven, export_trail
from flask_gatehouse.audit.note_keys import SigningKey
from flask_gatehouse.audit.sealing import begin_epoch
from flask_gatehouse.audit.search import TrailQuery
from flask_gatehouse.audit.service import Target
from flask_gatehouse.kernel.clock import utc_now
from flask_gatehouse.kernel.context import COMMAND_LINE, SYSTEM, Actor
from tests.integration.audit.thief import START, Thief, Trail
from tests.ocsf import problems

VERIFIER = Path(verify_export.__file__)


def exported(trail: Trail, query: TrailQuery | None = None, **words: Any) -> bytes:
    """Return an export of a trail by whoever knows its key."""
    asked = {"keys": [trail.key.verifier]} | words
    return b"".join(export_trail(trail.engine, Export(selection=Selection(query), **asked), utc_now()))


def checked(tmp_path: Path, export: bytes, *keys: object) -> tuple[int, str]:
    """Return what the verifier says that has nothing but Python: no package, no site, no environment."""
    path = tmp_path / "export.jsonl"
    path.write_bytes(export)
    given = [word for key in keys for word in ("--key", str(key))]
    ended = subprocess.run(
        [sys.executable, "-I", "-S", VERIFIER, path, *given], capture_output=True, text=True, timeout=300, cwd=tmp_path
    )
    return ended.returncode, ended.stdout + ended.stderr


def lines(export: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export.decode().splitlines()]


def test_everything_is_there_and_proven_by_the_key(trail: Trail, tmp_path: Path) -> None:
    export = exported(trail)
    code, said = checked(tmp_path, export, trail.key.verifier)
    assert (code, "INTACT: 300 events are proven, 0 are not" in said) == (0, True), said
    header, *events, end = lines(export)
    assert (header["filters"], header["size"], len(events), end["events"]) == ({}, 300, 300, 300)
    with trail.engine.connect() as connection:
        bodies = connection.execute(text("SELECT body FROM gatehouse_audit_events ORDER BY id")).scalars().all()
    assert [event["body"] for event in events] == list(bodies)


def test_another_key_is_told_apart(trail: Trail, tmp_path: Path) -> None:
    other = SigningKey.generate("gate.example.com").verifier
    assert checked(tmp_path, exported(trail), other)[0] == 1
    # Whoever does not know the key that signed can carry no checkpoint, and the file says that it is signed by nobody.
    code, said = checked(tmp_path, exported(trail, keys=[other]))
    assert (code, "SIGNED BY NOBODY" in said) == (0, True), said
    assert checked(tmp_path, exported(trail, keys=[other, trail.key.verifier]), trail.key.verifier)[0] == 0


def test_what_no_checkpoint_holds_is_there_only_if_it_is_asked_for(trail: Trail, tmp_path: Path) -> None:
    trail.happen(5)
    trail.seal()
    trail.happen(2)
    assert count_unproven(trail.engine, [trail.key.verifier]) == 7
    assert len(lines(exported(trail))) == 302
    export = exported(trail, with_unproven=True)
    code, said = checked(tmp_path, export, trail.key.verifier)
    assert (code, "INTACT: 300 events are proven, 7 are not" in said) == (0, True), said


def test_each_epoch_has_its_own_header(trail: Trail, tmp_path: Path) -> None:
    with trail.database.transaction() as db:
        begin_epoch(db)
    trail.happen(270)
    trail.sign()
    export = exported(trail)
    code, said = checked(tmp_path, export, trail.key.verifier)
    assert (code, "INTACT: 571 events are proven" in said) == (0, True), said
    headers = [line for line in lines(export) if "format" in line]
    assert [(header["epoch"], header["size"]) for header in headers] == [(1, 300), (2, 271)]
    assert count_events(trail.engine) == 571


def test_what_was_erased_is_not_in_it_and_it_verifies(trail: Trail, tmp_path: Path) -> None:
    assert lines(exported(trail))[6]["personal"]["ip"]["value"] == "203.0.113.5"
    with trail.database.transaction() as db:
        erase_personal(db, ["user:5"])
    trail.sign()
    export = exported(trail)
    code, said = checked(tmp_path, export, trail.key.verifier)
    assert (code, "86 personal values are not here" in said) == (0, True), said
    assert lines(export)[6]["personal"] == {}


QUERIES: dict[str, tuple[TrailQuery, Callable[[int], bool], dict[str, Any]]] = {
    "a person": (TrailQuery(people=(3,)), lambda number: number % 7 == 3, {"people": [3]}),
    "people": (TrailQuery(people=(3, 4)), lambda number: number % 7 in {3, 4}, {"people": [3, 4]}),
    "an address": (TrailQuery(ip="203.0.113.7"), lambda number: number % 250 == 7, {"ip": "203.0.113.7"}),
    "a session": (TrailQuery(session_id=f"{2:022d}"), lambda number: number % 5 == 2, {"session": f"{2:022d}"}),
    "a request": (TrailQuery(request_id=f"{9:032x}"), lambda number: number == 9, {"request": f"{9:032x}"}),
    "a thing": (TrailQuery(target=("article", 77)), lambda number: number == 77, {"target": "article:77"}),
    "an outcome": (TrailQuery(outcome=Outcome.DENIED), lambda number: False, {"outcome": "denied"}),
    "another name": (TrailQuery(event="article"), lambda number: False, {"event": "article"}),
    "a name": (TrailQuery(event="article.published"), lambda number: True, {"event": "article.published"}),
    "a time": (
        TrailQuery(since=START + timedelta(minutes=10), until=START + timedelta(minutes=20)),
        lambda number: 10 <= number < 20,
        {"since": "2026-03-01T00:10:00.000000Z", "until": "2026-03-01T00:20:00.000000Z"},
    ),
    "what is nowhere": (
        TrailQuery(people=(3,), target=("user", 4)),
        lambda number: False,
        {"people": [3], "target": "user:4"},
    ),
    "an address in a time": (
        TrailQuery(ip="203.0.113.7", since=START + timedelta(minutes=8)),
        lambda number: number == 257,
        {"ip": "203.0.113.7", "since": "2026-03-01T00:08:00.000000Z"},
    ),
    "several things at once": (
        TrailQuery(people=(3,), session_id=f"{2:022d}"),
        lambda number: number % 35 == 17,
        {"people": [3], "session": f"{2:022d}"},
    ),
}


@pytest.mark.parametrize("what", QUERIES)
def test_filters_choose_and_are_said(trail: Trail, tmp_path: Path, what: str) -> None:
    query, is_meant, filters = QUERIES[what]
    export = exported(trail, query)
    header, *events, _ = lines(export)
    assert header["filters"] == filters
    assert [event["position"] for event in events] == [number for number in range(300) if is_meant(number)]
    assert checked(tmp_path, export, trail.key.verifier)[0] == 0


def test_nothing_is_asked_about_a_range_that_holds_nothing(trail: Trail) -> None:
    """A filter is asked of everything that it means, to find what the checkpoint has left out, and that is nothing."""
    asked: list[str] = []
    event.listen(trail.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    assert len(lines(exported(trail, TrailQuery(people=(3,)), with_unproven=True))) == 45
    assert len([statement for statement in asked if "position + " in statement]) == 1


def test_filters_choose_among_what_is_not_sealed_too(trail: Trail) -> None:
    trail.happen(20)
    rows = csv.DictReader(io.StringIO(exported(trail, TrailQuery(people=(3,)), format=Format.CSV).decode(), newline=""))
    assert [row["target_id"] for row in rows] == [str(number) for number in range(320) if number % 7 == 3]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_filters_keep_the_order_of_the_tree_where_it_is_not_that_of_numbers(
    young_trail: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL a transaction may end after another one, whose event got a higher number."""
    # Events that are read at once are in order anyway.
    monkeypatch.setattr("flask_gatehouse.audit.exporting.choosing.STRETCH", 1)
    ada = Actor(user_id=3, kind="user")
    with young_trail.database.transaction() as slow:
        record("article.created", session=slow, actor=ada)
        young_trail.happen(actor=ada)
        young_trail.seal()
    young_trail.sign()
    with young_trail.engine.connect() as connection:
        leaves = "SELECT event_id FROM gatehouse_audit_leaves ORDER BY position"
        first, second = connection.execute(text(leaves)).scalars()
    assert first > second
    export = exported(young_trail, TrailQuery(people=(3,)))
    assert [line["position"] for line in lines(export)[1:-1]] == [0, 1]
    assert checked(tmp_path, export, young_trail.key.verifier)[0] == 0


def test_one_event_and_numbers_are_filters_too(trail: Trail) -> None:
    body = json.loads(lines(exported(trail))[8]["body"])
    with trail.engine.connect() as connection:
        number = connection.execute(text("SELECT min(id) FROM gatehouse_audit_events")).scalar_one()
    one = lines(exported(trail, TrailQuery(event_id=UUID(body["id"]))))
    assert [line["position"] for line in one[1:-1]] == [7]
    few = lines(exported(trail, TrailQuery(after=number + 2, before=number + 5)))
    assert [line["position"] for line in few[1:-1]] == [3, 4]


def test_what_happens_meanwhile_is_not_in_it(trail: Trail, tmp_path: Path) -> None:
    pieces = export_trail(trail.engine, Export(keys=[trail.key.verifier]), utc_now())
    begun = next(pieces)
    trail.happen(10)
    trail.sign()
    code, said = checked(tmp_path, begun + b"".join(pieces), trail.key.verifier)
    assert (code, "INTACT: 300 events are proven" in said) == (0, True), said


@pytest.mark.parametrize("query", [TrailQuery(), TrailQuery(people=(3,))], ids=["everything", "a part"])
def test_one_that_is_left_alone_holds_no_transaction(trail: Trail, query: TrailQuery) -> None:
    pieces = export_trail(trail.engine, Export(selection=Selection(query)), utc_now())
    # The header, and events.
    next(pieces)
    next(pieces)
    pieces.close()
    assert trail.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_nothing_is_proven_where_nothing_is_sealed(young_trail: Trail) -> None:
    young_trail.happen()
    with pytest.raises(NothingSealed):
        exported(young_trail)
    assert len(exported(young_trail, format=Format.CSV).splitlines()) == 2


def test_what_somebody_deleted_is_missed_by_whoever_checks(trail: Trail, thief: Thief, tmp_path: Path) -> None:
    with thief.at_work() as connection:
        connection.execute(text("DELETE FROM gatehouse_audit_events WHERE id = (SELECT event_id FROM"
                                " gatehouse_audit_leaves WHERE position = 5)"))  # fmt: skip
        connection.commit()
    code, said = checked(tmp_path, exported(trail), trail.key.verifier)
    assert (code, "deleted: position 5 is missing" in said) == (1, True), said


def test_what_somebody_changed_is_seen_by_whoever_checks(trail: Trail, thief: Thief, tmp_path: Path) -> None:
    with thief.at_work() as connection:
        connection.execute(text("UPDATE gatehouse_audit_events SET body = replace(body, 'success', 'failure')"))
        connection.commit()
    code, said = checked(tmp_path, exported(trail), trail.key.verifier)
    assert (code, "edited: no proof leads from position 0" in said) == (1, True), said


NO_MOMENTS = [("sqlite", "soon"), *(("postgresql", moment) for moment in ("infinity", "-infinity", "0044-03-15 BC"))]


@pytest.mark.parametrize(("database_url", "moment"), NO_MOMENTS, indirect=["database_url"])
def test_what_is_no_moment_breaks_no_export_off(trail: Trail, thief: Thief, tmp_path: Path, moment: str) -> None:
    thief.run(
        "UPDATE gatehouse_audit_events SET occurred_at = :moment WHERE id = :event",
        moment=moment,
        event=thief.event_id(5),
    )
    code, said = checked(tmp_path, exported(trail), trail.key.verifier)
    assert (code, "INTACT: 300 events are proven" in said) == (0, True), said
    made = lines(exported(trail, format=Format.OCSF))
    assert (len(made), made[5]["time"], [wrong for event in made for wrong in problems(event)]) == (300, 0, [])
    rows = list(csv.DictReader(io.StringIO(exported(trail, format=Format.CSV).decode(), newline="")))
    assert [row["position"] for row in rows] == [str(number) for number in range(300)]
    # Whoever asks for a time asks for no such thing.
    few = lines(exported(trail, TrailQuery(since=START, until=START + timedelta(minutes=10))))
    assert [line["position"] for line in few[1:-1]] == [0, 1, 2, 3, 4, 6, 7, 8, 9]


def test_proofs_that_cannot_be_made_are_an_error_and_no_end(trail: Trail, thief: Thief) -> None:
    with thief.at_work() as connection:
        connection.execute(text("DELETE FROM gatehouse_audit_leaves WHERE position = 5"))
        connection.commit()
    with pytest.raises(UnprovableEvent, match="position 0 of epoch 1 cannot be proven"):
        exported(trail)


def test_a_spreadsheet_gets_every_event_and_runs_none(trail: Trail) -> None:
    trail.happen(1, resource=("article", '=HYPERLINK("http://evil.example","x")'), personal={"name": "-Zoë"})
    text = exported(trail, format=Format.CSV).decode()
    assert text.count("\r\n") == 302
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["position"] for row in rows] == [*map(str, range(300)), ""]
    last = rows[-1]
    assert last["target_id"] == """'=HYPERLINK("http://evil.example","x")"""
    assert (last["at"], last["ip"]) == ("2026-03-01T05:00:00.000000Z", "203.0.113.50")
    assert json.loads(last["personal"]) == {"name": "-Zoë"}


ACTORS = (
    Actor(user_id=7, session_id="s" * 22, ip="203.0.113.9", user_agent="Browser/1", kind="user", request_id="r"),
    Actor(ip="203.0.113.9", user_agent="Browser/1", request_id="r"),
    SYSTEM,
    COMMAND_LINE,
)
TARGETS: tuple[Target | None, ...] = (None, ("user", 12), ("session", "t" * 22), ("invitation", 4))


def test_every_event_is_valid_in_ocsf(young_trail: Trail) -> None:
    changes: dict[str, dict[str, Any]] = {
        AuditEvent.AUTHZ_CHANGE: {"change": {"role": ("viewer", "editor")}},
        AuditEvent.AUTHZ_FAIL: {"details": {"method": "GET", "route": "/users/<int:user_id>"}, "reason": "role"},
    }
    names = [*map(str, AuditEvent), "article.created", "article.published", "whatever"]
    for name in names:
        for actor in ACTORS:
            for target in TARGETS:
                young_trail.happen(event=name, actor=actor, resource=target, **changes.get(name, {}))
    young_trail.seal()
    made = lines(exported(young_trail, format=Format.OCSF))
    assert [event["metadata"]["event_code"] for event in made] == [name for name in names for _ in range(16)]
    assert [(event["metadata"]["event_code"], wrong) for event in made for wrong in problems(event)] == []
    changed = next(event for event in made if event["metadata"]["event_code"] == AuditEvent.AUTHZ_CHANGE)
    assert (changed["class_uid"], changed["privileges"]) == (3005, ["editor"])
    refused = next(event for event in made if event["metadata"]["event_code"] == AuditEvent.AUTHZ_FAIL)
    assert (refused["status_id"], refused["status_detail"]) == (2, "role")
    assert refused["api"] == {"operation": "GET /users/<int:user_id>"}

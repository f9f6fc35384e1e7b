"""Verification finds what somebody does who can write to the database, and where; and it says what it cannot see."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from flask_gatehouse.audit.snapshot import snapshot
from flask_gatehouse.audit.tree import Frontier
from flask_gatehouse.audit.verifying.growing import GrowingTree
from flask_gatehouse.kernel.identifiers import uuid7
from tests.integration.audit.thief import START, Thief, Trail, first, forge, lie_about_ip

EVENTS, LEAVES, TREES = "gatehouse_audit_events", "gatehouse_audit_leaves", "gatehouse_audit_trees"
EVENT = f"UPDATE {EVENTS} SET {{}} WHERE id = :event"
ROW_OF_5 = f"DELETE FROM {LEAVES} WHERE position = 5"


def test_an_intact_trail_says_how_far_it_reaches(trail: Trail) -> None:
    trail.happen(2)
    report = trail.verify()
    assert (report.exit_code, report.findings.kept, report.doubts) == (0, [], [])
    assert (report.unsealed, report.checkpoints, report.outside) == (2, 6, 3)
    said = " ".join(report.sentences(datetime.now(UTC)))
    assert "Verified events 0 to 299 of epoch 1." in said
    assert "2 events are not sealed yet" in said
    assert "000000000300.note); no sealed event is newer" in said
    assert "The widest gap between checkpoints of epoch 1 is from 0 to 100." in said


def test_sealed_events_after_the_last_checkpoint_are_counted(trail: Trail) -> None:
    trail.happen(7)
    trail.seal()
    assert "7 sealed events are newer than it" in " ".join(trail.verify().sentences(datetime.now(UTC)))


def test_a_young_trail_is_intact_and_nothing_vouches_for_it(young_trail: Trail) -> None:
    report = young_trail.verify()
    assert report.exit_code == 0
    assert "Nothing is sealed." in report.sentences(START)
    young_trail.happen(3)
    young_trail.seal()
    said = " ".join(young_trail.verify().sentences(START))
    assert "Verified events 0 to 2 of epoch 1." in said
    assert "nothing outside of the database vouched for this" in said


# What somebody does who knows nothing of hashes: statements, and where they are found.
NAIVE: dict[str, tuple[str, tuple[str, int, int]]] = {
    "a body": (
        EVENT.format("""body = replace(body, '"outcome":"success"', '"outcome":"failure"'), outcome = 'failure'"""),
        ("edited", 5, 5),
    ),
    "a space in a body": (EVENT.format("""body = replace(body, '"v"\\:1', '"v"\\: 1')"""), ("edited", 5, 5)),
    "a time": (EVENT.format("occurred_at = '2026-03-01 00:00:00.000001'"), ("edited", 5, 5)),
    "a name": (EVENT.format("event = 'article.removed'"), ("edited", 5, 5)),
    "an outcome": (EVENT.format("outcome = 'denied'"), ("edited", 5, 5)),
    "the kind of actor": (EVENT.format("actor_kind = 'system'"), ("edited", 5, 5)),
    "an actor": (EVENT.format("actor_id = 99"), ("edited", 5, 5)),
    "no actor": (EVENT.format("actor_id = NULL"), ("edited", 5, 5)),
    "a session": (EVENT.format("session_id = NULL"), ("edited", 5, 5)),
    "a kind of target": (EVENT.format("target_type = 'user'"), ("edited", 5, 5)),
    "a target": (EVENT.format("target_id = '6'"), ("edited", 5, 5)),
    "a request": (EVENT.format("request_id = 'x'"), ("edited", 5, 5)),
    "the searched address": (EVENT.format("ip = '192.0.2.1'"), ("edited", 5, 5)),
    "the searched address alone": (EVENT.format("ip = NULL"), ("edited", 5, 5)),
    "an address": (
        EVENT.format("personal = replace(personal, '203.0.113.5', '192.0.2.1'), ip = '192.0.2.1'"),
        ("edited", 5, 5),
    ),
    "a browser": (EVENT.format("personal = replace(personal, 'Browser/1', 'Browser/2')"), ("edited", 5, 5)),
    "the values of one": (EVENT.format("personal = NULL, ip = NULL"), ("unrecorded erasure", 5, 5)),
    "a leaf's hash": (f"UPDATE {LEAVES} SET hash = :hash WHERE position = 5", ("edited", 5, 5)),
    "an event": (f"DELETE FROM {EVENTS} WHERE id = :event", ("deleted", 5, 5)),
    "an event and its leaf": (f"DELETE FROM {EVENTS} WHERE id = :event; {ROW_OF_5}", ("deleted", 5, 5)),
    "a leaf": (ROW_OF_5, ("deleted", 5, 5)),
    "a leaf elsewhere": (f"UPDATE {LEAVES} SET position = 999 WHERE position = 5", ("deleted", 5, 5)),
    "the last events": (
        f"DELETE FROM {EVENTS} WHERE id >= :event + 285; DELETE FROM {LEAVES} WHERE position >= 290",
        ("truncated", 290, 299),
    ),
    "the places of two events": (
        (
            f"UPDATE {LEAVES} SET event_id = -1 WHERE position = 5;"
            f"UPDATE {LEAVES} SET event_id = :event WHERE position = 7;"
            f"UPDATE {LEAVES} SET event_id = :event + 2 WHERE position = 5"
        ),
        ("reordered", 5, 5),
    ),
    "two leaves": (
        (
            f"UPDATE {LEAVES} SET position = -1 WHERE position = 270;"
            f"UPDATE {LEAVES} SET position = 270 WHERE position = 280;"
            f"UPDATE {LEAVES} SET position = 280 WHERE position = -1"
        ),
        ("reordered", 256, 299),
    ),
    "one more event": (
        (
            f"INSERT INTO {EVENTS} SELECT 0, occurred_at, event, outcome, actor_kind, actor_id, session_id,"
            f" target_type, target_id, request_id, ip, body, personal FROM {EVENTS} WHERE id = :event"
        ),
        ("inserted", 0, 0),
    ),
    "one more leaf": (f"INSERT INTO {LEAVES} VALUES (1, 300, 999, :hash)", ("inserted", 300, 300)),
    "leaves of no tree": (f"INSERT INTO {LEAVES} VALUES (7, 0, 999, :hash)", ("wrong epoch", 0, 0)),
    "the size": (f"UPDATE {TREES} SET size = 310", ("truncated", 300, 309)),
    "the smaller size": (f"UPDATE {TREES} SET size = 298", ("inserted", 298, 299)),
    "a size that no such tree has": (f"UPDATE {TREES} SET size = 290", ("edited", 0, 289)),
    "the root": (f"UPDATE {TREES} SET root = :hash", ("edited", 256, 299)),
    "a tile": ("UPDATE gatehouse_audit_tiles SET hash = :hash", ("edited", 0, 255)),
    "no tile": ("DELETE FROM gatehouse_audit_tiles", ("edited", 0, 255)),
    "the cut": (f"UPDATE {TREES} SET cut = 256", ("deleted", 0, 255)),
    "half a cut": (f"UPDATE {TREES} SET cut = 5", ("edited", 0, 299)),
    "the watermark": (f"UPDATE {TREES} SET watermark = :event + 295", ("edited", 300, 300)),
    "the name of the log": (f"UPDATE {TREES} SET origin = 'x.example.com/gatehouse/00/1'", ("wrong epoch", 0, 299)),
    "the number of the epoch": (f"UPDATE {TREES} SET epoch = 2", ("wrong epoch", 0, 299)),
}


@pytest.mark.parametrize("what", NAIVE)
def test_who_changes_a_row_is_found_at_its_position(trail: Trail, thief: Thief, what: str) -> None:
    statements, expected = NAIVE[what]
    values = {"event": thief.event_id(5), "hash": bytes(32)}
    thief.run(*statements.split(";"), **values)
    report = trail.verify()
    assert report.exit_code == 1
    assert first(report) == expected, report.findings.kept


# What SQLite holds in a column of texts or numbers, and neither JSON nor a text can.
OF_SQLITE = {
    "octets": "request_id = x'ff'",
    "the octets of the text": "session_id = CAST(session_id AS BLOB)",
    "no text": "request_id = CAST(x'ff' AS TEXT)",
    "an end in the midst of a text": "target_type = target_type || char(0) || 'x'",
    "half a person": "actor_id = actor_id + 0.5",
    "a person as octets": "actor_id = CAST(actor_id AS BLOB)",
    "a time that is none": "occurred_at = 'soon'",
    "a time as octets": "occurred_at = CAST(occurred_at AS BLOB)",
    "a time that sorts elsewhere": "occurred_at = replace(occurred_at, ' ', 'T')",
    "a body of octets": "body = CAST(body AS BLOB)",
    "values of octets": "personal = CAST(personal AS BLOB)",
    "an address of octets": "ip = CAST(ip AS BLOB)",
}


@pytest.mark.parametrize("what", OF_SQLITE)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_writes_what_is_no_text_is_found_and_hides_nothing(trail: Trail, thief: Thief, what: str) -> None:
    thief.run(EVENT.format(OF_SQLITE[what]), event=thief.event_id(5))
    thief.run(EVENT.format("session_id = 'x'"), event=thief.event_id(7))
    found = [(one.kind.value, one.first, one.last) for one in trail.verify().findings.kept]
    assert found == [("edited", 5, 5), ("edited", 7, 7)]


# SQLite holds the text of a moment.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_time_of_the_same_year_before_christ_is_another_one(trail: Trail, thief: Thief) -> None:
    # There was no year 0: the year 2026 B.C. is 4,051 years before 2026.
    before = "(occurred_at AT TIME ZONE 'UTC' - interval '4051 years') AT TIME ZONE 'UTC'"
    thief.run(EVENT.format(f"occurred_at = {before}"), event=thief.event_id(5))
    with trail.engine.connect() as connection:
        year = "SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY AD') FROM gatehouse_audit_events WHERE id = :event"
        assert connection.execute(text(year), {"event": thief.event_id(5)}).scalar_one() == "2026 BC"
    report = trail.verify()
    assert (report.exit_code, first(report)) == (1, ("edited", 5, 5))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"])
def test_a_time_that_python_cannot_have_is_found_and_hides_nothing(trail: Trail, thief: Thief, moment: str) -> None:
    thief.run(
        EVENT.format("occurred_at = :moment"),
        "UPDATE gatehouse_audit_checkpoints SET created_at = :moment, delivered_at = :moment",
        f"UPDATE {TREES} SET created_at = :moment, sealed_at = :moment",
        event=thief.event_id(5),
        moment=moment,
    )
    thief.run(EVENT.format("session_id = 'x'"), event=thief.event_id(7))
    found = [(one.kind.value, one.first, one.last) for one in trail.verify().findings.kept]
    assert found == [("edited", 5, 5), ("edited", 7, 7)]
    # Sealing goes on too.
    trail.happen(3)
    trail.sign()
    assert trail.verify().checkpoints == 8


def insert_one(events: list[dict[str, Any]]) -> None:
    event = dict(events[130])
    forge(event, at="2026-03-01T09:00:00.000000Z", id=uuid7(datetime(2026, 3, 1, 9, tzinfo=UTC)))
    events.insert(130, event)


def swap(events: list[dict[str, Any]]) -> None:
    events[120], events[150] = events[150], events[120]


def _move_in_time(events: list[dict[str, Any]]) -> None:
    forge(events[150], at="2026-02-01T00:00:00.000000Z")


# What somebody does who computes everything again that can be computed without the key.
CAREFUL: dict[str, tuple[Any, bool, tuple[str, int, int]]] = {
    "edited": (lambda events: forge(events[150], outcome="failure"), True, ("edited", 100, 199)),
    "edited first": (lambda events: forge(events[0], outcome="failure"), True, ("edited", 0, 99)),
    "edited address": (lambda events: lie_about_ip(events[150], "192.0.2.1"), True, ("edited", 100, 199)),
    "edited time": (_move_in_time, True, ("edited", 100, 199)),
    "deleted": (lambda events: events.pop(150), False, ("deleted", 100, 199)),
    "deleted and renumbered": (lambda events: events.pop(150), True, ("edited", 100, 199)),
    "reordered": (swap, True, ("reordered", 100, 199)),
    "inserted": (insert_one, True, ("inserted", 100, 199)),
    "truncated": (lambda events: events.__delitem__(slice(250, None)), True, ("truncated", 250, 299)),
}


@pytest.mark.parametrize("what", CAREFUL)
def test_who_computes_everything_again_is_found_between_two_checkpoints(trail: Trail, thief: Thief, what: str) -> None:
    change, renumber, expected = CAREFUL[what]
    thief.rewrite(change, renumber=renumber)
    report = trail.verify()
    assert report.exit_code == 1
    assert first(report) == expected, report.findings.kept
    # The honest limit: without what was kept elsewhere, nobody can tell.
    assert trail.verify(outside=False).exit_code == 0


def test_an_older_copy_of_the_database_is_rolled_back(trail: Trail, thief: Thief) -> None:
    thief.rewrite(lambda events: events.__delitem__(slice(250, None)))
    thief.forget_numbers()
    assert first(trail.verify()) == ("rolled back", 250, 299)
    assert trail.verify(outside=False).exit_code == 0
    # Who goes on from there has another history, in the same place.
    trail.happen(60)
    trail.seal()
    assert first(trail.verify()) is not None


def test_a_database_without_any_trail_is_found_by_what_was_kept_elsewhere(trail: Trail, thief: Thief) -> None:
    tables = [f"DELETE FROM gatehouse_audit_{name}" for name in ("leaves", "tiles", "checkpoints", "trees", "events")]
    thief.run(*tables)
    assert first(trail.verify()) == ("truncated", 0, 299)
    assert trail.verify(outside=False).exit_code == 0


def test_an_empty_trail_after_a_rollback_knows_nothing(trail: Trail, thief: Thief) -> None:
    tables = [f"DELETE FROM gatehouse_audit_{name}" for name in ("leaves", "tiles", "checkpoints", "trees", "events")]
    forget = (
        "DELETE FROM sqlite_sequence"
        if trail.engine.dialect.name == "sqlite"
        else "SELECT setval('gatehouse_audit_events_id_seq', 1, false)"
    )
    thief.run(*tables, forget)
    assert first(trail.verify()) == ("rolled back", 0, 299)


def test_another_trail_in_the_place_of_this_one_is_of_another_log(trail: Trail, thief: Thief) -> None:
    thief.rewrite(lambda events: forge(events[0], outcome="failure"))
    thief.run(f"UPDATE {TREES} SET origin = 'gate.example.com/gatehouse/0123456789abcdef/1'")
    assert first(trail.verify()) == ("wrong epoch", 0, 299)
    assert trail.verify(outside=False).exit_code == 0


def test_what_is_newer_than_the_last_checkpoint_can_be_changed(trail: Trail, thief: Thief) -> None:
    """Which is why checkpoints leave often. What is told is how many events that are."""
    trail.happen(20)
    trail.seal()
    thief.rewrite(lambda events: forge(events[310], outcome="failure"))
    report = trail.verify()
    assert report.exit_code == 0
    assert "20 sealed events are newer than it" in " ".join(report.sentences(START))


def test_an_event_that_is_not_sealed_can_be_deleted(trail: Trail, thief: Thief) -> None:
    trail.happen(1)
    thief.run(f"DELETE FROM {EVENTS} WHERE id > :last", last=thief.event_id(299))
    trail.seal()
    assert trail.verify().exit_code == 0


def erase(trail: Trail, thief: Thief, user: int, *, record_it: bool = True) -> None:
    """Do what an erasure does: take the values away, and say so."""
    thief.run(f"UPDATE {EVENTS} SET personal = NULL, ip = NULL WHERE actor_id = :user", user=user)
    if record_it:
        trail.happen(1, "personal_data_erased", actor=None, details={"subjects": [f"user:{user}"], "values": 2})


def test_a_recorded_erasure_leaves_the_trail_intact(trail: Trail, thief: Thief) -> None:
    erase(trail, thief, 3)
    report = trail.verify()
    assert (report.exit_code, report.findings.kept) == (0, [])
    assert "1 erasure is recorded, and not sealed yet." in report.notices
    trail.sign()
    report = trail.verify()
    assert (report.exit_code, report.notices) == (0, [])


def test_an_erasure_explains_nothing_that_comes_after_it(trail: Trail, thief: Thief) -> None:
    erase(trail, thief, 3)
    trail.happen(10)
    trail.sign()
    assert trail.verify().exit_code == 0
    erase(trail, thief, 3, record_it=False)
    assert first(trail.verify()) == ("unrecorded erasure", 304, 304)


def test_an_erasure_explains_nobody_elses(trail: Trail, thief: Thief) -> None:
    erase(trail, thief, 4, record_it=False)
    erase(trail, thief, 3)
    trail.seal()
    assert first(trail.verify()) == ("unrecorded erasure", 4, 4)


def test_part_of_the_values_may_be_erased(trail: Trail, thief: Thief) -> None:
    event = {"event": thief.event_id(3)}
    with trail.engine.connect() as connection:
        personal = connection.execute(text(f"SELECT personal FROM {EVENTS} WHERE id = :event"), event).scalar_one()
    rest = "{" + personal[personal.index('"user_agent"') :]
    thief.run(EVENT.format("personal = :rest, ip = NULL"), rest=rest, **event)
    assert first(trail.verify()) == ("unrecorded erasure", 3, 3)
    trail.happen(1, "personal_data_erased", details={"subjects": ["user:3"], "values": 1})
    trail.seal()
    assert trail.verify().exit_code == 0


def cut(trail: Trail, thief: Thief, **changes: Any) -> None:
    """Do what retention does: take whole tiles away, and say so."""
    with trail.engine.connect() as connection:
        (tile,) = connection.execute(text("SELECT hash FROM gatehouse_audit_tiles")).one()
    details = {"epoch": 1, "from": 0, "to": 256, "file": "1.jsonl", "sha256": "00", "frontier": [bytes(tile).hex()]}
    trail.happen(1, "audit_cut", details=details | changes)
    trail.seal()
    thief.run(
        f"DELETE FROM {EVENTS} WHERE id IN (SELECT event_id FROM {LEAVES} WHERE position < 256)",
        f"DELETE FROM {LEAVES} WHERE position < 256",
        f"UPDATE {TREES} SET cut = 256",
    )


def test_a_recorded_cut_leaves_the_trail_intact(trail: Trail, thief: Thief) -> None:
    cut(trail, thief)
    report = trail.verify()
    assert (report.exit_code, report.findings.kept) == (0, [])
    assert "Events 0 to 255 of epoch 1 have left by retention. They are in 1.jsonl, SHA-256 00." in report.notices
    assert "4 checkpoints of epoch 1 are of sizes whose events have left by retention." in report.notices
    assert "Verified events 256 to 300 of epoch 1." in report.sentences(START)


def test_a_cut_of_another_size_explains_nothing(trail: Trail, thief: Thief) -> None:
    cut(trail, thief, to=0)
    assert first(trail.verify()) == ("deleted", 0, 255)


def test_tiles_stand_for_what_has_left(trail: Trail, thief: Thief) -> None:
    cut(trail, thief)
    thief.run("UPDATE gatehouse_audit_tiles SET hash = :hash", hash=bytes(32))
    assert first(trail.verify()) == ("edited", 0, 255)


def test_a_note_under_another_ones_name_decides_nothing(trail: Trail) -> None:
    """Whoever can write into the folder could otherwise let an old note stand for a new one."""
    (trail.folder / "1-000000000100.note").replace(trail.folder / "1-000000000300.note")
    report = trail.verify()
    assert report.exit_code == 2
    assert report.doubts == ["1-000000000300.note holds the note of another checkpoint than its name says."]


def test_a_note_in_another_ones_row_decides_nothing(trail: Trail, thief: Thief) -> None:
    thief.run(
        "UPDATE gatehouse_audit_checkpoints SET note ="
        " (SELECT note FROM gatehouse_audit_checkpoints WHERE size = 100) WHERE size = 300"
    )
    report = trail.verify()
    assert report.exit_code == 2
    assert report.doubts == ["the checkpoint 1-300 in the database holds the note of another one."]


@pytest.mark.parametrize("stored", [False, True])
def test_a_higher_tile_is_held_against_the_ones_below_it(trail: Trail, thief: Thief, *, stored: bool) -> None:
    leaves = [number.to_bytes(32) for number in range(256)]
    frontier = Frontier()
    for leaf in leaves:
        tiles = frontier.append(leaf)
    (full,) = tiles
    statement = 'INSERT INTO gatehouse_audit_tiles (epoch, level, "index", hash) VALUES (1, 2, 0, :hash)'
    thief.run(statement, hash=full.hash if stored else bytes(32))
    with snapshot(trail.engine) as now:
        grown = GrowingTree(now, 1)
        for leaf in leaves:
            grown.append(leaf, leaf)
    assert (grown.altered, grown.altered_above) == ([], [] if stored else [(0, 65535)])

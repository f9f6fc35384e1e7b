"""What the trail knows about a person can be erased, for good, and nothing else with it."""

import json
import re
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from flask_gatehouse.audit import Personal, erasure, record
from flask_gatehouse.audit.erasure import empty_log, erase_personal
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.kernel.context import COMMAND_LINE, SYSTEM, Actor
from tests.integration.conftest import House
from tests.trail import said, told

ADA = Actor(user_id=12, session_id="s" * 22, ip="2001:db8::12", user_agent="Ada's browser/1", kind="user")
EVE = Actor(user_id=13, session_id="e" * 22, ip="2001:db8::13", user_agent="Eve's browser/1", kind="user")


@pytest.fixture
def lived_in(house: House) -> House:
    """Two people who did things, to things and to each other."""
    with house.database.transaction() as db:
        record("article.published", resource=("article", 1), session=db, actor=ADA)
        record("user_updated", resource=("user", 12), personal={"name": "Ada King"}, session=db, actor=EVE)
        record("user_updated", resource=("user", 13), personal={"name": "Eve Noir"}, session=db, actor=ADA)
        record("invite_created", resource=("invitation", 7), personal={"email": "ada@x.org"}, session=db, actor=EVE)
        record("authn_login_fail", resource=("user", 12), session=db, actor=replace(ADA, user_id=None))
        record("nightly.import", session=db, actor=SYSTEM)
    return house


def erase(house: House, *subjects: str, actor: Actor = COMMAND_LINE) -> int:
    with house.database.transaction() as db:
        return erase_personal(db, subjects, about=("user", 12), actor=actor)


def left(house: House) -> list[dict[str, str]]:
    return [told(row.personal) for row in house.trail()]


def bodies(house: House) -> list[str]:
    return [row.body for row in house.trail()]


def test_what_is_hers_goes_and_what_is_others_stays(lived_in: House) -> None:
    before = bodies(lived_in)
    assert erase(lived_in, "user:12") == 5
    eve = {"ip": "2001:db8::13", "user_agent": "Eve's browser/1"}
    assert left(lived_in) == [
        {},
        eve,
        {"name": "Eve Noir"},
        eve | {"email": "ada@x.org"},
        # Somebody failed to be her: nobody knows whose network that is.
        {"ip": "2001:db8::12", "user_agent": "Ada's browser/1"},
        {},
        {},
    ]
    assert bodies(lived_in)[:-1] == before
    rows = lived_in.trail()
    assert [row.ip for row in rows] == [None, EVE.ip, None, EVE.ip, ADA.ip, None, None]
    assert [row.personal for row in rows if not told(row.personal)] == [None, None, None]


def test_what_was_erased_and_how_much_is_recorded(lived_in: House) -> None:
    assert erase(lived_in, "user:12", "invitation:7", "user:12") == 6
    row = lived_in.trail()[-1]
    assert (row.event, row.outcome, row.actor_kind) == ("personal_data_erased", "success", "cli")
    assert (row.target_type, row.target_id) == ("user", "12")
    assert said(row.body) == {"subjects": ["invitation:7", "user:12"], "values": 6}


def test_again_there_is_nothing_left_and_that_is_recorded_too(lived_in: House) -> None:
    assert erase(lived_in, "user:12") == 5
    after = left(lived_in)
    assert erase(lived_in, "user:12") == 0
    assert left(lived_in) == [*after, {}]
    assert lived_in.last_details() == {"subjects": ["user:12"], "values": 0}


def test_what_remains_is_still_in_canonical_form(lived_in: House) -> None:
    erase(lived_in, "user:12")
    for row in lived_in.trail():
        if row.personal is not None:
            again = json.dumps(json.loads(row.personal), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            assert row.personal == again


def test_who_erases_herself_leaves_no_address_with_it(lived_in: House) -> None:
    erase(lived_in, "user:12", actor=ADA)
    row = lived_in.trail()[-1]
    assert (row.actor_id, row.session_id, row.ip, row.personal) == (12, ADA.session_id, None, None)


def test_who_erases_somebody_else_is_recorded_with_hers(lived_in: House) -> None:
    erase(lived_in, "user:12", actor=EVE)
    assert told(lived_in.trail()[-1].personal) == {"ip": EVE.ip, "user_agent": EVE.user_agent}


def test_it_vanishes_with_the_transaction(lived_in: House) -> None:
    before = lived_in.contents()
    with lived_in.database.transaction() as db:
        erase_personal(db, ["user:12"], actor=COMMAND_LINE)
        db.rollback()
    assert lived_in.contents() == before


@pytest.mark.parametrize(
    "subject",
    ["user:99", "user:123", "user:1", "article:1", "user:99999999999", f"user:{'9' * 5000}", "user:x"],
    ids=lambda subject: subject[:16],
)
def test_who_is_not_there_takes_nothing_along(lived_in: House, subject: str) -> None:
    before = left(lived_in)
    assert erase(lived_in, subject) == 0
    assert left(lived_in)[:-1] == before


@pytest.mark.parametrize("subject", ["", "user", "user:", ":12", "12"])
def test_what_is_no_subject_is_refused(lived_in: House, subject: str) -> None:
    before = lived_in.contents()
    with pytest.raises(ValueError, match="kind and an id"):
        erase(lived_in, "user:12", subject)
    assert lived_in.contents() == before


def test_whatever_belongs_to_somebody_can_be_found_again(house: House) -> None:
    """Erasing reads what she did and what was done to her; a value of hers elsewhere would stay for ever."""
    with house.database.transaction() as db:
        with pytest.raises(ValueError, match="of the actor and of the resource, and"):
            record("a", resource=("article", 1), personal={"x": Personal("Eve", "user:13")}, session=db, actor=ADA)
        record("b", resource=("article", 1), personal={"x": Personal("Ada", "user:12")}, session=db, actor=ADA)
        record("c", resource=("article", 1), personal={"x": Personal("?", None)}, session=db, actor=SYSTEM)
    assert erase(house, "user:12") == 3
    assert left(house) == [{}, {"x": "?"}, {}]


@pytest.mark.parametrize("personal", [{"x": "a\0b"}, {"a\0b": "x"}], ids=["value", "name"])
def test_a_value_that_no_database_can_look_into_is_refused(house: House, personal: dict[str, str]) -> None:
    with house.database.transaction() as db, pytest.raises(ValueError, match="NUL"):
        record("a", resource=("article", 1), personal=personal, session=db, actor=ADA)


def test_more_events_than_are_read_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "BATCH", 7)
    with house.database.transaction() as db:
        for number in range(50):
            actor = EVE if number % 3 else ADA
            target = ("user", 12) if number % 5 else ("article", number)
            record("user_updated", resource=target, personal={"name": f"N{number}"}, session=db, actor=actor)
    hers = sum(2 * (not number % 3) + bool(number % 5) for number in range(50))
    assert erase(house, "user:12") == hers
    expected = 2 * sum(bool(number % 3) for number in range(50)) + sum(not number % 5 for number in range(50))
    assert sum(map(len, left(house))) == expected
    assert not any("Ada" in value for entry in left(house) for value in entry.values())


def test_two_erasures_at_once_put_nothing_back(postgresql_url: str) -> None:
    """Both take values from one event; whichever comes second must not write what it read before the first."""
    engine = make_engine(postgresql_url)
    house = House(Database(lambda: engine))
    with house.database.transaction() as db:
        record("user_updated", resource=("user", 12), personal={"name": "Ada King"}, session=db, actor=EVE)
    done: list[int] = []
    with house.database.transaction() as db:
        assert erase_personal(db, ["user:12"], actor=COMMAND_LINE) == 1
        other = threading.Thread(target=lambda: done.append(erase(house, "user:13")))
        other.start()
        _wait_until_somebody_waits(house)
        assert done == []
    other.join()
    assert done == [2]
    assert left(house) == [{}, {}, {}]
    engine.dispose()


def _wait_until_somebody_waits(house: House) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    pause = threading.Event()
    for _ in range(3000):
        with house.database.reading() as connection:
            if connection.execute(waiting).scalar_one():
                return
        pause.wait(0.02)
    pytest.fail("nobody waits for the other erasure")


def test_nothing_is_left_in_the_files_of_sqlite(sqlite_url: str) -> None:
    """Neither in the tables nor in their indexes, free pages and the write-ahead log."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    engine = make_engine(sqlite_url)
    house = House(Database(lambda: engine))
    long = "a name that needs pages of its own " * 300
    with house.database.transaction() as db:
        for number in range(300):
            record("article.published", resource=("article", number), session=db, actor=ADA)
        record("user_updated", resource=("user", 12), personal={"name": long}, session=db, actor=SYSTEM)
    salts = re.findall(r'"salt":"([0-9a-f]{64})"', "".join(row.personal or "" for row in house.trail()))
    secrets = {value.encode() for value in (ADA.ip, ADA.user_agent, long[:40], *salts) if value}
    assert empty_log(house.database)
    assert all(secret in path.read_bytes() for secret in secrets)

    assert erase(house, "user:12") == 601
    assert empty_log(house.database)
    for file in path.parent.glob(f"{path.name}*"):
        content = file.read_bytes()
        assert [secret for secret in secrets if secret in content] == [], file
    engine.dispose()


def test_somebody_who_reads_keeps_the_log_and_it_is_said(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url, connect_args={"timeout": 0.1})
    house = House(Database(lambda: engine))
    erase(house, "user:12")
    reader = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM gatehouse_audit_events").fetchone()
    erase(house, "user:12")
    assert not empty_log(house.database)
    reader.execute("COMMIT")
    reader.close()
    assert empty_log(house.database)
    engine.dispose()


def test_other_databases_have_no_such_log(postgresql_url: str) -> None:
    engine = make_engine(postgresql_url)
    assert empty_log(Database(lambda: engine))
    engine.dispose()

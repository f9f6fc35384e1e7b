"""The worker verifies the trail by itself: often enough, not too often, and whatever others claim."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import NullPool, create_engine, text

from flask_gatehouse.audit import AuditEvent, record
from flask_gatehouse.audit.errors import MalformedKey
from flask_gatehouse.audit.keys import write_key
from flask_gatehouse.audit.note_keys import SigningKey, VerifierKey
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.ops import verification, worker
from flask_gatehouse.ops.verification import BEGINNING_S, BELIEF_S, LONGEST_PAUSE_S, REST, Verifier
from flask_gatehouse.settings import Settings
from tests.integration.audit.test_verification import EVENT, EVENTS
from tests.integration.audit.thief import Thief, Trail
from tests.trail import said

HOUR_S = 3600.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def settings(trail: Trail, tmp_path: Path) -> Settings:
    write_key(tmp_path / "audit.key", trail.key)
    loaded = Settings.load({"GATEHOUSE_ENV": "development", "SECRET_KEY": "k" * 40}, {})
    return replace(loaded, audit_key_file=tmp_path / "audit.key", checkpoint_dir=trail.folder)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def results(trail: Trail) -> list[str]:
    with trail.database.reading() as connection:
        rows = connection.execute(text(f"SELECT event FROM {EVENTS} WHERE event LIKE 'audit_verify%' ORDER BY id"))
        return [row.event for row in rows]


def test_it_verifies_each_hour(trail: Trail, settings: Settings, clock: Clock) -> None:
    verifier = Verifier(trail.database, settings, clock)
    verifier.verify_if_due()
    assert results(trail) == []
    clock.now += BEGINNING_S
    for expected in (1, 1):
        verifier.verify_if_due()
        assert len(results(trail)) == expected
    clock.now += HOUR_S - 1
    verifier.verify_if_due()
    assert len(results(trail)) == 1
    with trail.database.reading() as connection:
        row = connection.execute(text(f"SELECT actor_kind, body FROM {EVENTS} ORDER BY id DESC LIMIT 1")).one()
    assert (row.actor_kind, said(row.body)["to"], said(row.body)["vouched"]) == ("system", 300, 300)


def test_of_two_workers_one_does_it(trail: Trail, settings: Settings, clock: Clock) -> None:
    workers = [Verifier(trail.database, settings, clock) for _ in range(2)]
    clock.now += BEGINNING_S
    for one in workers:
        one.verify_if_due()
    assert results(trail) == ["audit_verify_ok"]


def test_whoever_claims_to_have_verified_is_not_believed_forever(
    trail: Trail, settings: Settings, clock: Clock
) -> None:
    verifier = Verifier(trail.database, settings, clock)
    for _ in range(int(BELIEF_S / HOUR_S) - 1):
        clock.now += HOUR_S
        with trail.database.transaction() as db:
            record(AuditEvent.VERIFIED, session=db)
        claimed = len(results(trail))
        verifier.verify_if_due()
        assert len(results(trail)) == claimed
    clock.now += HOUR_S
    verifier.verify_if_due()
    assert len(results(trail)) == claimed + 1


def test_an_event_from_the_future_is_believed_by_nobody(
    trail: Trail, thief: Thief, settings: Settings, clock: Clock
) -> None:
    with trail.database.transaction() as db:
        record(AuditEvent.VERIFIED, session=db)
    thief.run(f"UPDATE {EVENTS} SET occurred_at = '2999-01-01 00:00:00.000000' WHERE event = 'audit_verify_ok'")
    verifier = Verifier(trail.database, settings, clock)
    clock.now += BEGINNING_S
    verifier.verify_if_due()
    assert len(results(trail)) == 2


def test_one_finding_is_recorded_once_a_day_and_another_one_at_once(
    trail: Trail, thief: Thief, settings: Settings, clock: Clock
) -> None:
    verifier = Verifier(trail.database, settings, clock)
    thief.run(EVENT.format("outcome = 'denied'"), event=thief.event_id(5))
    for _ in range(3):
        verifier.verify()
        clock.now += HOUR_S
    assert results(trail) == ["audit_verify_failed"]
    thief.run(EVENT.format("outcome = 'denied'"), event=thief.event_id(4))
    verifier.verify()
    assert results(trail) == ["audit_verify_failed"] * 2
    clock.now += BELIEF_S
    verifier.verify()
    assert results(trail) == ["audit_verify_failed"] * 3


def test_what_takes_long_is_done_less_often(trail: Trail, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def slowly(*arguments: object) -> object:
        clock.now += 600
        return trail.verify()

    monkeypatch.setattr(verification, "verify", slowly)
    verifier = Verifier(trail.database, settings, clock)
    verifier.verify()
    assert verifier._due - clock.now == verification.REST * 600


@pytest.mark.parametrize(("took", "rest"), [(60, REST * 60), (2 * HOUR_S, LONGEST_PAUSE_S)])
def test_one_that_breaks_off_begins_again_neither_at_once_nor_days_later(
    trail: Trail,
    settings: Settings,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    took: float,
    rest: float,
) -> None:
    tries: list[float] = []

    def broken_off(*arguments: object) -> object:
        tries.append(clock.now)
        clock.now += took
        raise DependencyUnavailable("database")

    monkeypatch.setattr(verification, "verify", broken_off)
    verifier = Verifier(trail.database, settings, clock)
    clock.now += BEGINNING_S
    begun = clock.now
    for pause in (0, rest - 1, 1):
        clock.now += pause
        with suppress(DependencyUnavailable):
            verifier.verify_if_due()
    assert tries == [begun, begun + took + rest]
    assert caplog.text.count(f"has broken off; it begins again in {rest:.0f} seconds") == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_that_goes_away_meanwhile_is_asked_again(trail: Trail, settings: Settings) -> None:
    verifier = Verifier(trail.database, settings)

    class Restarting(list[VerifierKey]):
        """Is asked for between the first rows of the snapshot and the next."""

        def __bool__(self) -> bool:
            with create_engine(trail.engine.url, poolclass=NullPool).connect() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                    )
                )
            return True

    verifier._keys = Restarting([trail.key.verifier])
    with pytest.raises(DependencyUnavailable):
        verifier.verify()
    verifier._keys = [trail.key.verifier]
    assert verifier.verify().exit_code == 0


def test_a_running_worker_verifies(trail: Trail, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "BEGINNING_S", 0.0)
    run, stop = worker.prepare(trail.database, settings, lambda *words, **more: ""), Event()  # type: ignore[arg-type,return-value]
    thread = Thread(target=run, args=(stop,))
    thread.start()
    try:
        for _ in range(600):
            if results(trail):
                break
            stop.wait(0.1)
    finally:
        stop.set()
        thread.join()
    assert results(trail) == ["audit_verify_ok"]


def test_what_a_former_key_has_signed_counts_if_somebody_names_it(
    trail: Trail, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    former, trail.key = trail.key.verifier, SigningKey.generate("gate.example.com")
    write_key(tmp_path / "new.key", trail.key)
    rotated = replace(settings, audit_key_file=tmp_path / "new.key")
    trail.happen(5)
    trail.sign()
    # Three in the folder and the same three in the database.
    report = Verifier(trail.database, rotated, clock).verify()
    assert (report.exit_code, report.checkpoints) == (2, 2)
    (doubt,) = report.doubts
    assert doubt.startswith(f"6 checkpoints bear the signature of {former.name}+{former.key_id.hex()} and of no key")
    assert "GATEHOUSE_AUDIT_PUBLIC_KEYS" in doubt
    named = replace(rotated, audit_public_keys=(str(former),))
    report = Verifier(trail.database, named, clock).verify()
    assert (report.exit_code, report.checkpoints, report.doubts) == (0, 8, [])
    # A signature that claims to be of the former key, and is not, is no doubt about who signed.
    note = trail.folder / "1-000000000100.note"
    note.write_text(note.read_text().replace("\n100\n", "\n101\n"))
    report = Verifier(trail.database, named, clock).verify()
    assert (report.exit_code, report.checkpoints) == (2, 7)
    assert "does not belong to this text" in report.doubts[0]


def test_a_former_key_that_is_none_keeps_the_worker_from_starting(trail: Trail, settings: Settings) -> None:
    said = str(trail.key.verifier)
    broken = replace(settings, audit_public_keys=(f"{said[:-2]}{'AB' if said[-2:] != 'AB' else 'CD'}",))
    with pytest.raises(MalformedKey, match="GATEHOUSE_AUDIT_PUBLIC_KEYS"):
        worker.prepare(trail.database, broken, lambda *words, **more: "")  # type: ignore[arg-type,return-value]

"""Restores begin epochs: what is lost by one that is recorded is told, and every other loss is found."""

from flask_gatehouse.audit.sealing import begin_epoch
from tests.integration.audit.test_verification import EVENT, EVENTS, LEAVES
from tests.integration.audit.thief import START, Thief, Trail, first, forge

FORGET_EPOCH_2 = [
    f"DELETE FROM gatehouse_audit_{name} WHERE epoch = 2" for name in ("leaves", "tiles", "checkpoints", "trees")
]


def restore(trail: Trail, thief: Thief, size: int) -> None:
    """Put an older state in place, and begin an epoch as a restore does."""
    thief.rewrite(lambda events: events.__delitem__(slice(size, None)))
    with trail.database.transaction() as db:
        begin_epoch(db)
    trail.happen(30)
    trail.sign()


def test_what_a_recorded_restore_lost_is_told_and_is_no_tampering(trail: Trail, thief: Thief) -> None:
    restore(trail, thief, 250)
    report = trail.verify()
    assert (report.exit_code, report.findings.kept) == (0, [])
    assert any("Events 250 to 299 of epoch 1 were lost by the restore" in notice for notice in report.notices)
    said = report.sentences(START)
    assert "Verified events 0 to 249 of epoch 1." in said
    assert "Verified events 0 to 30 of epoch 2." in said


def restore_again(trail: Trail, thief: Thief) -> None:
    """Restore once more, to before the first restore: its epoch is left behind, and its number is passed over."""
    restore(trail, thief, 250)
    thief.run(
        *FORGET_EPOCH_2,
        f"DELETE FROM {EVENTS} WHERE id > :last",
        last=thief.event_id(249),
    )
    with trail.database.transaction() as db:
        begin_epoch(db, after=2)
    trail.happen(300)
    trail.sign()


def test_an_epoch_that_a_recorded_restore_lost_is_told_and_is_no_tampering(trail: Trail, thief: Thief) -> None:
    restore_again(trail, thief)
    report = trail.verify()
    assert (report.exit_code, report.findings.kept) == (0, [])
    assert any(notice.startswith("Epoch 2, of 31 events, was lost by the restore") for notice in report.notices)
    assert [one.epoch for one in report.ranges] == [1, 3]


def test_an_epoch_that_is_taken_away_is_missed(trail: Trail, thief: Thief) -> None:
    """Nobody has restored past it: the event with which the third one begins says that it goes on from the second."""
    restore(trail, thief, 250)
    with trail.database.transaction() as db:
        begin_epoch(db)
    trail.happen(5)
    trail.sign()
    assert trail.verify().exit_code == 0
    thief.run(
        f"DELETE FROM {EVENTS} WHERE id IN (SELECT event_id FROM {LEAVES} WHERE epoch = 2)",
        *FORGET_EPOCH_2,
    )
    found = {(one.kind.value, one.epoch) for one in trail.verify(outside=False).findings.kept}
    assert ("wrong epoch", 3) in found
    assert ("wrong epoch", 2) in {(one.kind.value, one.epoch) for one in trail.verify().findings.kept}


def test_a_number_that_is_passed_over_by_an_unsealed_beginning_is_missed(trail: Trail) -> None:
    with trail.database.transaction() as db:
        begin_epoch(db, after=7)
    assert first(trail.verify()) == ("wrong epoch", 0, 0)
    trail.seal()
    assert trail.verify().exit_code == 0


def test_a_closed_epoch_is_still_verified(trail: Trail, thief: Thief) -> None:
    restore(trail, thief, 250)
    thief.run(EVENT.format("outcome = 'denied'"), event=thief.event_id(5))
    assert first(trail.verify()) == ("edited", 5, 5)


def test_an_epoch_that_does_not_go_on_from_the_one_before_is_wrong(trail: Trail, thief: Thief) -> None:
    restore(trail, thief, 250)
    for path in trail.folder.glob("2-*"):
        path.unlink()
    thief.rewrite(lambda events: forge(events[0], details={"epoch": 1, "size": 250, "root": "00" * 32}))
    report = trail.verify()
    assert ("wrong epoch", 2) in {(found.kind.value, found.epoch) for found in report.findings.kept}


def test_a_checkpoint_of_an_epoch_that_is_not_there_is_found(trail: Trail, thief: Thief) -> None:
    restore(trail, thief, 250)
    thief.run(
        *FORGET_EPOCH_2,
        f"DELETE FROM {EVENTS} WHERE id > :last",
        last=thief.event_id(249),
    )
    report = trail.verify()
    assert report.exit_code == 1
    assert {(found.kind.value, found.epoch) for found in report.findings.kept} == {("truncated", 1), ("wrong epoch", 2)}


def test_an_unsealed_beginning_excuses_nothing(trail: Trail, thief: Thief) -> None:
    thief.rewrite(lambda events: events.__delitem__(slice(250, None)))
    with trail.database.transaction() as db:
        begin_epoch(db)
    assert trail.verify().exit_code == 1

"""How the trail stands, as the database tells it."""

from flask_gatehouse.audit import AuditEvent, standing
from flask_gatehouse.audit.checkpoints import mark_delivered
from flask_gatehouse.audit.sealing import begin_epoch
from flask_gatehouse.audit.standing import Standing, find_standing
from tests.integration.audit.thief import Trail


def stands(trail: Trail) -> Standing:
    with trail.database.reading() as connection:
        return find_standing(connection)


def test_of_nothing(young_trail: Trail) -> None:
    assert stands(young_trail) == Standing(0, 0, 0, None, None, None)


def test_what_waits_is_counted_and_what_is_sealed_is_not(young_trail: Trail) -> None:
    young_trail.happen(3)
    now = stands(young_trail)
    assert (now.sealed, now.waiting, now.waiting_since is None) == (0, 3, False)
    young_trail.seal()
    now = stands(young_trail)
    assert (now.epoch, now.sealed, now.waiting, now.waiting_since) == (1, 3, 0, None)
    young_trail.happen(standing.COUNTED + 5)
    assert stands(young_trail).waiting == standing.COUNTED


def test_the_newest_verification_counts_whichever_way_it_ended(young_trail: Trail) -> None:
    for event, to in ((AuditEvent.VERIFIED, 1), (AuditEvent.VERIFY_FAILED, 2), (AuditEvent.VERIFIED, 3)):
        young_trail.happen(event=event, details={"to": to}, change={})
        found = stands(young_trail).verification
        assert found is not None
        assert (found.content["event"], found.content["details"]) == (event, {"to": to})


def test_the_newest_checkpoint_and_whether_it_has_left(young_trail: Trail) -> None:
    young_trail.happen(2)
    young_trail.sign()
    young_trail.happen()
    young_trail.sign()
    signed = stands(young_trail).signed
    assert signed is not None
    assert (signed.epoch, signed.size, signed.left_at) == (1, 3, None)
    with young_trail.database.transaction() as db:
        mark_delivered(db, 1, 3)
    signed = stands(young_trail).signed
    assert signed is not None
    assert signed.left_at is not None


def test_a_restored_backup_begins_anew(young_trail: Trail) -> None:
    young_trail.happen(2)
    young_trail.seal()
    with young_trail.database.transaction() as db:
        begin_epoch(db)
    assert (stands(young_trail).epoch, stands(young_trail).sealed, stands(young_trail).waiting) == (2, 0, 1)

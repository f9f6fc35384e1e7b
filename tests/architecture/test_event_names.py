"""Every event of ours is called something on the page of the audit log, in a group of its filter."""

from flask_gatehouse.audit import AuditEvent
from flask_gatehouse.audit.events import Outcome
from flask_gatehouse.web.audit_names import EVENTS, OUTCOMES


def test_every_event_and_outcome_has_a_name_that_people_read() -> None:
    named = [event for group in EVENTS.values() for event in group]
    assert sorted(named) == sorted(AuditEvent)
    assert set(OUTCOMES) == set(Outcome)
    sentences = [name for group in EVENTS.values() for name in group.values()]
    assert len(set(sentences)) == len(sentences)

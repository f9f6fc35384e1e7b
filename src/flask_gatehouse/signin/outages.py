"""Providers that do not answer, in the trail: once for each, and again after a while if it is still so."""

from datetime import timedelta

from ..audit import AuditEvent, record
from ..audit.history import latest_event
from ..db.database import Database
from ..kernel.clock import utc_now
from ..kernel.context import Actor

# Whoever waits for a provider tries again and again: not every try is an event.
BETWEEN = timedelta(minutes=10)


def record_outage(database: Database, provider: str, *, actor: Actor) -> None:
    """Record that a provider does not answer, unless that was recorded not long ago.

    Two nodes that find it at the same moment may both record it, which does no harm.

    :raises DependencyUnavailable: if the database does not answer.
    """
    target = ("provider", provider)
    with database.transaction() as db:
        last = latest_event(db.connection(), {AuditEvent.PROVIDER_UNAVAILABLE}, target)
        if last is None or utc_now() - last.occurred_at >= BETWEEN:
            record(AuditEvent.PROVIDER_UNAVAILABLE, resource=target, session=db, actor=actor)

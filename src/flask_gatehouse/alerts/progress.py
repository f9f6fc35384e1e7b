"""How far those who are told are behind the trail."""

from sqlalchemy import Connection, select

from ..audit.following import Place, oldest_from
from ..kernel.clock import utc_now
from .models import AlertSink


def alert_lags(connection: Connection) -> dict[str, float]:
    """Return of each reader of the trail for how many seconds the oldest event has waited for it; 0 if none waits."""
    rows = connection.execute(select(AlertSink.name, AlertSink.epoch, AlertSink.position)).all()
    now, found = utc_now(), {}
    for row in rows:
        since = oldest_from(connection, Place(row.epoch, row.position))
        found[row.name] = 0.0 if since is None else max(0.0, (now - since).total_seconds())
    return found

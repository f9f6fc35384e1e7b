"""The jobs that no request waits for: ending what has expired, forgetting used attempts."""

import logging
from threading import Event

from ..accounts.rules import Role
from ..accounts.service import expire_invitations, expire_join_requests
from ..db.database import Database, SchemaMissing
from ..kernel.errors import DependencyUnavailable
from ..sessions.limits import limits_of
from ..sessions.service import expire_sessions, forget_ended_sessions
from ..settings import Settings
from ..signin.service import forget_spent_attempts

log = logging.getLogger("flask_gatehouse.worker")
# Seconds between two rounds. Nothing depends on it: a request judges its session by itself.
PAUSE = 10.0


def run(database: Database, settings: Settings, stop: Event) -> None:
    """Work until told to stop. A database that does not answer is tried again in the next round."""
    while not stop.is_set():
        try:
            work_once(database, settings)
        except (DependencyUnavailable, SchemaMissing) as error:
            log.warning("%s; the worker tries again in %s seconds", error, PAUSE)
        stop.wait(PAUSE)


def work_once(database: Database, settings: Settings) -> None:
    """Do one round of every job."""
    ordinary, admin = limits_of(settings, Role.VIEWER), limits_of(settings, Role.ADMIN)
    batch = 500
    while True:
        with database.transaction() as db:
            if expire_sessions(db, ordinary, admin, batch=batch) < batch:
                break
    with database.transaction() as db:
        expire_invitations(db)
        expire_join_requests(db)
    with database.transaction() as db:
        forget_spent_attempts(db)
        forget_ended_sessions(db)

"""The jobs that no request waits for: ending sessions whose time is over, forgetting used attempts."""

import logging
from threading import Event

from ..db.database import Database
from ..kernel.errors import DependencyUnavailable
from ..sessions.rules import Limits
from ..sessions.service import expire_sessions
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
        except DependencyUnavailable:
            log.warning("the database does not answer; the worker tries again in %s seconds", PAUSE)
        stop.wait(PAUSE)


def work_once(database: Database, settings: Settings) -> None:
    """Do one round of every job."""
    ordinary = Limits(settings.idle_timeout, settings.session_lifetime)
    admin = Limits(settings.admin_idle_timeout, settings.admin_session_lifetime)
    batch = 500
    while True:
        with database.transaction() as db:
            if expire_sessions(db, ordinary, admin, batch=batch) < batch:
                break
    with database.transaction() as db:
        forget_spent_attempts(db)

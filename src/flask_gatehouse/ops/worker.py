"""The jobs that no request waits for: sealing the trail, ending what has expired, forgetting used attempts."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from urllib.parse import urlsplit

from ..accounts.rules import Role
from ..accounts.service import expire_invitations, expire_join_requests
from ..audit.sealing import Sealer
from ..db.database import Database, SchemaMissing
from ..kernel.errors import DependencyUnavailable
from ..sessions.limits import limits_of
from ..sessions.service import expire_sessions, forget_ended_sessions
from ..settings import Settings
from ..signin.service import forget_spent_attempts

log = logging.getLogger("flask_gatehouse.worker")
# Seconds between two looks at what is due: a sealed event is at most this old, and the time to seal it.
PAUSE = 0.5
# How long a database that did not answer is left alone.
RECOVERY = 5.0


@dataclass(slots=True)
class Job:
    """Something to do again and again.

    :param every: seconds between the end of one time and the beginning of the next.
    """

    do: Callable[[], object]
    every: float
    due: float = 0.0


def run(database: Database, settings: Settings, stop: Event) -> None:
    """Work until told to stop, and seal once more then. A database that does not answer is tried again."""
    jobs = jobs_of(database, settings)
    while not stop.is_set():
        work(jobs)
        stop.wait(PAUSE)
    work([Job(Sealer(database, _host(settings)).seal, 0)])


def jobs_of(database: Database, settings: Settings) -> list[Job]:
    """Return what there is to do, in the order in which it is done."""
    return [
        Job(Sealer(database, _host(settings)).seal, PAUSE),
        # Nothing depends on it: a request judges its session by itself.
        Job(lambda: expire(database, settings), 10),
        Job(lambda: forget(database), 10),
    ]


def work(jobs: list[Job]) -> None:
    """Do every job that is due, the others still if one of them fails."""
    for job in jobs:
        if time.monotonic() < job.due:
            continue
        pause = job.every
        try:
            job.do()
        except (DependencyUnavailable, SchemaMissing) as error:
            pause = max(pause, RECOVERY)
            log.warning("%s; the worker tries again in %s seconds", error, pause)
        job.due = time.monotonic() + pause


def expire(database: Database, settings: Settings) -> None:
    """End sessions, invitations and requests to join whose time is over."""
    ordinary, admin = limits_of(settings, Role.VIEWER), limits_of(settings, Role.ADMIN)
    batch = 500
    while True:
        with database.transaction() as db:
            if expire_sessions(db, ordinary, admin, batch=batch) < batch:
                break
    with database.transaction() as db:
        expire_invitations(db)
        expire_join_requests(db)


def forget(database: Database) -> None:
    """Delete what nobody needs any more."""
    with database.transaction() as db:
        forget_spent_attempts(db)
        forget_ended_sessions(db)


def _host(settings: Settings) -> str:
    return urlsplit(settings.base_url).netloc or "localhost"

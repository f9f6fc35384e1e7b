"""The jobs that no request waits for: sealing the trail, ending what has expired, forgetting used attempts."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread

from ..accounts.rules import Role
from ..accounts.service import expire_invitations, expire_join_requests
from ..alerts.engine import Alerts
from ..alerts.invitations import invitation_mail
from ..alerts.letters import Write
from ..alerts.notices import notice_mail
from ..alerts.sinks import configured_sinks
from ..audit.keys import read_key
from ..audit.note_keys import SigningKey
from ..audit.origins import host_of
from ..audit.sealing import Sealer
from ..db.database import Database, SchemaMissing
from ..kernel.errors import DependencyUnavailable
from ..privacy.leftovers import settle
from ..privacy.retention import PersonalRetention
from ..sessions.expiring import expire_sessions, forget_ended_sessions, sessions_due
from ..sessions.rules import limits_of
from ..settings import Settings
from ..signin.service import forget_spent_attempts
from ..signin.slowing import forget_refusals
from .checkpoints import Witness
from .retention import Retention
from .verification import Verifier

log = logging.getLogger("flask_gatehouse.worker")
# Seconds between two looks at what is due: a sealed event is at most this old, and the time to seal it.
PAUSE = 0.5
# How long a database that did not answer is left alone.
RECOVERY = 5.0
# How long a job rests that has failed in a way that nobody has thought of.
AFTER_A_FAULT = 60.0
# How long the end waits for those who speak to others.
FAREWELL = 5.0


@dataclass(slots=True)
class Job:
    """Something to do again and again.

    :param every: seconds between the end of one time and the beginning of the next.
    :param rest: the same, in times as long as it took: what looks through all that lives is not all that a worker does.
    """

    do: Callable[[], object]
    every: float
    rest: float = 0.0
    due: float = 0.0


def prepare(database: Database, settings: Settings, write: Write) -> Callable[[Event], None]:
    """Return what works until it is told to stop. A database that does not answer is tried again.

    To be called within the application's context; what it returns needs none.

    :param write: writes letters from templates.
    :raises UnusableKeyFile: if the file of the audit key cannot be used: signing that ends silently would be noticed
        when it is too late.
    :raises MalformedKey: if a former key that the settings name is none.
    """
    database = database.detached()
    sealer, witness = Sealer(database, host_of(settings)), find_witness(database, settings)
    verifier = Verifier(database, settings)
    letters = (invitation_mail(database, settings, write), notice_mail(database, settings, write))
    inside = [
        Job(sealer.seal, PAUSE),
        # Nothing depends on it: a request judges its session by itself.
        Job(lambda: expire(database, settings), 10, rest=50),
        Job(lambda: forget(database, settings), 10),
        Job(PersonalRetention(database, settings).run, 10),
    ]
    # What speaks to others has a thread of its own, and each of the others too: a server that hangs keeps no event from
    # being sealed, and nobody else from being told.
    outside = [
        # The ledger may be on another machine.
        Job(lambda: settle(database, settings), 10),
        *([Job(witness.sign_if_due, 1)] if witness else []),
        # It writes archives for as long as there is something old.
        *([Job(Retention(database, settings).run, 60)] if settings.audit_retention else []),
        # It reads for as long as the trail is large.
        Job(verifier.verify_if_due, 5),
        *(Job(delivery.run, 1) for delivery in letters if delivery),
        *(Job(Alerts(database, settings, sink).run, 1) for sink in configured_sinks(settings, write)),
    ]

    def run(stop: Event) -> None:
        # Daemons: one that waits for a server is left alone at the end, and its lease runs out.
        apart = [Thread(target=repeat, args=([job], stop), daemon=True) for job in outside]
        for thread in apart:
            thread.start()
        repeat(inside, stop)
        until = time.monotonic() + FAREWELL
        for thread in apart:
            thread.join(max(0.0, until - time.monotonic()))
        # What was done last is sealed and signed before nobody is there to do it.
        work([Job(sealer.seal, 0), *([Job(witness.sign, 0), Job(witness.publish, 0)] if witness else [])])

    return run


def repeat(jobs: list[Job], stop: Event) -> None:
    """Do what is due until told to stop."""
    while jobs and not stop.is_set():
        work(jobs)
        stop.wait(PAUSE)


def work(jobs: list[Job]) -> None:
    """Do every job that is due, the others still if one of them fails, in whatever way."""
    for job in jobs:
        if time.monotonic() < job.due:
            continue
        pause, begun = job.every, time.monotonic()
        try:
            job.do()
            pause = max(pause, job.rest * (time.monotonic() - begun))
        except (DependencyUnavailable, SchemaMissing) as error:
            pause = max(pause, RECOVERY)
            log.warning("%s; the worker tries again in %s seconds", error, pause)
        except Exception:  # the outermost boundary: a fault of one job must not end sealing, alerts or verification
            pause = max(pause, AFTER_A_FAULT)
            log.exception("a job of the worker has failed; it is tried again in %s seconds", pause)
        job.due = time.monotonic() + pause


def expire(database: Database, settings: Settings) -> None:
    """End sessions, invitations and requests to join whose time is over."""
    ordinary, admin = limits_of(settings, Role.VIEWER), limits_of(settings, Role.ADMIN)
    batch = 500
    while True:
        with database.reading() as connection:
            due = sessions_due(connection, ordinary, admin, limit=batch)
        if not due:
            break
        with database.transaction() as db:
            if expire_sessions(db, ordinary, admin, due) < batch:
                break
    with database.transaction() as db:
        expire_invitations(db)
        expire_join_requests(db)


def forget(database: Database, settings: Settings) -> None:
    """Delete what nobody needs any more."""
    batch = 500
    with database.transaction() as db:
        forget_spent_attempts(db)
        forget_refusals(db)
    while True:
        with database.transaction() as db:
            if forget_ended_sessions(db, settings.session_retention, batch=batch) < batch:
                break


def find_witness(database: Database, settings: Settings) -> Witness | None:
    """Return who signs, or None where there is no key to sign with.

    :raises UnusableKeyFile: if the file that the settings name cannot be used.
    :raises MalformedKey: if a former key that they name is none.
    """
    if settings.audit_key_file is None:
        return None
    key = read_key(settings.audit_key_file)
    if settings.checkpoint_dir is not None:
        # One that is missing is a doubt to whoever verifies, and nothing was signed yet.
        with suppress(OSError):
            settings.checkpoint_dir.mkdir(parents=True, exist_ok=True)
    return Witness(database, settings, key) if isinstance(key, SigningKey) else None

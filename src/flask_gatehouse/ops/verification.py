"""Verifying the trail again and again, so that nobody has to think of it."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from ..audit import AuditEvent
from ..audit.history import latest_moments
from ..audit.keys import believed_keys
from ..audit.verifying import Held, Report, verify
from ..audit.verifying.recording import record_result
from ..db.database import Database, as_unavailable
from ..kernel.clock import utc_now
from ..kernel.context import SYSTEM
from ..settings import Settings

log = logging.getLogger("flask_gatehouse.audit")
HOUR = timedelta(hours=1)
# What a verification took, times this, until the next one: one that comes to its end costs a fiftieth of one processor
# at most.
REST = 50
# A worker that has just begun lets the sealer catch up first.
BEGINNING_S = 60.0
# One that broke off is repeated after so long at the latest: a server that was away for a moment at the end of an hour
# must not leave the trail unlooked at for two days.
LONGEST_PAUSE_S = 6 * 3600.0
# For so long it believes others who say that they have verified. An event that says so proves nothing: whoever can
# write to the database would keep everybody from looking by writing one each hour.
BELIEF_S = 24 * 3600.0


class Verifier:
    """Verifies the whole trail each hour, and less often where that takes minutes; one for each worker.

    Of several workers one does it. A success is recorded each time. A failure is recorded when it is another one than
    before, and otherwise once a day: one edited event is one alert and not one for each hour.
    """

    def __init__(self, database: Database, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare to verify, with the keys and the folder of the settings.

        :raises UnusableKeyFile: if the file of the key cannot be used.
        :raises MalformedKey: if a former key that is named is none.
        """
        self._database, self._folder, self._clock = database, settings.checkpoint_dir, clock
        self._keys = believed_keys(settings)
        self._due, self._looked_at = clock() + BEGINNING_S, clock()
        self._told: tuple[object, ...] | None = None
        self._told_at = 0.0

    def verify_if_due(self) -> None:
        """Verify if it is time and nobody else has done it; record the result, and log what is wrong.

        :raises DependencyUnavailable: if the database does not answer.
        """
        if self._clock() < self._due:
            return
        if self._clock() - self._looked_at < BELIEF_S and self._is_fresh(utc_now()):
            self._due = self._clock() + BEGINNING_S
            return
        self.verify()

    def verify(self) -> Report:
        """Verify now.

        :raises DependencyUnavailable: if the database does not answer.
        :raises SchemaMissing: if it lacks our tables.
        """
        began, is_done = self._clock(), False
        try:
            with as_unavailable():
                report = verify(self._database.engine, Held(self._keys, folder=self._folder))
            self._looked_at, is_done = self._clock(), True
        finally:
            rest = REST * (self._clock() - began)
            # One that breaks off after an hour must not begin again at once, and read for as long as a worker lives.
            pause = max(HOUR.total_seconds(), rest) if is_done else min(rest, LONGEST_PAUSE_S)
            self._due = self._clock() + pause
            if not is_done:
                log.warning("a verification of the trail has broken off; it begins again in %.0f seconds", pause)
        self._tell(report)
        return report

    def _is_fresh(self, now: datetime) -> bool:
        with self._database.reading() as connection:
            moments = [
                *latest_moments(connection, AuditEvent.VERIFIED, 1),
                *latest_moments(connection, AuditEvent.VERIFY_FAILED, 1),
            ]
        # One from the future is nobody's.
        return any(now - HOUR < moment <= now for moment in moments)

    def _tell(self, report: Report) -> None:
        first = report.findings.first
        told = (report.exit_code, report.findings.count, first, tuple(report.doubts)) if report.exit_code else None
        is_known = told is not None and told == self._told and self._clock() - self._told_at < BELIEF_S
        if is_known:
            return
        if told is not None:
            log.error("%s Run: gatehouse audit verify", report.sentences(utc_now())[0])
        with self._database.transaction() as db:
            record_result(db, report, actor=SYSTEM)
        self._told, self._told_at = told, self._clock()

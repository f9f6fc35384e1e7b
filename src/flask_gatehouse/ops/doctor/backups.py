"""Backups: whether they can be made, are made, and come back."""

import re
import shutil
import subprocess
from datetime import timedelta

from ...alerts.overdue import BACKUP_PATIENCE
from ...audit import AuditEvent
from ...audit.history import latest_moments
from ...kernel.clock import utc_now
from ...kernel.text import roughly
from ..backups.postgresql import DUMP, RESTORE
from .finding import Check, Finding, Item, failed, ok, unknown
from .subject import Subject

# A quarter, and ten days to get round to it.
_DRILL_PATIENCE = timedelta(days=100)
_TIMEOUT_S = 5
_RELEASE = re.compile(r"\(PostgreSQL\) ((\d+)\S*)")


def programs(subject: Subject) -> Finding:
    """Ask PostgreSQL's own programs, which a backup calls, for their release: they refuse a newer server."""
    if subject.database.engine.dialect.name != "postgresql":
        return ok("This is no PostgreSQL database, and needs no programs of it.")
    with subject.database.reading() as database:
        server = database.dialect.server_version_info or (0,)
    major = int(server[0])
    mend = f"Install PostgreSQL's client programs of release {major} or newer where backups are made and restored."
    found, wrong, silent = [], [], []
    for program in (DUMP, RESTORE):
        path = shutil.which(program)
        if path is None:
            wrong.append(f"{program} is not in PATH")
            continue
        release = _RELEASE.search(_asked(path))
        if release is None:
            silent.append(f"{path} --version did not say which release it is")
        elif int(release[2]) < major:
            wrong.append(f"{path} is of release {release[1]}")
        else:
            found.append(f"{path} is of release {release[1]}")
    evidence = f"The server is of release {'.'.join(map(str, server))}; {', '.join([*wrong, *silent, *found])}."
    if wrong:
        return failed(evidence, mend)
    return unknown(evidence, mend) if silent else ok(evidence)


def _asked(path: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - what PATH names, as a backup takes it
            [path, "--version"], capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def backup(subject: Subject) -> Finding:
    with subject.database.reading() as connection:
        moments = latest_moments(connection, AuditEvent.BACKUP_MADE, 1)
    if not moments:
        return failed(
            f"The trail knows of no backup (event {AuditEvent.BACKUP_MADE}).",
            "Make one each night with gatehouse backup, and see whether it comes back with gatehouse backup --drill.",
        )
    age = utc_now() - moments[0]
    if age > BACKUP_PATIENCE:
        return failed(f"The last backup was made {roughly(age)} ago.", "Look why the one of last night was not made.")
    return ok(f"The last backup was made {roughly(age)} ago.")


def drill(subject: Subject) -> Finding:
    with subject.database.reading() as connection:
        moments = latest_moments(connection, AuditEvent.BACKUP_DRILLED, 1)
    mend = "Run: gatehouse backup --drill. It restores a backup beside the database, verifies it, and keeps nothing."
    if not moments:
        return failed(f"The trail knows of no backup that was restored (event {AuditEvent.BACKUP_DRILLED}).", mend)
    age = utc_now() - moments[0]
    evidence = f"A backup was last restored on trial {roughly(age)} ago."
    return failed(evidence, mend) if age > _DRILL_PATIENCE else ok(evidence)


CHECKS = (
    Check("backup_programs", "Backups of PostgreSQL can be made and restored", Item.BACKUP, programs),
    Check("backup", "There is a backup of last night", Item.BACKUP, backup),
    Check("drill", "A backup was restored lately", Item.BACKUP, drill),
)

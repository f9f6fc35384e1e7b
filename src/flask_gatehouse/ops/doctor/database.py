"""The database: reached, migrated, kept as it should be, and its trail guarded."""

import stat
import time
from pathlib import Path

from sqlalchemy import text

from ...accounts.queries import UserQuery
from ...accounts.service import list_users
from ...audit.tampering import owns_trail, try_to_tamper
from ...db.base import now_of
from ...db.database import DatabaseMissing, SchemaMissing
from ...db.schema import HEAD, current_version
from ...kernel.clock import utc_now
from ...kernel.errors import DependencyUnavailable
from .finding import Check, Finding, Item, failed, ok, unknown, warning
from .subject import Subject

# Seconds. Nodes that disagree by more put events into an order in which they did not happen.
_SKEW_S = 30
_UPGRADE = "Run: gatehouse db upgrade"


def connection(subject: Subject) -> Finding:
    began = time.monotonic()
    try:
        with subject.database.reading() as database:
            dialect = database.dialect
            database.execute(text("SELECT 1"))
            version = ".".join(map(str, dialect.server_version_info or ()))
    except DatabaseMissing as error:
        return failed(f"There is no database at {error.path}.", f"Look whether DATABASE_URL names it. {_UPGRADE}")
    except DependencyUnavailable:
        return failed(
            "SELECT 1 was not answered.",
            "Start the database, and look whether DATABASE_URL names it and its password is right.",
        )
    took = (time.monotonic() - began) * 1000
    return ok(f"SELECT 1 was answered by {dialect.name} {version} in {took:.0f} ms.")


def clock(subject: Subject) -> Finding:
    """Compare this machine's clock with the database's, by which sessions end on every node."""
    before = utc_now()
    with subject.database.reading() as database:
        theirs = now_of(database)
    skew = (before - theirs).total_seconds()
    words = f"This machine is {abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} the database"
    if abs(skew) > _SKEW_S:
        return failed(f"{words}: what is recorded is recorded with a wrong time.", "Set the clocks (NTP).")
    return ok(f"{words}.")


def migrations(subject: Subject) -> Finding:
    try:
        with subject.database.reading() as database:
            version = current_version(database)
    except SchemaMissing:
        version = None
    if version != HEAD:
        return failed(f"The database is at {version or 'no migration'}, this release needs {HEAD}.", _UPGRADE)
    return ok(f"The database is at migration {HEAD}, which this release needs.")


def sqlite(subject: Subject) -> Finding:
    """Ask a connection of the application how SQLite works for it."""
    engine = subject.database.engine
    if engine.dialect.name != "sqlite":
        return ok("This is no SQLite database.")
    wanted: dict[str, set[object]] = {"journal_mode": {"wal"}, "foreign_keys": {1}, "synchronous": {2, 3}}
    with subject.database.reading() as database:
        found = {name: database.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
    said = ", ".join(f"{name} = {value}" for name, value in found.items())
    wrong = [name for name, values in wanted.items() if found[name] not in values]
    if wrong:
        return failed(
            f"PRAGMA says {said}.",
            f"Set {', '.join(wrong)} on the engine that the host brings: readers wait for writers, rows are left"
            " behind, or a commit that was acknowledged is lost with the power.",
        )
    return ok(f"PRAGMA says {said}.")


def sqlite_file(subject: Subject) -> Finding:
    engine = subject.database.engine
    if engine.dialect.name != "sqlite":
        return ok("This is no SQLite database.")
    path = Path(engine.url.database or "")
    if not path.exists():
        return unknown(f"There is no file {path}.", _UPGRADE)
    exposed = [one for one in (path, Path(f"{path}-wal")) if one.exists() and _mode(one) & 0o077]
    if exposed and _mode(path.parent) & 0o077:
        named = ", ".join(f"{one} ({_mode(one):04o})" for one in exposed)
        return failed(
            f"Others on this machine read {named}.",
            f"chmod 700 {path.parent}, or chmod 600 the file itself.",
        )
    return ok(f"The mode of {path} is {_mode(path):04o}, and that of its folder {_mode(path.parent):04o}.")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def trail_guard(subject: Subject) -> Finding:
    """Try to change and to delete an event, in a transaction that is taken back."""
    succeeded = try_to_tamper(subject.database)
    if succeeded:
        return failed(
            f"{' and '.join(succeeded).capitalize()} an event was not refused (it was taken back at once).",
            f"The guards of the trail are gone. {_UPGRADE}; if that changes nothing, bring them back from a migration"
            " and find out who took them away.",
        )
    tried = "To change and to delete an event was tried and refused"
    with subject.database.reading() as database:
        if owns_trail(database):
            return warning(
                f"{tried}; but the role of the application owns the table, and could take its guards away.",
                "Give the application a role of its own: docs/how-to/database-roles.md has them.",
            )
    return ok(f"{tried}.")


def injection(subject: Subject) -> Finding:
    """Search for somebody whose name would be a statement."""
    hostile = "' OR '1'='1' --"
    with subject.database.reading() as database:
        found = list_users(database, UserQuery.parse(q=hostile)).rows
    if any(hostile not in one.name for one in found):
        return failed("A search that is a statement was carried out as one.", "This is a fault of Gatehouse: tell us.")
    return ok("A search for ' OR '1'='1' -- was asked of the database, and found nobody else.")


CHECKS = (
    Check("database", "The database answers", Item.DATABASE, connection),
    Check("database_clock", "This machine and the database agree about the time", Item.PERSISTENCE, clock),
    Check("migrations", "The schema is that of this release", Item.DATABASE, migrations),
    Check("sqlite", "SQLite keeps what it has acknowledged", Item.DATABASE, sqlite),
    Check("sqlite_file", "Nobody else reads the database's file", Item.CREDENTIALS, sqlite_file),
    Check("trail_guard", "Events are neither changed nor deleted", Item.AUDIT, trail_guard),
    Check("injection", "What people search for is no statement", Item.INJECTION, injection),
)

"""What has happened at a site, and how long ago; people who have joined it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from flask_gatehouse.accounts.rules import Role
from flask_gatehouse.accounts.service import Profile, find_user_id, hold_user, register
from flask_gatehouse.audit import record
from flask_gatehouse.db.database import Database
from flask_gatehouse.kernel.context import SYSTEM

GUARDS = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :t"


def happen(database: Database, event: str, ago: timedelta = timedelta(0)) -> None:
    """Let something be recorded that happened so long ago."""
    with database.transaction() as db:
        record(event, session=db, actor=SYSTEM)
    age(database, "gatehouse_audit_events", "occurred_at", ago)


def age(database: Database, table: str, column: str, ago: timedelta) -> None:
    """Let all rows of a table be so old; of one that is guarded, the guards are gone then."""
    if not ago:
        return
    moment = (datetime.now(UTC) - ago).replace(tzinfo=None).isoformat(sep=" ")
    with database.engine.begin() as connection:
        guards = [row[0] for row in connection.execute(text(GUARDS), {"t": table})]
        for guard in guards:
            connection.exec_driver_sql(f"DROP TRIGGER {guard}")
        connection.execute(text(f"UPDATE {table} SET {column} = :moment"), {"moment": moment})


def join(database: Database, who: str, role: Role = Role.ADMIN) -> None:
    with database.transaction() as db:
        said = Profile(
            "google", "https://accounts.google.com", who, who, f"{who}@example.com", email_is_authoritative=True
        )
        register(db, said, role, actor=SYSTEM)


def hold(database: Database, address: str) -> None:
    """Let a person say, by the link of a letter, that it was not she."""
    with database.transaction() as db:
        assert hold_user(db, find_user_id(db, address) or 0, 0, about="authn_login_success", actor=SYSTEM)

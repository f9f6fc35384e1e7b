"""What an erasure leaves to do once it is committed: the ledger, and what the database's own files may still hold."""

import logging

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..audit.erasure import empty_log
from ..db.database import Database
from ..kernel.errors import DependencyUnavailable
from ..settings import Settings
from .ledger import write_out
from .models import PendingErasure

log = logging.getLogger("flask_gatehouse.privacy")
BATCH = 500
# The version of SQLite from which on the index of the search forgets by itself what is deleted.
_FORGETS = (3, 42)


def carry_out(database: Database, settings: Settings) -> None:
    """Write the ledger once an erasure is committed. Where that fails the worker goes on, and nothing is lost."""
    try:
        write_out(database, settings.erasure_ledger)
    except DependencyUnavailable as error:
        log.warning("%s; the worker tries again until the erasure stands in it", error)


def settle(database: Database, settings: Settings) -> None:
    """Finish what erasures have left to do: the ledger, and what the database's own files may still hold.

    :raises DependencyUnavailable: if the database or the ledger cannot be used.
    """
    while write_out(database, settings.erasure_ledger):
        continue
    with database.reading() as connection:
        written = select(PendingErasure.id).where(PendingErasure.written_at.is_not(None))
        ids = connection.scalars(written.limit(BATCH)).all()
    if ids and scrub(database):
        with database.transaction() as db:
            db.execute(delete(PendingErasure).where(PendingErasure.id.in_(ids)))


def scrub(database: Database) -> bool:
    """Remove from the files of SQLite what was deleted; return whether nothing can be left there.

    PostgreSQL does that with VACUUM, which it runs by itself.
    """
    if database.engine.dialect.name != "sqlite":
        return True
    with database.transaction() as db:
        connection = db.connection()
        version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
        has_search = "SELECT 1 FROM sqlite_master WHERE name = 'gatehouse_user_search'"
        # In an older one a merge of all its parts does it.
        if tuple(map(int, version.split("."))) < _FORGETS and connection.exec_driver_sql(has_search).first():
            merge = "INSERT INTO gatehouse_user_search (gatehouse_user_search) VALUES ('optimize')"
            connection.exec_driver_sql(merge)
    return empty_log(database)


def overwrite_what_is_deleted(db: Session) -> None:
    """Have SQLite overwrite what this connection deletes. Our own engine does so always, and a host's may not."""
    connection = db.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")

"""Trying to tamper with the trail, so that an operator knows whether its guards are there."""

from sqlalchemy import Connection, delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ..db.database import Database, as_unavailable, begin_immediately
from ..kernel.context import SYSTEM
from .events import AuditEvent
from .models import AuditEventRow
from .service import record

_OWNER = text("SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass(:name)::oid")


def try_to_tamper(database: Database) -> list[str]:
    """Try to change and to delete an event that is made for it; nothing of it is kept.

    :returns: which of the two succeeded.
    :raises DependencyUnavailable: if the database does not answer.
    """
    succeeded = []
    with as_unavailable(), Session(database.existing_engine()) as db:
        begin_immediately(db.connection())
        record(AuditEvent.SENSITIVE_READ, session=db, actor=SYSTEM)
        number = db.execute(select(func.max(AuditEventRow.id))).scalar_one()
        ours = AuditEventRow.id == number
        for words, statement in (
            ("to change", update(AuditEventRow).where(ours).values(outcome="denied")),
            ("to delete", delete(AuditEventRow).where(ours)),
        ):
            try:
                with db.begin_nested():
                    db.execute(statement, execution_options={"synchronize_session": False})
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
            else:
                succeeded.append(words)
        db.rollback()
    return succeeded


def owns_trail(connection: Connection) -> bool:
    """Return whether the role of a connection could take the guards away; on SQLite that is a matter of the file."""
    if connection.dialect.name != "postgresql":
        return False
    return bool(connection.execute(_OWNER, {"name": AuditEventRow.__tablename__}).scalar())

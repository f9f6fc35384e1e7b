"""The declarative base of all Gatehouse tables and the column types they share."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, DateTime, Dialect, Enum, Index, Label, MetaData, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

# Under which an index says of which rows it is.
CONDITION = "gatehouse_condition"
# Said to a compiler, leaves moments as they are stored: for a statement that is short, and asked again if need be.
UNGUARDED = "gatehouse_unguarded"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# What is stored beyond them is no moment of ours: whoever adds to it the time that a setting says would leave what
# Python knows, and one such row of the trail would keep every alert from being told.
_FIRST, _LAST = datetime(100, 1, 1, tzinfo=UTC), datetime(9900, 1, 1, tzinfo=UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC. A naive value is refused: it would shift with the server's zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a naive datetime was given where an aware one is stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def column_expression(self, column: ColumnElement[datetime]) -> ColumnElement[datetime]:
        """Return what to SELECT of a moment, so that what no driver reads stops nobody."""
        said = column.element if isinstance(column, Label) else column
        return column if isinstance(said, database_now) else _Readable(said)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Return what makes a moment of what the driver gives.

        Not ``process_result_value``, which is called through three others: a page reads hundreds of moments.
        """
        return _moment_of_sqlite if dialect.name == "sqlite" else _moment_of_driver


def _moment_of_driver(stored: datetime | None) -> datetime | None:
    """Return in UTC what a driver has read, and one long ago for what is too far away to be a moment of ours."""
    if stored is None:
        return None
    return stored.astimezone(UTC) if _FIRST <= stored <= _LAST else _LONG_AGO


def _moment_of_sqlite(stored: Any) -> datetime | None:
    """Return what SQLite keeps as a moment, where it keeps anything.

    One row of whoever can write to the file would stop every reader of its table: what is no moment is read as one
    long ago, at which every session had ended. A verification of the trail compares what is stored.
    """
    if stored is None:
        return None
    try:
        # Not ``replace(tzinfo=UTC)``, which takes six times as long.
        moment = datetime.fromisoformat(f"{stored}+00:00")
        is_ours = _FIRST <= moment <= _LAST
    except (ValueError, TypeError):
        # A day alone takes no zone, and is compared with no moment.
        return _LONG_AGO
    return moment if is_ours else _LONG_AGO


class _Readable(FunctionElement[datetime]):
    """A stored moment; where no driver can read it, the one that ``_moment_of_sqlite`` takes it for.

    PostgreSQL keeps moments before the year 1 and after 9999, and infinite ones, at which psycopg gives up for all rows
    of an answer. To compare there costs less than to let Python look at what psycopg has read.
    """

    type = UtcDateTime()
    inherit_cache = True


@compiles(_Readable)
def _as_it_is(element: _Readable, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(_Readable, "postgresql")
def _within_python(element: _Readable, compiler: SQLCompiler, **kw: Any) -> str:
    moment = compiler.process(element.clauses, **kw)
    if kw.get(UNGUARDED):
        return moment
    # Within both ends by more than any zone is away, into which psycopg moves what it reads.
    return f"CASE WHEN {moment} NOT BETWEEN '0001-01-02' AND '9999-12-30' THEN 'epoch' ELSE {moment} END"


class database_now(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The database's clock, the one clock that all nodes share."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(database_now)
def _standard_now(element: database_now, compiler: SQLCompiler, **kw: Any) -> str:
    return "clock_timestamp()"


@compiles(database_now, "sqlite")
def _sqlite_now(element: database_now, compiler: SQLCompiler, **kw: Any) -> str:
    # The stored form has microseconds, of which SQLite's clock knows three digits.
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


def now_of(db: Session | Connection) -> datetime:
    """Return the database's time."""
    return db.scalars(select(database_now())).one()


def text_enum(kind: type[StrEnum]) -> Enum:
    """Return a column type for a string enum: text with a CHECK, never a type in the host's schema."""
    return Enum(
        kind,
        native_enum=False,
        length=32,
        create_constraint=True,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def index_of(condition: str, *columns: str) -> Index:
    """Return an index that has only the rows for which a condition holds.

    Migrations make it; what is said here is what a test holds them to. Said in the words of a dialect, each process
    would load the dialects of all databases.
    """
    return Index(None, *columns, info={CONDITION: condition})

"""The SELECT that every request asks, by the driver's own cursor: SQLAlchemy's way to it takes half of the time.

The connection is still SQLAlchemy's, from the same pool. Where somebody has arranged for
something on that way, and where the connection is dead, SQLAlchemy asks.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, PoolProxiedConnection, Select
from sqlalchemy.exc import DataError, DBAPIError

from .base import UNGUARDED
from .isolation import Isolated, begins

Row = tuple[Any, ...]
# Where a connection of SQLAlchemy's keeps what is ours; it is gone with the connection behind it.
_CURSOR = "gatehouse_cursor"


class PreparedSelect:
    """A SELECT whose text and types are worked out once for each dialect.

    :param statement: without lists among its parameters, and with parameters that drivers take as they are.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement

    def first(self, isolated: Isolated, parameters: Mapping[str, Any]) -> Row | None:
        """Return the first row, asked in autocommit; the connection is back before this returns.

        :param isolated: an engine that is asked in autocommit.
        :raises DBAPIError: as ``Connection.execute()`` does.
        """
        if not _has_arrangements(isolated.engine):
            try:
                return self._asked_by_driver(isolated.engine, parameters)
            except DataError:
                # A moment that no driver reads. SQLAlchemy asks for it so that one does.
                pass
        with isolated.view.connect() as connection:
            return self._asked_by_sqlalchemy(connection, parameters)

    def _asked_by_driver(self, engine: Engine, parameters: Mapping[str, Any]) -> Row | None:
        dialect, form = engine.dialect, _form(self.statement, engine.dialect)
        try:
            lent = engine.raw_connection()
        except form.error as error:
            raise form.told(error, parameters) from error
        may_go_back = False
        try:
            row = form.asked(lent, parameters)
            may_go_back = True
        except form.error as error:
            if dialect.is_disconnect(error, lent, None):
                # It is refused at once, and knows what is to become of the connection and of its pool.
                return self._asked_by_sqlalchemy(Connection(engine, connection=lent), parameters)
            if form.begins:
                dialect.reset_isolation_level(lent.dbapi_connection)  # type: ignore[arg-type]
            may_go_back = True
            # Not asked again: whoever has waited for a lock until the server's patience was over would wait twice.
            raise form.told(error, parameters) from error
        finally:
            if not may_go_back and lent.is_valid:
                # Such as by a server that ends a request which takes too long. The answer may still come: without this,
                # whoever gets the connection next would be taken for the person of this session.
                lent.invalidate()
            lent.close()
        return None if row is None else form.read(row)

    def _asked_by_sqlalchemy(self, connection: Connection, parameters: Mapping[str, Any]) -> Row | None:
        found = connection.execute(self.statement, parameters).first()
        return None if found is None else tuple(found)


class _Form:
    """What one dialect makes of a statement."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, compile_kwargs={UNGUARDED: True})
        driver: Any = dialect.loaded_dbapi
        self.text, self.error, self._dialect = str(compiled), driver.Error, dialect
        self.begins = begins(dialect)
        self._order: tuple[str, ...] | None = tuple(compiled.positiontup) if compiled.positional else None
        self._readers: list[tuple[int, Callable[[Any], Any]]] = []
        for number, column in enumerate(statement.selected_columns):
            reader = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if reader is not None:
                self._readers.append((number, reader))

    def asked(self, lent: PoolProxiedConnection, parameters: Mapping[str, Any]) -> Row | None:
        """Return what a connection says, which begins nothing and is then as it was."""
        driver: Any = lent.dbapi_connection
        switch = self.begins and not driver.autocommit
        if switch:
            driver.autocommit = True
        cursor = self._cursor(lent)
        cursor.execute(self.text, parameters if self._order is None else [parameters[name] for name in self._order])
        row: Row | None = cursor.fetchone()
        if not self.begins:
            cursor.close()
        if switch:
            driver.autocommit = False
        return row

    def _cursor(self, lent: PoolProxiedConnection) -> Any:
        """Return a cursor, of PostgreSQL's the one that its connection keeps: to make it takes a fifth of a question.

        One of SQLite's would keep what it has read from being overwritten.
        """
        if not self.begins:
            return lent.cursor()
        kept = lent.info.get(_CURSOR)
        if kept is None:
            kept = lent.info[_CURSOR] = lent.cursor()
        return kept

    def told(self, error: Exception, parameters: Mapping[str, Any]) -> BaseException:
        """Return what SQLAlchemy makes of an error of the driver's, without parameters that may open a session."""
        return DBAPIError.instance(
            self.text, dict(parameters), error, self.error, hide_parameters=True, dialect=self._dialect
        )

    def read(self, row: Row) -> Row:
        values = list(row)
        for number, reader in self._readers:
            values[number] = reader(values[number])
        return tuple(values)


# One for each engine of a process, and no more: it keeps the dialect that it is made for.
_form = lru_cache(maxsize=16)(_Form)


def _has_arrangements(engine: Engine) -> bool:
    """Return whether a host has arranged for something that the driver alone would pass by.

    Listeners and a log miss a statement then; a schema that is exchanged for each tenant would be another one's.
    """
    dialect = engine.dialect
    return bool(
        engine._has_events
        or engine._should_log_info()
        or dialect.dispatch.do_execute
        or dialect.dispatch.handle_error
        or engine.get_execution_options().get("schema_translate_map")
    )

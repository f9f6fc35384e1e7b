"""The SELECT that every request asks, by the driver's own cursor: SQLAlchemy's way to it takes half of the time.

The connection is still SQLAlchemy's, from the same pool, with the same isolation; errors are told as it tells them.
"""

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

Row = tuple[Any, ...]


class PreparedSelect:
    """A SELECT whose text and types are worked out once for each dialect.

    :param statement: without lists among its parameters, and with parameters that drivers take as they are.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement
        self._forms: WeakKeyDictionary[Dialect, _Form] = WeakKeyDictionary()

    def first(self, connection: Connection, parameters: Mapping[str, Any]) -> Row | None:
        """Return the first row.

        :raises DBAPIError: as ``Connection.execute()`` does.
        """
        engine = connection.engine
        if engine._has_events or engine.echo:
            # Somebody listens to all statements of this engine, such as a host who counts them.
            found = connection.execute(self.statement, parameters).first()
            return None if found is None else tuple(found)
        form = self._forms.get(connection.dialect)
        if form is None:
            form = self._forms[connection.dialect] = _Form(self.statement, connection.dialect)
        cursor = connection.connection.cursor()
        is_answered = False
        try:
            cursor.execute(form.text, form.arranged(parameters))
            row = cursor.fetchone()
            is_answered = True
        except form.error as error:
            is_answered = True
            raise _told(error, connection, cursor, form) from error
        finally:
            if not is_answered:
                # Such as by a server that ends a request which takes too long. The answer may still come: without this,
                # whoever gets the connection next would be taken for the person of this session.
                connection.invalidate()
        cursor.close()
        return None if row is None else form.read(row)


class _Form:
    """What one dialect makes of a statement."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        driver: Any = dialect.loaded_dbapi
        self.text, self.error = str(compiled), driver.Error
        self._order: tuple[str, ...] | None = tuple(compiled.positiontup) if compiled.positional else None
        self._readers: list[tuple[int, Callable[[Any], Any]]] = []
        for number, column in enumerate(statement.selected_columns):
            reader = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if reader is not None:
                self._readers.append((number, reader))

    def arranged(self, parameters: Mapping[str, Any]) -> Any:
        return parameters if self._order is None else [parameters[name] for name in self._order]

    def read(self, row: Row) -> Row:
        values = list(row)
        for number, reader in self._readers:
            values[number] = reader(values[number])
        return tuple(values)


def _told(error: Any, connection: Connection, cursor: DBAPICursor, form: _Form) -> Exception:
    """Return a driver's error as SQLAlchemy tells it; a connection that is lost does not come back to the pool."""
    dialect, engine = connection.dialect, connection.engine
    is_lost = dialect.is_disconnect(error, connection.connection, cursor)
    if is_lost:
        connection.invalidate(error)
        # What has ended this connection has ended all that were opened before, so that one more attempt is enough.
        engine.dispose()
    else:
        cursor.close()
    told: Exception = DBAPIError.instance(
        form.text,
        None,
        error,
        form.error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=dialect,
    )
    return told

"""What is imported when somebody first needs it; the one place that does so.

A process that answers requests would otherwise load, before its first answer, what commands alone need (Alembic,
backups, the doctor), what one configuration in two needs (Redis), and the clients of providers: more than half of the
time and of the memory of its start. An import inside a function would hide that it happens; here are all of them.
"""

from pkgutil import resolve_name
from typing import Any


class Deferred:
    """A name of this package, in a module that is not imported yet.

    :param name: ``room.module:name``. A test demands that it is there, and that its room may be imported from here.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def load(self) -> Any:
        """Return what the name means, imported now unless somebody has done so before."""
        return resolve_name(f"flask_gatehouse.{self.name}")

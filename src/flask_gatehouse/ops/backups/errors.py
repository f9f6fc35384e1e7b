"""Why there is no backup, or why one was not restored; where anything has been touched by then, it says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...kernel.errors import GatehouseError

# What to do where nobody knows whether a database has been replaced.
ONCE_MORE = "restore once more: whoever was erased meanwhile may be in it"


class BackupRefused(GatehouseError):
    """A backup cannot be made or used.

    :param sentence: what is wrong and what helps, without a full stop.
    """


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Tell of what the operating system refuses in a sentence.

    :param what: what cannot be done, as the beginning of one.
    :raises BackupRefused: if it does.
    """
    try:
        yield
    except OSError as error:
        raise BackupRefused(f"{what}: {error.strerror or type(error).__name__}") from error


class FileExists(BackupRefused):
    """There is such a file already, which may be the only backup."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already and was left as it is")


class DamagedBackup(BackupRefused):
    """The file is not what was written.

    :param fault: what is wrong, as the end of a sentence.
    """

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{path} cannot be restored: {fault}")


class WrongKey(BackupRefused):
    """The file is encrypted, and the key is missing or another one."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{path} is encrypted, and {fault}: GATEHOUSE_BACKUP_KEY_FILE names the key")


class ForeignBackup(BackupRefused):
    """The file is of another application, another kind of database, or a newer release."""


class ToolFailed(BackupRefused):
    """A program of the database's own has failed, or is not there.

    :param said: its last line, without what it was told.
    """

    def __init__(self, program: str, said: str) -> None:
        super().__init__(f"{program} failed: {said}")


class DrillFailed(BackupRefused):
    """What came back is not what was saved."""

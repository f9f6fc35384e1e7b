"""Room for the copies that backups are made of and come out of."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import BackupRefused


@contextmanager
def room_in(*folders: Path) -> Iterator[Path]:
    """Yield a folder for its owner alone, in the first of these that takes one; it goes with the block.

    :raises BackupRefused: if none of them does.
    """
    refusals = []
    for folder in folders:
        try:
            place = tempfile.TemporaryDirectory(prefix=".gatehouse-backup-", dir=folder)
        except OSError as error:
            refusals.append(f"{folder} ({error.strerror})")
            continue
        with place as name:
            yield Path(name)
        return
    raise BackupRefused(f"there is no room for a copy in {' or '.join(refusals)}")

"""Room for the copies that backups are made of and come out of."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import BackupRefused


@contextmanager
def room_in(*folders: Path, size: int = 0) -> Iterator[Path]:
    """Yield a folder for its owner alone, in the first of these that has room for one; it goes with the block.

    :param size: how much it is to hold, in octets, where that is known.
    :raises BackupRefused: if there is room in none of them.
    """
    refusals = []
    for folder in dict.fromkeys(folders):
        try:
            if (free := shutil.disk_usage(folder).free) < size:
                refusals.append(f"{folder} ({size} octets are needed, and {free} are free)")
                continue
            place = tempfile.TemporaryDirectory(prefix=".gatehouse-backup-", dir=folder)
        except OSError as error:
            refusals.append(f"{folder} ({error.strerror})")
            continue
        with place as name:
            yield Path(name)
        return
    raise BackupRefused(f"there is no room for a copy in {' or '.join(refusals)}")

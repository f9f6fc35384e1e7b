"""Files that are there for good, or not at all."""

import errno
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# A folder that takes files and cannot be read, and file systems that write no folder by itself.
_NOT_BY_ITSELF = frozenset({errno.EACCES, errno.EINVAL, errno.ENOTSUP})


def write_new(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that its owner alone can read, and that is on the disk afterwards; a failure leaves none.

    :raises FileExistsError: if there is anything of this name; it is left as it is.
    :raises OSError: if the operating system refuses.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    is_whole = False
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        keep_names(path.parent)
        is_whole = True
    finally:
        if not is_whole:
            with suppress(OSError):
                path.unlink()


def keep_names(folder: Path) -> None:
    """Write a folder to the disk: without that a power cut takes back which files are in it, and what they are called.

    Where that cannot be done for a folder by itself, everything that waits is written, of all file systems.

    :raises OSError: if the operating system refuses.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NOT_BY_ITSELF:
            raise
        # Whoever calls this deletes next what the file holds, or tells that it is there: no right to read is needed.
        os.sync()


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    :raises OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""The file of a backup: a tar with a manifest and the database, each part with its hash."""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from ...kernel.files import digest_of, keep_names
from .encryption import decrypt, encrypt, is_encrypted
from .errors import BackupRefused, DamagedBackup, FileExists, ForeignBackup, refusing
from .room import room_in

FORMAT, VERSION = "gatehouse-backup", 1
MANIFEST, DATABASE = "manifest.json", "database"
# How much is read at once; a manifest is smaller.
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    :param kind: ``sqlite`` or ``postgresql``.
    :param schema: the migration at which the database stood.
    :param log: the name of its trail without the epoch; None if nothing was ever sealed.
    :param epoch: of its newest tree, and ``size`` the number of events in it.
    :param counts: rows of each of our tables.
    :param made_at: when, in ISO 8601.
    :param sha256: of the database's part.
    """

    kind: str
    schema: str
    log: str | None
    epoch: int
    size: int
    counts: Mapping[str, int]
    made_at: str
    sha256: str = ""
    format: str = FORMAT
    version: int = VERSION


def write_archive(path: Path, manifest: Manifest, database: Path, secret: bytes | None) -> None:
    """Write a backup so that it is there as a whole or not at all, and read it back before it has its name.

    :raises FileExists: if there is such a file.
    :raises BackupRefused: if it cannot be written, as on a full disk.
    """
    if path.exists():
        raise FileExists(path)
    with refusing(f"{path} cannot be written"):
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file, tempfile.TemporaryFile(dir=database.parent) as plain:
            _pack(file if secret is None else plain, manifest, database)
            if secret is not None:
                plain.seek(0)
                encrypt(plain, file, secret)
            file.flush()
            os.fsync(file.fileno())
        with opened(part, secret, database.parent):
            # Not over one that somebody else has made meanwhile.
            os.link(part, path)
    except FileExistsError as error:
        raise FileExists(path) from error
    except OSError as error:
        raise BackupRefused(f"{path} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    keep_names(path.parent)


@contextmanager
def opened(path: Path, secret: bytes | None, *folders: Path) -> Iterator[tuple[Manifest, Path]]:
    """Yield what a backup says of itself and the file with its database, of which every byte is what was written.

    :param folders: where there may be room for it; it goes with the block.
    :raises DamagedBackup: if anything is not as it was written.
    :raises WrongKey: if it is encrypted and the key does not open it.
    :raises BackupRefused: if it cannot be read, or there is no room for it.
    """
    with room_in(*folders, size=_needed(path)) as folder:
        place = folder / DATABASE
        try:
            with _plain(path, secret, folder) as file, tarfile.open(fileobj=file, mode="r:") as tar:
                manifest = _manifest(path, tar)
                _unpack(path, tar, manifest, place)
        except (tarfile.TarError, EOFError) as error:
            raise DamagedBackup(path, "it is no backup, or was cut off") from error
        except OSError as error:
            raise BackupRefused(f"{path} cannot be read: {error.strerror}") from error
        yield manifest, place


def _needed(path: Path) -> int:
    """Return for how many octets there has to be room to open a backup; an encrypted one is decrypted before."""
    with refusing(f"{path} cannot be read"):
        return path.stat().st_size * (2 if is_encrypted(path) else 1)


def _pack(target: BinaryIO, manifest: Manifest, database: Path) -> None:
    said = {**asdict(manifest), "sha256": digest_of(database)}
    text = json.dumps(said, sort_keys=True, indent=1).encode()
    with tarfile.open(fileobj=target, mode="w:") as tar:
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
        tar.add(database, DATABASE, filter=_nobody)


def _nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry


@contextmanager
def _plain(path: Path, secret: bytes | None, folder: Path) -> Iterator[BinaryIO]:
    if not is_encrypted(path):
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile(dir=folder) as plain:
        decrypt(path, plain, secret)
        plain.seek(0)
        yield plain


def _manifest(path: Path, tar: tarfile.TarFile) -> Manifest:
    entry = tar.next()
    file = tar.extractfile(entry) if entry is not None and entry.name == MANIFEST and entry.size < CHUNK else None
    if file is None:
        raise DamagedBackup(path, "it is no backup of Gatehouse")
    try:
        said = json.loads(file.read())
        if said["format"] == FORMAT and said["version"] != VERSION:
            raise ForeignBackup(f"{path} is of version {said['version']}, and this release reads {VERSION}")
        found = Manifest(**said)
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedBackup(path, "its manifest cannot be read") from error
    if found.format != FORMAT:
        raise DamagedBackup(path, "it is no backup of Gatehouse")
    return found


def _unpack(path: Path, tar: tarfile.TarFile, manifest: Manifest, place: Path) -> None:
    entry = tar.next()
    source = tar.extractfile(entry) if entry is not None and entry.name == DATABASE else None
    if source is None:
        raise DamagedBackup(path, "it holds no database")
    digest = hashlib.sha256()
    with place.open("xb") as target:
        place.chmod(0o600)
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != manifest.sha256:
        raise DamagedBackup(path, "its database is not what its manifest says")

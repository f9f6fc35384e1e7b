"""The file that holds the key of the trail: outside of the database, so that who has the one has not the other."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from ..kernel.files import write_new
from ..settings import Settings
from .errors import (
    KeyFileExists,
    KeyFileExposed,
    KeyFileMalformed,
    KeyFileMissing,
    KeyFileUnreadable,
    MalformedKey,
)
from .note_keys import SigningKey, VerifierKey, is_private

# A key takes about a hundred characters and its name; what is longer is something else.
LARGEST_FILE = 4096


def read_key(path: Path) -> SigningKey | VerifierKey:
    """Return the key in a file; a file with a public key alone is for whoever verifies and never signs.

    :raises KeyFileMissing: if there is no such file.
    :raises KeyFileExposed: if others can read a private key, or write any.
    :raises KeyFileMalformed: if it holds something else.
    :raises KeyFileUnreadable: if the operating system refuses.
    """
    octets, mode = _read(path)
    try:
        text = octets.decode("ascii").strip()
    except UnicodeDecodeError:
        raise KeyFileMalformed(path, "it is no text") from None
    # A public key may be read by everybody. Whoever may write it decides whose signatures are believed.
    if mode & (0o077 if is_private(text) else 0o022):
        raise KeyFileExposed(path, mode)
    try:
        return SigningKey.parse(text) if is_private(text) else VerifierKey.parse(text)
    except MalformedKey as error:
        raise KeyFileMalformed(path, error.fault) from None


def read_verifier(path: Path) -> VerifierKey:
    """Return the public half of the key in a file, as :func:`read_key` reads it and with the same errors."""
    key = read_key(path)
    return key.verifier if isinstance(key, SigningKey) else key


def believed_keys(settings: Settings, given: Sequence[VerifierKey] = ()) -> list[VerifierKey]:
    """Return whose checkpoints are believed: our own key's, and those of the keys before it that are named.

    :param given: further ones. Whoever has some verifies a copy elsewhere, and may have no key file.
    :raises UnusableKeyFile: as :func:`read_key` does.
    :raises MalformedKey: if a key that the settings name is none.
    """
    path = settings.audit_key_file
    own = [] if path is None or (given and not path.exists()) else [read_verifier(path)]
    return list(dict.fromkeys([*own, *given, *former_keys(settings)]))


def former_keys(settings: Settings) -> list[VerifierKey]:
    """Return the public keys that the settings name: those that have signed before the one in the file.

    :raises MalformedKey: if one of them is none.
    """
    try:
        return [VerifierKey.parse(text) for text in settings.audit_public_keys]
    except MalformedKey as error:
        raise MalformedKey(f"{error.fault} (in GATEHOUSE_AUDIT_PUBLIC_KEYS)") from None


def write_key(path: Path, key: SigningKey) -> None:
    """Write a private key into a new file that only its owner can read, and that is on the disk afterwards.

    :raises KeyFileExists: if there is anything of this name; it is left as it is.
    :raises KeyFileUnreadable: if the operating system refuses; nothing is left then.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A key that has signed and is gone after a power cut cannot be made again.
        write_new(path, [f"{key.reveal()}\n".encode("ascii")])
    except FileExistsError as error:
        # The folder may be a file as well.
        raise (KeyFileExists(path) if os.path.lexists(path) else _refused(path, error)) from None
    except OSError as error:
        raise _refused(path, error) from None


def _read(path: Path) -> tuple[bytes, int]:
    """Return what stands in a file, and its permissions, both of the very file that was opened."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1), stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    except FileNotFoundError:
        raise KeyFileMissing(path) from None
    except OSError as error:
        raise _refused(path, error) from None


def _refused(path: Path, error: OSError) -> KeyFileUnreadable:
    return KeyFileUnreadable(path, error.strerror or type(error).__name__)

"""The cover of a backup: AES-256-GCM in chunks, of which the last one is marked, so that nothing can be cut off.

Each file has a key of its own, derived from the operator's and a random salt (RFC 5869), so that a counter can be
the nonce.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import BackupRefused, WrongKey, refusing

MAGIC = b"gatehouse-backup-encrypted-1\n"
SALT_LENGTH, CHUNK, TAG = 16, 1024 * 1024, 16
SHORTEST_KEY = 32


def read_key(path: Path) -> bytes:
    """Return what a key file holds.

    :raises BackupRefused: if it cannot be read, or is shorter than 32 bytes.
    """
    with refusing(f"the key of backups, {path}, cannot be read"):
        secret = path.read_bytes()
    if len(secret) < SHORTEST_KEY:
        raise BackupRefused(f"the key of backups, {path}, is shorter than {SHORTEST_KEY} bytes")
    return secret


def is_encrypted(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def encrypt(source: BinaryIO, target: BinaryIO, secret: bytes) -> None:
    """Write what ``source`` holds into ``target``, encrypted."""
    salt = os.urandom(SALT_LENGTH)
    target.write(MAGIC + salt)
    cipher, number, chunk = _cipher(secret, salt), 0, source.read(CHUNK)
    while True:
        following = source.read(CHUNK)
        target.write(cipher.encrypt(_nonce(number, is_last=not following), chunk, MAGIC))
        if not following:
            return
        number, chunk = number + 1, following


def decrypt(path: Path, target: BinaryIO, secret: bytes | None) -> None:
    """Write what an encrypted file holds into ``target``.

    :raises WrongKey: if there is no key, it is another one, or the file was changed or cut off.
    """
    if secret is None:
        raise WrongKey(path, "no key is known")
    with path.open("rb") as file:
        salt = file.read(len(MAGIC) + SALT_LENGTH)[len(MAGIC) :]
        cipher = _cipher(secret, salt)
        for number, (chunk, is_last) in enumerate(_chunks(file)):
            try:
                target.write(cipher.decrypt(_nonce(number, is_last=is_last), chunk, MAGIC))
            except InvalidTag as error:
                # Of a file that was changed and of another key the same is known: that they do not go together.
                raise WrongKey(path, "the key does not open it, or it was changed") from error


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    chunk = file.read(CHUNK + TAG)
    while True:
        following = file.read(CHUNK + TAG)
        yield chunk, not following
        if not following:
            return
        chunk = following


def _cipher(secret: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(hashes.SHA256(), 32, salt, MAGIC).derive(secret))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])

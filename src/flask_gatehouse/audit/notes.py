"""Checkpoints (c2sp.org/tlog-checkpoint) in signed notes (c2sp.org/signed-note).

The forms are exact: a text that could be written in another way and mean the same is refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from .errors import MalformedNote, UnknownSigner, WrongSignature
from .note_keys import (
    KEY_ID_LENGTH,
    SigningKey,
    VerifierKey,
    decode_base64,
    encode_base64,
    holds_forbidden,
    is_key_name,
)
from .tree import HASH_LENGTH

# A verifier has to accept 16; a limit keeps a note from being work without end.
MOST_SIGNATURES = 16
LARGEST_SIZE = 2**63 - 1
_DASH = "— "
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: which log it is, how many leaves it has, and the root over them.

    :param extensions: further lines, which we read and never write.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


class Signature(NamedTuple):
    """One line below a note: who claims to have signed, and with what."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def signer(self) -> str:
        return f"{self.name}+{self.key_id.hex()}"


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the text of a checkpoint, as it is signed.

    :raises MalformedNote: for extension lines, which nobody who audits a log can check, and for an origin with a space
        or a plus, which others may take for the end of a name.
    """
    if checkpoint.extensions:
        raise MalformedNote("it has extension lines")
    if not is_key_name(checkpoint.origin):
        raise MalformedNote("its origin is empty or holds a space, a plus or a control character")
    if not 0 <= checkpoint.size <= LARGEST_SIZE or len(checkpoint.root) != HASH_LENGTH:
        raise MalformedNote("no tree has that size and root")
    return f"{checkpoint.origin}\n{checkpoint.size}\n{encode_base64(checkpoint.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint, without the signatures.

    :raises MalformedNote: if it is not exactly in that form.
    """
    *lines, rest = text.split("\n")
    if rest or len(lines) < 3 or not all(lines) or holds_forbidden(text):
        raise MalformedNote("its text is not three or more lines, each with something in it")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size) or int(size) > LARGEST_SIZE:
        raise MalformedNote("its second line is not the size of a tree")
    digest = decode_base64(root)
    if digest is None or len(digest) != HASH_LENGTH:
        raise MalformedNote("its third line is not a hash of 32 bytes")
    return Checkpoint(origin, int(size), digest, tuple(extensions))


def sign_note(text: str, key: SigningKey) -> str:
    """Return the note: the text, an empty line and one signature.

    :raises MalformedNote: for a text that cannot be that of a note.
    """
    if not text.endswith("\n") or holds_forbidden(text):
        raise MalformedNote("its text does not end with a newline, or holds what no note may hold")
    return f"{text}\n{_DASH}{key.name} {encode_base64(key.verifier.key_id + key.sign(text))}\n"


def parse_note(note: str) -> tuple[str, list[Signature]]:
    """Return the text of a note and its signatures, of which none has been verified.

    :raises MalformedNote: if it is not exactly in that form.
    """
    if holds_forbidden(note):
        raise MalformedNote("it holds a control character, or what is not Unicode")
    # The text may hold empty lines of its own.
    text, empty_line, below = note.rpartition("\n\n")
    if not empty_line or not below.endswith("\n"):
        raise MalformedNote("there is no empty line before its signatures, or no newline at its end")
    lines = below.split("\n")[:-1]
    if len(lines) > MOST_SIGNATURES:
        raise MalformedNote(f"it has more than {MOST_SIGNATURES} signatures")
    signatures = [_parse_signature(line) for line in lines]
    if len({signature.signer for signature in signatures}) < len(signatures):
        raise MalformedNote("a key has signed it twice")
    return text + "\n", signatures


def open_note(note: str, keys: Iterable[VerifierKey]) -> str:
    """Return the text of a note that at least one of the keys has signed; signatures of other keys are ignored.

    :raises MalformedNote: if it is not exactly in that form.
    :raises WrongSignature: if one of the keys is named and has not signed this text, whoever else has.
    :raises UnknownSigner: if none of the keys is named.
    """
    text, signatures = parse_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    signed = False
    for name, key_id, signature in signatures:
        # Both count: an id is short, so that somebody can make a key which has the same one by another name.
        key = known.get((name, key_id))
        if key is None:
            continue
        if not key.verifies(text, signature):
            raise WrongSignature(f"{name}+{key_id.hex()}")
        signed = True
    if not signed:
        raise UnknownSigner(tuple(signature.signer for signature in signatures))
    return text


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> str:
    """Return the note of a checkpoint.

    :raises MalformedNote: for what we do not sign.
    """
    return sign_note(format_checkpoint(checkpoint), key)


def open_checkpoint(note: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Return the checkpoint in a note that at least one of the keys has signed.

    :raises InvalidNote: as ``open_note`` does, and for a text that is no checkpoint.
    """
    return parse_checkpoint(open_note(note, keys))


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    decoded = decode_base64(encoded)
    well_formed = line.startswith(_DASH) and space and is_key_name(name)
    # Signatures of other kinds have other lengths; they are passed over, not judged.
    if not well_formed or decoded is None or len(decoded) <= KEY_ID_LENGTH:
        raise MalformedNote("one of its signature lines is none")
    return Signature(name, decoded[:KEY_ID_LENGTH], decoded[KEY_ID_LENGTH:])

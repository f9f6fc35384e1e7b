"""What can go wrong with signed notes, with the key that signs them, and with what is exported."""

import shlex
from pathlib import Path

from ..kernel.errors import GatehouseError


class InvalidNote(GatehouseError):
    """A text must not be believed, because it is not a note that somebody whom we know has signed."""


class MalformedNote(InvalidNote):
    """A text does not have the form of a signed note or of a checkpoint.

    :param fault: what is wrong, as the end of a sentence.
    """

    def __init__(self, fault: str) -> None:
        super().__init__(f"this is not a signed checkpoint: {fault}")
        self.fault = fault


class UnknownSigner(InvalidNote):
    """A note is well formed, and none of the keys that we know has signed it.

    :param names: the keys that did, as ``name+id``.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"no key that is known here signed this; it bears the signature of {', '.join(names)}")
        self.names = names


class WrongSignature(InvalidNote):
    """A signature claims to be of a key that we know, and is not of this text.

    :param name: the key, as ``name+id``.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"the signature of {name} does not belong to this text")
        self.name = name


class MalformedKey(GatehouseError):
    """A text is no Ed25519 key in the form of signed notes. The text itself, which may be secret, is not kept.

    :param fault: what is wrong, as the end of a sentence.
    """

    def __init__(self, fault: str) -> None:
        super().__init__(f"this is not a key for signed notes: {fault}")
        self.fault = fault


class UnusableKeyFile(GatehouseError):
    """The file that ``GATEHOUSE_AUDIT_KEY_FILE`` names cannot be used.

    :param path: the file; nothing of what it holds is kept.
    """

    def __init__(self, path: Path, sentence: str) -> None:
        super().__init__(sentence)
        self.path = path


class KeyFileMissing(UnusableKeyFile):
    """There is no such file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, f"there is no key file {path}. Make one with: gatehouse audit keygen")


class KeyFileExists(UnusableKeyFile):
    """There is such a file already, and a key that is overwritten is lost."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, f"{path} exists already and was left as it is. Move it away to make another key")


class KeyFileExposed(UnusableKeyFile):
    """Others could read the private key, or put another key into its place.

    :param mode: the permissions of the file.
    """

    def __init__(self, path: Path, mode: int) -> None:
        remedy = f"chmod 600 {shlex.quote(str(path))}"
        super().__init__(path, f"others can read or replace the key in {path}. Run {remedy} (its mode is {mode:04o})")
        self.mode = mode


class KeyFileMalformed(UnusableKeyFile):
    """The file holds something else than one key.

    :param fault: what is wrong, as the end of a sentence.
    """

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(path, f"{path} holds no key for signed notes: {fault}")
        self.fault = fault


class KeyFileUnreadable(UnusableKeyFile):
    """The operating system refuses.

    :param reason: in its words.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, f"{path} cannot be used: {reason}")
        self.reason = reason


class InconsistentTree(GatehouseError):
    """The tree does not continue what was signed before, so that nothing more is signed.

    :param signed_origin: the tree that was signed, with ``signed_size`` events.
    """

    def __init__(self, signed_origin: str, signed_size: int, origin: str, size: int) -> None:
        super().__init__(
            f"the trail of {size} events ({origin}) does not continue the {signed_size} that were signed as "
            f"{signed_origin}; nothing was signed. Run: gatehouse audit verify"
        )
        self.signed_origin, self.signed_size, self.origin, self.size = signed_origin, signed_size, origin, size


class NothingSealed(GatehouseError):
    """There is no tree yet, so that nothing can be proven."""

    def __init__(self) -> None:
        super().__init__("nothing is sealed yet: the worker seals events, as gatehouse worker does and gatehouse run")


class UnprovableEvent(GatehouseError):
    """Hashes are gone that the proof of an event consists of.

    :param position: of the event, in the tree of ``epoch``.
    :param missing: what is gone.
    """

    def __init__(self, epoch: int, position: int, missing: str) -> None:
        super().__init__(
            f"the event at position {position} of epoch {epoch} cannot be proven, as only {missing}. "
            "Run: gatehouse audit verify"
        )
        self.epoch, self.position, self.missing = epoch, position, missing


class CutNotAllowed(GatehouseError):
    """The role under which the database is asked may not delete events, old or not."""

    def __init__(self) -> None:
        super().__init__(
            "the database's role may not delete, so that no old event leaves; run gatehouse audit cut as the owner of "
            "the tables"
        )

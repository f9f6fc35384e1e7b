"""Ed25519 keys of signed notes (c2sp.org/signed-note), in the texts of Go's ``golang.org/x/mod/sumdb/note``."""

import base64
import hashlib
import re
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .errors import MalformedKey

ED25519 = b"\x01"
KEY_LENGTH = 32
KEY_ID_LENGTH = 4
_PRIVATE = "PRIVATE+KEY+"
# A newline is the only control character that a note may hold.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key, which may be shown to everybody.

    :param name: whose it is, as in ``app.example.com``.
    :param public: 32 bytes (RFC 8032 section 5.1.5).
    :raises MalformedKey: for a name that cannot stand in a note, and for another number of bytes.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise MalformedKey("its name is empty or holds a space, a plus or a control character")
        if len(self.public) != KEY_LENGTH:
            raise MalformedKey(f"it has {len(self.public)} bytes, not {KEY_LENGTH}")

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read ``name+id+base64``.

        :raises MalformedKey: if it is not exactly that, with the id that belongs to name and key.
        """
        name, key_id, public = _split_key(text)
        key = cls(name, public)
        if key_id != key.key_id.hex():
            raise MalformedKey("its id is not that of its name and bytes")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(ED25519 + self.public)}"

    @property
    def key_id(self) -> bytes:
        """Return what tells keys of one name apart; it proves nothing, as others can have the same."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:KEY_ID_LENGTH]

    def verifies(self, text: str, signature: bytes) -> bool:
        """Return whether the signature is of this text and by this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private half of a key. Only ``reveal()`` shows it.

    :param name: whose it is.
    """

    name: str
    _private: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise MalformedKey("its name is empty or holds a space, a plus or a control character")

    @classmethod
    def generate(cls, name: str) -> "SigningKey":
        """Return a new key.

        :raises MalformedKey: for a name that cannot stand in a note.
        """
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> "SigningKey":
        """Read ``PRIVATE+KEY+name+id+base64``.

        :raises MalformedKey: if it is not exactly that, with the id that belongs to name and public key.
        """
        if not is_private(text):
            raise MalformedKey(f"it does not begin with {_PRIVATE}")
        name, key_id, seed = _split_key(text.removeprefix(_PRIVATE))
        key = cls(name, Ed25519PrivateKey.from_private_bytes(seed))
        if key_id != key.verifier.key_id.hex():
            raise MalformedKey("its id is not that of its name and bytes")
        return key

    def reveal(self) -> str:
        """Return the text that ``parse`` reads, which is a secret."""
        seed = self._private.private_bytes_raw()
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{encode_base64(ED25519 + seed)}"

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self._private.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """Return the signature of a text (RFC 8032 section 5.1.6): always the same for the same text."""
        return self._private.sign(text.encode())


def is_key_name(name: str) -> bool:
    """Return whether a key may be called so: no Unicode space, no plus, nothing that cannot stand in a line."""
    return bool(name) and not any(char.isspace() or char == "+" for char in name) and not holds_forbidden(name)


def is_private(text: str) -> bool:
    """Return whether a text is meant to be the private half of a key."""
    return text.startswith(_PRIVATE)


def encode_base64(octets: bytes) -> str:
    """Return Base64 as RFC 4648 section 4 has it."""
    return base64.b64encode(octets).decode()


def decode_base64(text: str) -> bytes | None:
    """Return what Base64 stands for, or None if it is not the one way of writing it (RFC 4648 section 3.5)."""
    try:
        octets = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return octets if encode_base64(octets) == text else None


def holds_forbidden(text: str) -> bool:
    """Return whether something in the text cannot stand in a note: a control character, or what is not Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return _CONTROL.search(text) is not None


def _split_key(text: str) -> tuple[str, str, bytes]:
    # Base64 may hold a plus itself.
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise MalformedKey("it is not a name, an id and Base64, with a plus between them")
    decoded = decode_base64(parts[2])
    if decoded is None or decoded[:1] != ED25519 or len(decoded) != len(ED25519) + KEY_LENGTH:
        raise MalformedKey("its last part is not an Ed25519 key")
    return parts[0], parts[1], decoded[1:]

"""What the provider gives out and gets back: signed, so that any process of the application can read it.

Nothing is stored. A code or a token carries its whole content; the keys come from ``SECRET_KEY``.
"""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from authlib.oauth2.rfc6749 import TokenMixin
from authlib.oidc.core import AuthorizationCodeMixin
from itsdangerous import BadData, URLSafeTimedSerializer

from ..kernel.text import Secret
from .misbehaviour import Misbehaviour
from .people import Person


class Kind(StrEnum):
    """What can be sealed. Each has a key of its own, so that none can be handed in as another."""

    ASKED = "authorization request"
    REMEMBERED = "remembered person"
    CODE = "authorization code"
    ACCESS = "access token"


# In seconds. A code lives as long as a redirect takes (RFC 6749 §4.1.2 allows ten minutes).
LIFETIMES = {Kind.ASKED: 3600, Kind.REMEMBERED: 24 * 3600, Kind.CODE: 60, Kind.ACCESS: 300}


@dataclass(frozen=True, slots=True)
class Presence:
    """A person at the provider.

    :param proved_at: when she chose herself, in seconds since 1970 (``auth_time``).
    :param session_id: her session at the provider (``sid``).
    """

    person: Person
    proved_at: int
    session_id: str

    @classmethod
    def restore(cls, fields: Mapping[str, Any]) -> "Presence":
        return cls(Person(**fields["person"]), fields["proved_at"], fields["session_id"])


@dataclass(frozen=True, slots=True)
class Grant:
    """A person who has agreed to be signed in, and how the provider is going to misbehave about it."""

    presence: Presence
    misbehaviour: Misbehaviour = Misbehaviour.NONE

    @classmethod
    def restore(cls, fields: Mapping[str, Any]) -> "Grant":
        return cls(Presence.restore(fields["presence"]), Misbehaviour(fields["misbehaviour"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Code(AuthorizationCodeMixin):
    """The content of an authorization code."""

    number: str
    client_id: str
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str
    nonce: str | None
    grant: Grant

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass(frozen=True, slots=True)
class AccessToken(TokenMixin):
    """The content of an access token; whoever could open it knows that it has not expired."""

    scope: str
    grant: Grant

    def get_scope(self) -> str:
        return self.scope

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


class Seals:
    """Seals and opens."""

    def __init__(self, secret_key: Secret) -> None:
        self._serializers = {
            kind: URLSafeTimedSerializer(secret_key.reveal(), salt=f"gatehouse embedded provider: {kind}")
            for kind in Kind
        }

    def seal(self, kind: Kind, content: Any) -> str:
        fields = content if isinstance(content, dict) else asdict(content)
        return str(self._serializers[kind].dumps(fields))

    def open(self, kind: Kind, text: str) -> dict[str, Any] | None:
        """Return the fields, or None for whatever is not ours, another kind, or too old."""
        try:
            fields: dict[str, Any] = self._serializers[kind].loads(text, max_age=LIFETIMES[kind])
        except BadData:
            return None
        return fields

    def open_remembered(self, text: str) -> Presence | None:
        fields = self.open(Kind.REMEMBERED, text)
        return None if fields is None else Presence.restore(fields)

    def open_code(self, text: str) -> Code | None:
        fields = self.open(Kind.CODE, text)
        return None if fields is None else Code(**fields | {"grant": Grant.restore(fields["grant"])})

    def open_access_token(self, text: str) -> AccessToken | None:
        fields = self.open(Kind.ACCESS, text)
        return None if fields is None else AccessToken(fields["scope"], Grant.restore(fields["grant"]))


class SpentCodes:
    """The codes that this process has redeemed. Another process does not know of them: this is for development."""

    def __init__(self) -> None:
        self._numbers: dict[str, float] = {}
        self._lock = threading.Lock()

    def spend(self, number: str, now: float) -> bool:
        """Use a code up; False if it has been used before."""
        with self._lock:
            self._numbers = {known: until for known, until in self._numbers.items() if until > now}
            if number in self._numbers:
                return False
            self._numbers[number] = now + LIFETIMES[Kind.CODE] + 1
            return True

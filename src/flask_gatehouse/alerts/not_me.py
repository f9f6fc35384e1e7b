"""The link in a letter with which somebody says that it was not she: signed, for one purpose, for two weeks."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

from ..accounts.rules import Role
from ..accounts.service import Correspondent
from ..settings import Settings
from .errors import LinkNotUsable

# Seconds; people read letters after their holidays.
MAX_AGE = 14 * 86400


@dataclass(frozen=True, slots=True)
class NotMe:
    """What a link says.

    :param generation: the user's ``session_generation`` when the letter was written.
    :param about: the event that it was written about.
    """

    user_id: int
    generation: int
    about: str


def release_command(person: Correspondent) -> str | None:
    """Return what lets an administrator in again when no other one is left who could; None for everybody else."""
    return f"gatehouse release {person.email}" if person.email and person.role is Role.ADMIN else None


class NotMeSigner:
    """Makes links and reads them.

    :param keys: signing keys, the newest last; the others still verify (rotation).
    """

    def __init__(self, keys: Sequence[str]) -> None:
        # The salt keeps what is signed for another purpose from being taken for a link, and the other way round.
        self._serializer = URLSafeTimedSerializer(list(keys), salt="gatehouse not me")

    @classmethod
    def of(cls, settings: Settings) -> "NotMeSigner":
        secrets = (*reversed(settings.secret_key_fallbacks), settings.secret_key)
        return cls([secret.reveal() for secret in secrets])

    def seal(self, link: NotMe) -> str:
        return str(self._serializer.dumps(asdict(link)))

    def open(self, token: str) -> NotMe:
        """Return what a link says.

        :raises LinkNotUsable: if we have not made it, or long ago.
        """
        try:
            link = NotMe(**self._serializer.loads(token, max_age=MAX_AGE))
        except (BadData, TypeError) as error:
            raise LinkNotUsable from error
        return link

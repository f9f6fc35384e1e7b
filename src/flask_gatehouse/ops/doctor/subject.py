"""What is examined: a configuration, and perhaps the deployment that runs with it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ...alerts.letters import Write
from ...db.database import Database
from ...kernel.text import Secret
from ...settings import Settings
from .site import Site

# What is shorter may stand in a sentence by chance.
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the application itself does with something hostile, tried without a server.

    :param debug: whether it shows its insides to whoever causes an error.
    :param escape: puts a text into a page of ours and returns the page.
    :param refuses_change: whether it refuses a change that comes with these headers and without a token.
    """

    debug: bool
    escape: Callable[[str], str]
    refuses_change: Callable[[dict[str, str]], bool]


@dataclass(frozen=True, slots=True)
class Subject:
    """What the checks may look at.

    :param folder: where the application was started.
    :param site: the deployment, if it is examined too.
    :param signing_keys: what the browser's cookies are signed with, the newest last.
    :param write: writes letters from templates.
    :param send: whether messages may really be sent.
    """

    settings: Settings
    database: Database
    folder: Path
    rehearsal: Rehearsal
    write: Write
    signing_keys: Sequence[str]
    session_cookie: str
    site: Site | None = None
    send: bool = False

    @property
    def live(self) -> Site:
        """Return the deployment, for checks that are made where there is one.

        :raises LookupError: if none was named.
        """
        if self.site is None:
            raise LookupError("no address was given")
        return self.site


def secrets_of(settings: Settings) -> set[str]:
    """Return every text that must stand in no evidence, the passwords within addresses too."""
    held = {text for field in fields(settings) for text in _revealed(getattr(settings, field.name))}
    held |= {provider.client_secret.reveal() for provider in settings.providers}
    server = settings.mail_server
    if server is not None and server.password is not None:
        held.add(server.password.reveal())
    return {part for text in held for part in (text, *_passwords(text)) if len(part) >= _SHORTEST_SECRET}


def _revealed(value: object) -> Iterator[str]:
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, Secret):
            yield one.reveal()


def _passwords(text: str) -> Iterator[str]:
    try:
        password = urlsplit(text).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)

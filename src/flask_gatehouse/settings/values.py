"""Single values: each is parsed where it is read, and what is wrong with it is collected."""

import ipaddress
import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from ..kernel.text import Secret, duration, words
from .rates import Rate
from .table import SETTINGS

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_DEFAULT_PORTS = {"http": 80, "https": 443}
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


class Values:
    """The texts that were found, and the problems with them. Lives for one ``Settings.load``.

    :param texts: every setting that is present and not empty.
    :param here: the folder from which relative paths start.
    """

    def __init__(self, texts: dict[str, str], here: Path) -> None:
        self.texts = texts
        self.here = here
        self.problems: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self.texts

    def parse(self, name: str, parser: Callable[[str], T], fallback: T) -> T:
        """Return the parsed value, or ``fallback`` if there is none or it cannot be parsed, which is a problem."""
        text = self.texts.get(name)
        if text is None:
            return fallback
        try:
            return parser(text)
        except ValueError as error:
            self.problems.append(f"{name} {error}.")
            return fallback

    def written(self, name: str) -> str:
        """Return the text of a setting that has a default."""
        return self.texts.get(name, default_of(name))

    def secret(self, name: str) -> Secret | None:
        return Secret(self.texts[name]) if name in self.texts else None

    def path(self, name: str) -> Path | None:
        return self.here / self.texts[name] if name in self.texts else None

    def list(self, name: str) -> tuple[str, ...]:
        return words(self.texts.get(name, ""))

    def domains(self, name: str, *, star: bool = False) -> frozenset[str]:
        """Return domains in lower case.

        :param star: whether ``*`` may stand for all of them.
        """
        found = frozenset(item.lower() for item in self.list(name))
        if any(not _DOMAIN.fullmatch(item) for item in found - ({"*"} if star else set())):
            # What could never be the end of an address would admit nobody, and say nothing.
            self.problems.append(f"{name} must list domains, such as example.com, with commas between them.")
        return found

    def time(self, name: str) -> timedelta:
        return self.parse(name, duration, duration(default_of(name)))

    def port(self, name: str) -> int:
        return self.parse(name, _port_number, int(default_of(name)))

    def count(self, name: str) -> int:
        return self.parse(name, _count, int(default_of(name)))

    def rate(self, name: str) -> Rate:
        return self.parse(name, Rate.parse, Rate.parse(default_of(name)))

    def link(self, name: str) -> str | None:
        return self.parse(name, _link, None)

    def choice(self, name: str, kind: type[E]) -> E:
        return kind(self.one_of(name, tuple(kind)))

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        def known(text: str) -> str:
            if text not in allowed:
                raise ValueError(f"must be one of {', '.join(allowed)}")
            return text

        return self.parse(name, known, default_of(name))

    def needs(self, name: str, companion: str) -> bool:
        """Return whether both are there; one without the other is a problem."""
        if name in self and companion not in self:
            self.problems.append(f"{companion} is missing: {name} needs it.")
        return name in self and companion in self


def default_of(name: str) -> str:
    """Return what a setting is without being set, as somebody would write it.

    :raises LookupError: if it has no default.
    """
    default = SETTINGS[name].default
    if default is None:
        raise LookupError(f"{name} has no default")
    return default


def split_address(text: str) -> SplitResult | None:
    """Return the parts of an http or https address, or None if it is none, or holds a user or an impossible port."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return None
    usable = parts.scheme in _DEFAULT_PORTS and parts.hostname and "@" not in parts.netloc and port != 0
    return parts if usable and parts.netloc.isascii() else None


def origin(parts: SplitResult) -> str:
    """Return scheme, host and port the way browsers write them in ``Origin`` (RFC 6454 §6.2)."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    default = parts.port is None or parts.port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" if default else f"{parts.scheme}://{host}:{parts.port}"


def is_loopback(host: str) -> bool:
    """Return whether a host name means this very machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _port_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise ValueError("must be a number between 1 and 65535")
    return int(text)


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", text):
        raise ValueError("must be a whole number between 0 and 99")
    return int(text)


def webhook_address(text: str) -> Secret:
    """Return the address of a webhook, which for many a chat is itself the secret.

    :raises ValueError: if it is none; the text is not repeated.
    """
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable():
        raise ValueError("must be a whole address, such as https://hooks.example.com/gate")
    return Secret(text.strip())


def _link(text: str) -> str:
    parts = split_address(text)
    if not (parts and parts.scheme == "https") and (not text.startswith("/") or text.startswith(("//", "/\\"))):
        raise ValueError("must be an https address or a path on this site")
    return text

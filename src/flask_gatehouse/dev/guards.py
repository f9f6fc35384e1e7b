"""When the embedded provider may exist, and whom it answers."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..settings import ConfigurationError, Settings, is_loopback

# What a proxy in front of us adds. Behind one, the peer is always this machine, whoever stands before it.
_LEFT_BY_PROXIES = frozenset({"HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP"})


class EmbeddedProviderRefused(ConfigurationError):
    """The embedded provider, with which anyone is anyone, would stand where it must not.

    :param problems: one sentence for each reason.
    """


def refuse_outside_development(settings: Settings) -> None:
    """Let only an application pass that nobody but its developer can reach.

    :raises EmbeddedProviderRefused: with every reason at once.
    """
    problems = []
    host = urlsplit(settings.base_url).hostname or ""
    if not settings.development:
        problems.append(
            "The embedded provider lets anyone come in as anyone. It is for GATEHOUSE_ENV=development alone."
        )
    # Authlib takes plain http from localhost and from loopback addresses, not from names below .localhost.
    if not is_loopback(host) or host.endswith(".localhost"):
        problems.append(
            "The embedded provider needs a GATEHOUSE_BASE_URL on this machine, such as http://localhost:5000."
        )
    if settings.trusted_proxies:
        problems.append(
            "GATEHOUSE_TRUSTED_PROXIES must be 0 beside the embedded provider: who comes through a proxy is not known "
            "to sit at this machine."
        )
    if problems:
        raise EmbeddedProviderRefused(problems)


def is_from_this_machine(environ: Mapping[str, Any]) -> bool:
    """Return whether a request was made on this machine, to this machine, without a proxy in between.

    The Host header counts because of DNS rebinding: a page from elsewhere can give its own name our address,
    and would otherwise read what the provider answers.
    """
    if any(name.startswith("HTTP_X_FORWARDED") or name in _LEFT_BY_PROXIES for name in environ):
        return False
    try:
        host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname or ""
    except ValueError:
        return False
    return is_loopback(environ.get("REMOTE_ADDR") or "") and is_loopback(host)

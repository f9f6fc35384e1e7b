"""What is known of the connection that a request came on, as far as the proxies before us may be believed."""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from flask import request

from ..kernel.networks import address_of
from .state import state

_REQUEST_ID = "gatehouse.request_id"
# What a proxy may call a request: as the trail can keep it, and without anything that a log could be forged with.
WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,35}")


def request_id() -> str:
    """Return the name of the running request, by which the trail, the logs and the answer find each other.

    A proxy's own ``X-Request-ID`` is kept where one is configured: from anybody else it would put what somebody does
    under the name of another request.
    """
    # In the environ, so that an application which this one is mounted in, or mounts, says the same.
    known: str | None = request.environ.get(_REQUEST_ID)
    if known is None:
        told = request.headers.get("X-Request-ID", "") if state().settings.trusted_proxies else ""
        known = request.environ[_REQUEST_ID] = told if WELL_FORMED.fullmatch(told) else secrets.token_hex(8)
    return known


def client_address(environ: Mapping[str, Any], trusted_proxies: int) -> str | None:
    """Return the address of whoever speaks to the outermost proxy that we trust.

    Each proxy appends the address that it saw to ``X-Forwarded-For``, so that only entries counted from the end
    are true; a caller writes what she likes at the front. With no trusted proxy the header is not looked at.
    """
    peer: str | None = environ.get("REMOTE_ADDR")
    chain = _forwarded(environ, "HTTP_X_FORWARDED_FOR")
    if trusted_proxies and len(chain) >= trusted_proxies:
        peer = chain[-trusted_proxies]
    return address_of(_without_port(peer or ""))


def _without_port(entry: str) -> str:
    """Return the address of an entry such as ``192.0.2.7:4711`` or ``[2001:db8::7]:4711``: some proxies add the port.

    As no address at all, everybody behind such a proxy would share one limit.
    """
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def came_by_https(environ: Mapping[str, Any], trusted_proxies: int) -> bool:
    """Return whether the person's own connection was encrypted, as far as the configured hops say so.

    Most proxies set ``X-Forwarded-Proto`` anew instead of appending to it, so that a chain may be shorter than the
    hops; all of it was written by them then.
    """
    chain = _forwarded(environ, "HTTP_X_FORWARDED_PROTO")
    if trusted_proxies and chain:
        return chain[-min(trusted_proxies, len(chain))].lower() == "https"
    return str(environ["wsgi.url_scheme"]) == "https"


def _forwarded(environ: Mapping[str, Any], name: str) -> list[str]:
    return [item.strip() for item in environ.get(name, "").split(",") if item.strip()]

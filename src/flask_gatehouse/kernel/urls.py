"""Addresses that may be followed."""

import re
from urllib.parse import unquote

MAX_LENGTH = 2000
# Slashes and dots alone, up to a second slash: "//host", or "/..//host", which becomes that once its dots are resolved.
_LEADS_AWAY = re.compile(r"/[^?#]*/\.{1,2}//|/\.{0,2}/")


def local_path(value: str | None) -> str | None:
    """Return ``value`` if it is a path on this very site, else None.

    Everything that a browser could read as another origin is refused: schemes, ``//host``,
    backslashes (which browsers turn into slashes), control characters and spaces (which they
    drop), also when they are percent-encoded in the path, and paths that are ``//host`` once their dots are resolved.
    Without this, a link to our sign-in page could end on a page of an attacker's (RFC 9700 §4.11.1).

    :param value: what a caller sent as ``next``.
    :returns: the same string, at most 2,000 characters, beginning with exactly one ``/``; or None.
    """
    if not value or len(value) > MAX_LENGTH or not value.startswith("/"):
        return None
    # Nothing that cannot be seen: controls, direction marks, halves of a surrogate pair.
    if " " in value or not value.isprintable():
        return None
    if "\\" in value or _LEADS_AWAY.match(value):
        return None
    path = unquote(value.partition("?")[0])
    return None if "\\" in path or not path.isprintable() or _LEADS_AWAY.match(path) else value

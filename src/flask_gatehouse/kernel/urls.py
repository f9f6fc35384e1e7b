"""Addresses that may be followed."""

from urllib.parse import unquote, urlsplit

MAX_LENGTH = 2000
_FORBIDDEN = {"\\", "\x7f"}


def local_path(value: str | None) -> str | None:
    """Return ``value`` if it is a path on this very site, else None.

    Everything that a browser could read as another origin is refused: schemes, ``//host``,
    backslashes (which browsers turn into slashes), control characters and spaces (which they
    drop), also when they are percent-encoded at the start of the path.
    Without this, a link to our sign-in page could end on a page of an attacker's (RFC 9700 §4.11.1).

    :param value: what a caller sent as ``next``.
    :returns: the same string, at most 2,000 characters, beginning with exactly one ``/``; or None.
    """
    if not value or len(value) > MAX_LENGTH or not value.startswith("/"):
        return None
    if any(char <= " " or char in _FORBIDDEN for char in value):
        return None
    decoded = unquote(value)
    if decoded[:2] in {"//", "/\\"} or any(char < " " or char in _FORBIDDEN for char in decoded.partition("?")[0]):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else value

"""Headers of every answer that is ours, from a page to an error to a style sheet."""

from collections.abc import Iterable

from flask import Response

# Nothing from elsewhere, nothing inline, no frame, and no text becomes script (``htmx`` is the one policy, made by
# gatehouse.js, and it refuses scripts). What an attacker gains without it: any gap in escaping becomes a takeover.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types htmx"
)

_COMMON = (
    ("X-Content-Type-Options", "nosniff"),
    # Not no-referrer: the Referer of our own pages is the way back after a form that was sent too late.
    ("Referrer-Policy", "same-origin"),
)
_OURS = (
    *_COMMON,
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"),
)
# Two years, as the preload list asks; without includeSubDomains, which is not ours to say for a host.
_OVER_HTTPS = (*_OURS, ("Strict-Transport-Security", "max-age=63072000"))
_NAMES = frozenset(name.lower() for name, _ in _OVER_HTTPS)
# What is added where an answer does not say it, with the name as one looks for it.
_NOT_KEPT = (("cache-control", "Cache-Control", "no-store"),)
_ON_HOST_PAGES = (*((name.lower(), name, value) for name, value in _COMMON), *_NOT_KEPT)


def secure(response: Response, *, https: bool) -> Response:
    """Put all headers on an answer of ours."""
    # What the answer says of these itself does not count.
    for name in _said(response).intersection(_NAMES):
        del response.headers[name]
    response.headers.extend(_OVER_HTTPS if https else _OURS)
    return response


def secure_host_page(response: Response) -> Response:
    """Add to a host's page what cannot break it, only where the host says nothing itself, and mark it as private."""
    return _complete(response, _ON_HOST_PAGES)


def mark_private(response: Response) -> Response:
    """Keep an answer that depends on who asks out of every cache, also the one behind the back button."""
    return _complete(response, _NOT_KEPT)


def vary(response: Response, header: str) -> None:
    """Say that another request may get another answer, by this header of it.

    As ``response.vary.add()`` does, which reads all that is said into an object and writes it anew: two of these cost
    as much as everything else that closes a page.
    """
    said = ", ".join(response.headers.getlist("Vary"))
    if header.lower() not in (item.strip().lower() for item in said.split(",")):
        response.headers["Vary"] = f"{said}, {header}" if said else header


def _complete(response: Response, wanted: Iterable[tuple[str, str, str]]) -> Response:
    """Add to an answer what it does not say itself, and that another one who asks may get another answer."""
    said, headers = _said(response), response.headers
    for key, name, value in wanted:
        if key not in said:
            headers.add(name, value)
    if "vary" in said:
        vary(response, "Cookie")
    else:
        headers.add("Vary", "Cookie")
    return response


def _said(response: Response) -> set[str]:
    """Return the names of all headers of an answer, in one pass: Werkzeug goes through them for each that it sets."""
    return {name.lower() for name, _ in response.headers}

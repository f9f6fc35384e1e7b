"""Headers of every answer that is ours, from a page to an error to a style sheet."""

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
_STRICT_TRANSPORT = ("Strict-Transport-Security", "max-age=63072000")


def secure(response: Response, *, https: bool) -> Response:
    """Put all headers on an answer of ours."""
    for name, value in _OURS:
        response.headers[name] = value
    if https:
        response.headers[_STRICT_TRANSPORT[0]] = _STRICT_TRANSPORT[1]
    return response


def secure_host_page(response: Response) -> Response:
    """Add to a host's page what cannot break it, and only where the host says nothing itself."""
    for name, value in _COMMON:
        response.headers.setdefault(name, value)
    return response


def mark_private(response: Response) -> Response:
    """Keep an answer that depends on who asks out of every cache, also the one behind the back button."""
    response.headers.setdefault("Cache-Control", "no-store")
    vary(response, "Cookie")
    return response


def vary(response: Response, header: str) -> None:
    """Say that another request may get another answer, by this header of it.

    As ``response.vary.add()`` does, which reads all that is said into an object and writes it anew: two of these cost
    as much as everything else that closes a page.
    """
    said = response.headers.get("Vary", "")
    if header.lower() not in (item.strip().lower() for item in said.split(",")):
        response.headers["Vary"] = f"{said}, {header}" if said else header

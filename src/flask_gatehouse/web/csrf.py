"""Whether a change was asked for by a page of ours.

The token is an HMAC over the session's public id under the application's key: nothing is stored, Flask's own
session is not opened, and a token dies with the session. It is salted anew for each page, so that compression
does not leak it (BREACH). A host that has Flask-WTF's protection on keeps its own token, and we accept that one.
"""

import hmac
import secrets
from hashlib import sha256
from urllib.parse import urlsplit

from flask import current_app, request
from werkzeug.exceptions import BadRequest

from .actor import memory, visit
from .denials import CrossSiteRequest
from .state import current_request, state

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# What sixteen random bytes are in URL-safe Base64.
_SALT_LENGTH = 22
_KEPT = "csrf"


def csrf_token() -> str:
    """Return the token for this request's forms, one for all of them.

    It is empty for whoever is not signed in, who has nothing to protect.
    """
    if "csrf" in current_app.extensions:
        token: str = current_app.jinja_env.globals["csrf_token"]()  # type: ignore[operator]
        return token
    found = visit().session
    if found is None:
        return ""
    kept = memory()
    made: str | None = kept.get(_KEPT)
    if made is None:
        salt = secrets.token_urlsafe(16)
        made = kept[_KEPT] = salt + _seal(state().keys[-1], salt, found.session_id)
    return made


def protect() -> None:
    """Let a change pass only if a page of ours asked for it.

    :raises CrossSiteRequest: if it comes from elsewhere, or without this session's token.
    """
    if current_request().method in SAFE_METHODS:
        return
    if not _same_origin():
        raise CrossSiteRequest
    token = request.headers.get("X-CSRFToken") or request.form.get("csrf_token", "")
    if _is_ours(token):
        return
    host_protection = current_app.extensions.get("csrf")
    if host_protection is None or request.method not in current_app.config["WTF_CSRF_METHODS"]:
        raise CrossSiteRequest
    try:
        host_protection.protect()
    except BadRequest as error:
        raise CrossSiteRequest from error


def _is_ours(token: str) -> bool:
    found = visit().session
    if found is None:
        return False
    salt, sealed = token[:_SALT_LENGTH], token[_SALT_LENGTH:]
    # Without the constant-time comparison, timing tells a forger how much of her guess is right.
    return any(
        hmac.compare_digest(_seal(key, salt, found.session_id).encode(), sealed.encode()) for key in state().keys
    )


def _seal(key: bytes, salt: str, session_id: str) -> str:
    return hmac.new(key, f"csrf\0{len(salt)}\0{salt}\0{session_id}".encode(), sha256).hexdigest()


def _same_origin() -> bool:
    """Return whether the browser says that a page of this site asked; one that says nothing is left to the token.

    ``Sec-Fetch-Site`` decides where it is sent, which no page can forge. An older browser sends ``Origin`` alone.
    """
    fetched = request.headers.get("Sec-Fetch-Site")
    if fetched is not None:
        return fetched in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    base = urlsplit(state().settings.base_url)
    return origin is None or origin in {f"{base.scheme}://{base.netloc}", f"{request.scheme}://{request.host}"}

"""JSON that is posted to the operator's address, signed so that the receiver knows from whom it is."""

import functools
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from ..kernel.errors import DependencyUnavailable
from ..signin.connection import make_trusting_context
from .deadline import within_deadline

SIGNATURE = "Gatehouse-Signature"
_CONNECT_S, _ANSWER_S = 3, 5


class _Believing(HTTPAdapter):
    """Believes whom a sign-in believes: a receiver within a company has an authority that is nobody else's."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=authorities())


@functools.cache
def authorities() -> ssl.SSLContext:
    """Return whom a post believes, read once; not the sign-ins' own, which urllib3 would change while they use it."""
    return make_trusting_context()


def post(url: str, secret: str | None, content: Mapping[str, object]) -> None:
    """Post an object as JSON, once.

    With a secret, ``Gatehouse-Signature: t=<seconds>,v1=<hex>`` is the HMAC-SHA256 of ``<seconds>.<body>``: whoever
    checks it refuses what is older than a few minutes, so that nobody can send it again.

    :raises DependencyUnavailable: if it is not accepted in time.
    """
    body = json.dumps(content, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "Flask-Gatehouse"}
    if secret:
        headers[SIGNATURE] = signature(secret, int(time.time()), body)
    within_deadline(lambda: _post(url, body, headers), "the webhook")


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    try:
        with requests.Session() as session:
            # What an environment says of proxies and passwords is not for this.
            session.trust_env = False
            session.mount("https://", _Believing())
            answer = session.post(
                url, data=body, headers=headers, timeout=(_CONNECT_S, _ANSWER_S), allow_redirects=False, stream=True
            )
            accepted = answer.ok and not answer.is_redirect
            answer.close()
    except requests.RequestException as error:
        # Its name alone: the words hold the address, which is a secret where a chat is told.
        raise DependencyUnavailable(f"the webhook ({type(error).__name__})", 30) from error
    if not accepted:
        raise DependencyUnavailable(f"the webhook (it answered {answer.status_code})", 30)


def escaped_for_slack(text: str) -> str:
    """Return a text in which nothing calls somebody or leads somewhere, whatever name somebody gave herself."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def signature(secret: str, moment: int, body: bytes) -> str:
    """Return what stands in the header."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"

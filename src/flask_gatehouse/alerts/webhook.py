"""JSON that is posted to the operator's address, signed so that the receiver knows from whom it is."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping

import requests

from ..kernel.errors import DependencyUnavailable
from .deadline import within_deadline

SIGNATURE = "Gatehouse-Signature"
_CONNECT_S, _ANSWER_S = 3, 5


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
            answer = session.post(
                url, data=body, headers=headers, timeout=(_CONNECT_S, _ANSWER_S), allow_redirects=False, stream=True
            )
            accepted = answer.ok and not answer.is_redirect
            answer.close()
    except requests.RequestException as error:
        raise DependencyUnavailable("the webhook", 30) from error
    if not accepted:
        raise DependencyUnavailable(f"the webhook (it answered {answer.status_code})", 30)


def escaped_for_slack(text: str) -> str:
    """Return a text in which nothing calls somebody or leads somewhere, whatever name somebody gave herself."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def signature(secret: str, moment: int, body: bytes) -> str:
    """Return what stands in the header."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"

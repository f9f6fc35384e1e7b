"""A small relying party, for what the embedded provider says to the bytes."""

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from flask_gatehouse.dev import EMBEDDED_PROVIDER
from tests.web.conftest import state_of

ISSUER = "http://localhost/dev/provider"
CALLBACK = "http://localhost/auth/authorize/dev"
VERIFIER = "v" * 43
ASKED = {
    "response_type": "code",
    "client_id": "gatehouse",
    "redirect_uri": CALLBACK,
    "scope": "openid email profile",
    "state": "a state",
    "nonce": "a nonce",
    "code_challenge": create_s256_code_challenge(VERIFIER),
    "code_challenge_method": "S256",
}


def ask(client: FlaskClient, **changes: str | None) -> TestResponse:
    query = {name: value for name, value in (ASKED | changes).items() if value is not None}
    return client.get(f"{ISSUER}/authorize?{urlencode(query)}")


def decide(client: FlaskClient, page: TestResponse, **form: str) -> TestResponse:
    found = re.search(r'action="([^"]+)">\s*<input type="hidden" name="asked" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return client.post(found[1], data={"asked": found[2], **form})


def answer_of(response: TestResponse) -> dict[str, str]:
    assert response.status_code == 302
    assert response.location.startswith(f"{CALLBACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(response.location).query).items()}


def code_for(client: FlaskClient, **form: str) -> str:
    return answer_of(decide(client, ask(client), person="ada@example.com", **form))["code"]


def redeem(app: Flask, code: str, /, *, by_post: bool = False, **changes: str | None) -> TestResponse:
    registered = state_of(app).providers[EMBEDDED_PROVIDER].settings
    secret = registered.client_secret.reveal()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    if by_post:
        form |= {"client_id": registered.client_id, "client_secret": secret}
    form |= changes
    return app.test_client().post(
        f"{ISSUER}/token",
        data={name: value for name, value in form.items() if value is not None},
        auth=None if by_post else (registered.client_id, secret),
    )


def claims_of(app: Flask, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set(app.test_client().get(f"{ISSUER}/jwks").json)
    return jwt.decode(token, keys, ["RS256"]).claims

"""An OpenID provider over a real socket that behaves, until a test tells it not to."""

import base64
import contextlib
import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from flask_gatehouse.kernel.text import Secret
from flask_gatehouse.settings import ProviderKind, ProviderSettings
from flask_gatehouse.signin.assertion import Assertion
from flask_gatehouse.signin.attempt import Purpose, begin_attempt
from flask_gatehouse.signin.oidc import OpenIDProvider

REDIRECT_URI = "https://app.example.com/auth/authorize/hostile"
CLIENT_ID = "gatehouse"
# Characters that arrive only if the form encoding of RFC 6749 §2.3.1 is done.
CLIENT_SECRET = "se:cret+50%/ü"
ACCESS_TOKEN = "an-access-token"

Handler = Callable[["Exchange"], None]


@cache
def rsa_key(name: str = "first") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


@cache
def ec_key(curve: str = "P-256") -> ECKey:
    return ECKey.generate_key(curve, {"kid": f"ec {curve}", "use": "sig"})


@cache
def ed_key() -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": "ed", "use": "sig"})


class AnyAlgorithm(JWSRegistry):
    """Signs with whatever it is told to, without a warning."""

    def __init__(self) -> None:
        super().__init__(strict_check_header=False)

    def check_header(self, header: dict[str, Any]) -> None:
        """Let every header pass."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


class Exchange(BaseHTTPRequestHandler):
    """One request, which the provider's current handler for its path answers."""

    protocol_version = "HTTP/1.0"
    provider: "HostileProvider"

    def do_GET(self) -> None:
        self._dispatch({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._dispatch(dict(parse_qsl(body, keep_blank_values=True)))

    def _dispatch(self, form: dict[str, str]) -> None:
        path = urlsplit(self.path).path
        self.form = form
        self.provider.seen.append((path, dict(self.headers), form))
        handler = self.provider.handlers.get(path)
        if handler is None:
            self.send_error(404)
            return
        # The client hangs up, as it should, on whoever does not come to an end.
        with contextlib.suppress(OSError):
            handler(self)

    def answer(self, body: bytes | str, status: int = 200, **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def answer_json(self, document: Any, status: int = 200, **headers: str) -> None:
        self.answer(json.dumps(document), status, **headers)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@dataclass
class HostileProvider:
    """Everything that an answer is made of, open to change."""

    issuer: str
    document: dict[str, Any] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=lambda: [rsa_key()])
    # Bytes are a shared secret, which joserfc refuses to sign with where they are a public key.
    signs_with: Key | bytes = field(default_factory=rsa_key)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "first"})
    claims: dict[str, Any] = field(default_factory=dict)
    # Changes made to the finished claims, tokens and callback; each may return something else instead.
    edit_claims: Callable[[dict[str, Any]], Any] = lambda claims: claims
    edit_token: Callable[[str], Any] = lambda token: token
    edit_tokens: Callable[[dict[str, Any]], Any] = lambda tokens: tokens
    userinfo: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=lambda: {"code": "a-code"})
    handlers: dict[str, Handler] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    failures: list[BaseException | None] = field(default_factory=list)
    nonce: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.document |= {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        person = {"sub": "alice", "email": "alice@example.com", "email_verified": True, "name": "Alice"}
        self.claims |= {"iss": self.issuer, "aud": CLIENT_ID, **person}
        self.userinfo |= person
        self.handlers |= {
            "/.well-known/openid-configuration": lambda exchange: exchange.answer_json(self.document),
            "/jwks": lambda exchange: exchange.answer_json({"keys": [key.as_dict(private=False) for key in self.keys]}),
            "/token": lambda exchange: exchange.answer_json(self.tokens()),
            "/userinfo": lambda exchange: exchange.answer_json(self.userinfo),
        }

    def calls(self, path: str) -> int:
        return sum(1 for seen, _, _ in self.seen if seen == path)

    def without(self, *names: str) -> None:
        """Leave claims out of the ID token."""
        for name in names:
            del self.claims[name]

    def sign(self, claims: Any) -> str:
        payload = claims if isinstance(claims, bytes) else json.dumps(claims)
        if isinstance(self.signs_with, bytes):
            signing_input = f"{encoded(self.header)}.{encoded(payload)}"
            return f"{signing_input}.{encoded(hmac.digest(self.signs_with, signing_input.encode(), 'sha256'))}"
        return jws.serialize_compact(dict(self.header), payload, self.signs_with, registry=AnyAlgorithm())

    def tokens(self) -> Any:
        now = time.time()
        claims = {"iat": now, "exp": now + 300, "nonce": self.nonce, **self.claims}
        id_token = self.edit_token(self.sign(self.edit_claims(claims)))
        return self.edit_tokens(
            {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300, "id_token": id_token}
        )


class _Server(ThreadingHTTPServer):
    """Remembers where the provider itself failed, which would make any refusal a wrong one."""

    provider: HostileProvider

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if not isinstance(error, OSError):
            self.provider.failures.append(error)


@contextmanager
def running_provider() -> Iterator[HostileProvider]:
    """Run a provider on a free port of this machine."""
    server = _Server(("127.0.0.1", 0), Exchange)
    server.daemon_threads = True
    provider = HostileProvider(f"http://127.0.0.1:{server.server_port}")
    server.provider = provider
    server.RequestHandlerClass = type("BoundExchange", (Exchange,), {"provider": provider})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def encoded(content: Any) -> str:
    """Return a segment of a token: bytes and text as they are, anything else as JSON."""
    text = content if isinstance(content, bytes | str) else json.dumps(content)
    return base64.urlsafe_b64encode(text.encode() if isinstance(text, str) else text).decode().rstrip("=")


def token_hash(token: str, algorithm: str) -> str:
    """Return the ``at_hash`` of an access token (Core §3.1.3.6)."""
    digest = hashlib.new(algorithm, token.encode()).digest()
    return encoded(digest[: len(digest) // 2])


def relying_party(provider: HostileProvider, **options: Any) -> OpenIDProvider:
    """Return our own client, configured for this provider."""
    settings = ProviderSettings(
        name="hostile",
        kind=options.pop("kind", ProviderKind.OIDC),
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret=Secret(CLIENT_SECRET),
        label="Hostile",
        email_domains=frozenset({"example.com"}),
    )
    return OpenIDProvider(settings, **{"deadline": 5.0, **options})


def sign_in(provider: HostileProvider, client: OpenIDProvider) -> Assertion:
    """Do what a browser does between the click and the callback, and redeem what it brings."""
    attempt = begin_attempt("hostile", next=None, purpose=Purpose.SIGN_IN, session_id=None)
    query = parse_qs(urlsplit(client.authorization_url(attempt, REDIRECT_URI)).query)
    provider.nonce = query["nonce"][0]
    return client.redeem(attempt, {"state": query["state"][0], **provider.answer}, REDIRECT_URI)

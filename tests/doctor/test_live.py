"""What is wrong with a deployment is found by asking it: a real one, behind a proxy that spoils one thing at a time."""

import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from flask_gatehouse.ops.doctor.finding import Result
from flask_gatehouse.ops.doctor.site import Site
from flask_gatehouse.signin.connection import trusted_authorities
from tests.deployment.certificates import Certificates, make_certificates
from tests.doctor.conftest import Look
from tests.doctor.front import Front, Passing, running_front
from tests.panva import running_panva
from tests.ports import free_port
from tests.processes import MANY, running_gatehouse

OK, WARNING, FAILED, UNKNOWN = Result


@dataclass(frozen=True, slots=True)
class Deployed:
    """A node in production, its front, and a provider."""

    front: Front
    provider: Front
    environment: Mapping[str, str]
    certificates: Certificates

    @property
    def site(self) -> Site:
        return Site(self.front.url, "", f"http://localhost:{free_port()}")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("live")
    certificates = make_certificates(folder / "tls")
    database = folder / "gatehouse.db"
    database.write_bytes(sqlite_template.read_bytes())
    with ExitStack() as stack:
        front, provider = (stack.enter_context(running_front(certificates)) for _ in range(2))
        panva = stack.enter_context(running_panva([f"{front.url}/auth/authorize/panva"], issuer=provider.url))
        provider.behind = panva.here
        environment = {
            "GATEHOUSE_ENV": "production",
            "GATEHOUSE_BASE_URL": front.url,
            "GATEHOUSE_TRUSTED_PROXIES": "1",
            "SECRET_KEY": secrets.token_urlsafe(32),
            "DATABASE_URL": f"sqlite:///{database}",
            "SSL_CERT_FILE": str(certificates.authority),
            **MANY,
            **panva.environment,
        }
        node = stack.enter_context(running_gatehouse(environment, server="gunicorn"))
        front.behind = node.base_url
        yield Deployed(front, provider, environment, certificates)


@pytest.fixture
def deployed(running: Deployed) -> Iterator[Deployed]:
    yield running
    running.front.mend()
    running.provider.mend()


@pytest.fixture
def environment(running: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.setenv("SSL_CERT_FILE", str(running.certificates.authority))
    trusted_authorities.cache_clear()
    yield dict(running.environment)
    trusted_authorities.cache_clear()


# A name, what spoils it, and what it is told by.
Spoil = Callable[[Passing], None]


def without(header: str) -> Spoil:
    return lambda answer: answer.drop(header)


def instead(header: str, value: str) -> Spoil:
    return lambda answer: answer.put(header, value)


def in_cookies(old: str, new: str) -> Spoil:
    return lambda answer: answer.replace("Set-Cookie", old, new)


def answering(part: str, status: int, body: bytes = b"", kind: str = "text/html") -> Spoil:
    def spoil(answer: Passing) -> None:
        if part in answer.path:
            answer.status, answer.body = status, body
            answer.put("Content-Type", kind)

    return spoil


def keep_made_up_session(answer: Passing) -> None:
    if answer.path == "/account":
        answer.headers.append(("Set-Cookie", f"__Host-gatehouse={MADE_UP[-1]}; Secure"))


MADE_UP: list[str] = []


def remember_session(request: Passing) -> None:
    said = request.get("Cookie") or ""
    if "__Host-gatehouse=" in said:
        MADE_UP.append(said.partition("=")[2])


ANSWERS: list[tuple[str, Spoil, Result, str]] = [
    ("hsts", without("Strict-Transport-Security"), FAILED, "not sent"),
    ("hsts", instead("Strict-Transport-Security", "max-age=60"), FAILED, "max-age=60"),
    ("headers_page", without("Content-Security-Policy"), FAILED, "Content-Security-Policy"),
    (
        "headers_page",
        lambda a: a.replace("Content-Security-Policy", "'self'", "'self' 'unsafe-inline'"),
        FAILED,
        "unsafe",
    ),
    ("headers_page", lambda a: a.headers.append(("X-Frame-Options", "DENY")), FAILED, "more than once"),
    ("headers_error", without("X-Content-Type-Options"), FAILED, "X-Content-Type-Options"),
    ("headers_fragment", without("Vary"), FAILED, "Vary"),
    ("headers_static", without("Cross-Origin-Resource-Policy"), FAILED, "Cross-Origin-Resource-Policy"),
    ("headers_json", instead("Cache-Control", "public, max-age=60"), FAILED, "caches"),
    ("error_pages", answering("/auth/authorize", 500, b"Traceback (most recent call last)"), FAILED, "insides"),
    ("error_pages", answering("__debugger__", 200, b"", "application/javascript"), FAILED, "debugger"),
    ("error_pages", instead("Server", "nginx/1.2.3"), WARNING, "nginx/1.2.3"),
    ("healthz", answering("/healthz", 502), FAILED, "502"),
    ("readyz", answering("/readyz", 503, b'{"database": "does not answer"}'), FAILED, "database: does not answer"),
    ("metrics", answering("/metrics", 200), FAILED, "to a stranger"),
    ("privacy", answering("/account/export", 404), FAILED, "404"),
    ("privacy", answering("/account", 200), FAILED, "let in"),
    ("cookies", in_cookies("; Secure", ""), FAILED, "secure"),
    ("cookies", in_cookies("; HttpOnly", ""), FAILED, "httponly"),
    ("cookies", in_cookies("; SameSite=Lax", ""), FAILED, "samesite"),
    ("cookies", in_cookies("__Host-", ""), FAILED, "__Host-"),
    ("cookies", without("Set-Cookie"), FAILED, "without a cookie"),
    ("redirect_uri_sent", lambda a: a.replace("Location", "localhost", "elsewhere"), FAILED, "redirect_uri_mismatch"),
    ("session_fixation", keep_made_up_session, FAILED, "plant"),
    ("session_fixation", answering("/account", 200), FAILED, "let in"),
    (
        "foreign_change",
        answering("/auth/logout", 400, b"The CSRF token is missing."),
        FAILED,
        "The CSRF token is missing",
    ),
    ("foreign_change", answering("/auth/logout", 200), FAILED, "200"),
]


@pytest.mark.parametrize(("name", "spoil", "result", "word"), ANSWERS, ids=lambda value: str(value)[:24])
def test_a_spoilt_answer(deployed: Deployed, look: Look, name: str, spoil: Spoil, result: Result, word: str) -> None:
    deployed.front.on_request = remember_session
    whole = look(name, site=deployed.site)
    assert (whole.result, whole.mend) == (OK, ""), whole
    deployed.front.on_answer = spoil
    found = look(name, site=deployed.site)
    assert found.result is result, found
    assert word in found.evidence
    assert found.mend


def override(request: Passing) -> None:
    if request.get("X-HTTP-Method-Override") == "DELETE":
        request.path = "/nowhere"


def believe_name(answer: Passing) -> None:
    answer.put("Location", f"https://{NAMES[-1]}/")


NAMES: list[str] = []


def remember_name(request: Passing) -> None:
    NAMES.append(request.get("X-Forwarded-Host") or request.get("Host") or "")


def test_a_header_that_changes_the_method(deployed: Deployed, look: Look) -> None:
    assert look("method_override", site=deployed.site).result is OK
    deployed.front.on_request = override
    assert look("method_override", site=deployed.site).result is FAILED


def test_a_forged_name_that_is_believed(deployed: Deployed, look: Look) -> None:
    assert look("forged_host", site=deployed.site).result is OK
    deployed.front.on_request, deployed.front.on_answer = remember_name, believe_name
    assert look("forged_host", site=deployed.site).result is FAILED


def forged(request: Passing) -> None:
    """Pass on what the caller has said of herself, as a proxy does that appends nothing."""
    said = request.get("Forwarded") or ""
    if said:
        request.put("X-Forwarded-For", said.partition('"[')[2].rstrip('"]'))


class Elsewhere(Site):
    """The same deployment, as if it had an address that is not of this machine."""

    @property
    def host(self) -> str:
        return "192.0.2.1"


def test_a_forged_address_that_is_believed(deployed: Deployed, look: Look, sqlite_url: str) -> None:
    whole = look("forged_address", site=deployed.site)
    assert whole.result is OK, whole
    deployed.front.on_request = forged
    assert look("forged_address", site=deployed.site).result is FAILED
    deployed.front.on_request = without("X-Forwarded-For")
    # Its own address, which is also that of whoever asks: nothing can be said against it on one machine.
    assert look("forged_address", site=deployed.site).result is OK
    lent = look("forged_address", site=Elsewhere(deployed.front.url, "", ""))
    assert (lent.result, "everybody counts as one person" in lent.evidence) == (FAILED, True)
    # Then the limit is not tried: it would keep everybody out.
    few = {"GATEHOUSE_RATE_LIMIT_SIGN_IN": "3 per minute"}
    assert "not tried" in look("rate_limit", few, site=Elsewhere(deployed.front.url, "", "")).evidence
    elsewhere = look("forged_address", {"DATABASE_URL": sqlite_url}, site=deployed.site)
    assert (elsewhere.result, "DATABASE_URL" in elsewhere.mend) == (UNKNOWN, True)


def test_another_key_than_the_deployments(deployed: Deployed, look: Look) -> None:
    assert look("shared_key", site=deployed.site).result is OK
    found = look("shared_key", {"SECRET_KEY": secrets.token_urlsafe(32)}, site=deployed.site)
    assert (found.result, "do not persist" in found.evidence) == (FAILED, True)


def test_another_address_than_the_configured(deployed: Deployed, look: Look) -> None:
    found = look("redirect_uri_sent", {"GATEHOUSE_BASE_URL": "https://localhost:1"}, site=deployed.site)
    assert (found.result, "redirect_uri_mismatch" in found.evidence) == (FAILED, True)


def test_sign_ins_that_nobody_counts(deployed: Deployed, look: Look) -> None:
    few = {"GATEHOUSE_RATE_LIMIT_SIGN_IN": "3 per minute"}
    assert look("rate_limit", site=deployed.site).result is UNKNOWN
    # The deployment itself allows a million.
    assert look("rate_limit", few, site=deployed.site).result is FAILED
    seldom = look("rate_limit", {"GATEHOUSE_RATE_LIMIT_SIGN_IN": "3 per second"}, site=deployed.site)
    assert seldom.result is UNKNOWN
    with running_gatehouse({**deployed.environment, **few}, server="gunicorn") as node:
        before, deployed.front.behind = deployed.front.behind, node.base_url
        try:
            found = look("rate_limit", few, site=deployed.site)
        finally:
            deployed.front.behind = before
    assert (found.result, "number 4 was refused" in found.evidence) == (OK, True), found


# TLS.


@pytest.mark.parametrize(("days", "result"), [(30, OK), (15, WARNING), (3, FAILED), (-1, FAILED)])
def test_a_certificate_that_ends(
    deployed: Deployed, look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, result: Result
) -> None:
    certificates = make_certificates(tmp_path / "tls", days)
    with running_front(certificates) as front:
        site = replace(deployed.site, url=front.url)
        # Nobody vouches for it at first.
        found = look("tls_certificate", site=site)
        assert (found.result, "not believed" in found.evidence) == (FAILED, True)
        trusted_authorities.cache_clear()
        found = look("tls_certificate", {"SSL_CERT_FILE": str(certificates.authority)}, site=site)
    assert found.result is result, found
    assert (found.mend == "") is (result is OK)


def test_no_tls_at_all(deployed: Deployed, look: Look) -> None:
    with running_front(None) as plain:
        plain.behind = deployed.front.behind
        site = replace(deployed.site, url=plain.url)
        assert {look(name, site=site).result for name in ("tls_certificate", "tls_version")} == {FAILED}


@contextmanager
def answering_a_greeting(answer: bytes) -> Iterator[int]:
    """A server that answers a greeting in TLS 1.1 with some bytes, and every other one with nothing."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                opened, _ = listener.accept()
            except OSError:
                return
            with opened:
                if opened.recv(4096)[9:11] == b"\x03\x02":
                    opened.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_an_old_version_of_tls(deployed: Deployed, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = look("tls_version", site=deployed.site)
    assert (whole.result, "TLSv1.3" in whole.evidence) == (OK, True), whole
    hello = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02" + bytes(36)
    with answering_a_greeting(hello) as port:
        # What is agreed on is asked of the deployment, and the old greeting is answered by the other.
        real = socket.create_connection
        asked: list[object] = []

        def connect(address: tuple[str, int], *more: object, **named: object) -> socket.socket:
            asked.append(address)
            return real(("127.0.0.1", port) if len(asked) == 2 else address, *more, **named)  # type: ignore[arg-type]

        monkeypatch.setattr("flask_gatehouse.ops.doctor.live_tls.socket.create_connection", connect)
        found = look("tls_version", site=deployed.site)
    assert (found.result, "TLS 1.1" in found.evidence) == (FAILED, True), found


def test_plain_http_that_leads_nowhere(deployed: Deployed, look: Look) -> None:
    assert "Nobody listens" in look("https_redirect", site=deployed.site).evidence
    with running_front(None) as plain:
        plain.behind = deployed.front.behind
        site = replace(deployed.site, plain_url=plain.url)
        assert look("https_redirect", site=site).result is FAILED

        def lead(answer: Passing) -> None:
            answer.status = 308
            answer.put("Location", f"https://localhost{answer.path}")

        plain.on_answer = lead
        assert look("https_redirect", site=site).result is OK


# The provider.


def test_a_redirect_uri_that_the_provider_does_not_know(deployed: Deployed, look: Look) -> None:
    whole = look("redirect_uri", about="panva")
    assert whole.result is OK, whole
    found = look("redirect_uri", {"GATEHOUSE_BASE_URL": "https://localhost:1"}, about="panva")
    assert found.result is FAILED, found
    assert "redirect_uri_mismatch" in found.evidence
    assert found.mend.endswith(": https://localhost:1/auth/authorize/panva")

    def take_all(answer: Passing) -> None:
        if answer.status >= 400:
            answer.status, answer.body = 200, b"Sign in first"

    deployed.provider.on_answer = take_all
    late = look("redirect_uri", about="panva")
    assert (late.result, f"{deployed.front.url}/auth/authorize/panva" in late.mend) == (UNKNOWN, True)


def test_a_client_secret_that_is_not_ours(deployed: Deployed, look: Look) -> None:
    whole = look("client", about="panva")
    assert whole.result is OK, whole
    assert look("client", {"GATEHOUSE_OIDC_PANVA_CLIENT_SECRET": "anothers"}, about="panva").result is FAILED


def test_a_provider_that_is_another(deployed: Deployed, look: Look) -> None:
    whole = look("discovery", about="panva")
    assert whole.result is OK, whole
    other = look("discovery", {"GATEHOUSE_OIDC_PANVA_ISSUER": f"{deployed.provider.url}/"}, about="panva")
    assert (other.result, "to the last slash" in other.mend) == (FAILED, True)
    away = {"GATEHOUSE_OIDC_PANVA_ISSUER": f"https://localhost:{free_port()}"}
    assert look("discovery", away, about="panva").result is FAILED
    trusted_authorities.cache_clear()
    unknown = look("discovery", {"SSL_CERT_FILE": ""}, about="panva")
    assert (unknown.result, "SSL_CERT_FILE" in unknown.mend) == (FAILED, True)


def test_a_clock_that_is_wrong(deployed: Deployed, look: Look) -> None:
    assert look("clock", about="panva").result is OK
    deployed.provider.on_answer = instead("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
    assert look("clock", about="panva").result is FAILED
    deployed.provider.on_answer = without("Date")
    assert look("clock", about="panva").result is UNKNOWN


def test_no_provider(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look("providers").result is OK
    nobody = {f"GATEHOUSE_OIDC_PANVA_{part}": "" for part in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "EMAIL_DOMAINS")}
    assert look("providers", nobody).result is FAILED

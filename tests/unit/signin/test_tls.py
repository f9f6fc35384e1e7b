"""Calls over TLS: who is believed, and that a call over TLS ends as well."""

import contextlib
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server, socket

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from flask_gatehouse.alerts import webhook
from flask_gatehouse.kernel.errors import DependencyUnavailable
from flask_gatehouse.signin.connection import trusted_authorities
from flask_gatehouse.signin.errors import ProviderUnavailable
from flask_gatehouse.signin.http import ProviderHttp

ANSWER = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Handler = Callable[[socket], None]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1 that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a provider")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "provider.pem"
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(encoded + signed.public_bytes(serialization.Encoding.PEM))
    return path


@contextlib.contextmanager
def serving(certificate: Path, handler: Handler) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve() -> None:
        # A client that does not believe us hangs up, and so does one that has waited long enough.
        with contextlib.suppress(OSError):
            connection, _ = server.accept()
            with connection, context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                handler(secured)

    with create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(5)
        assert not thread.is_alive()


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trust that certificate as an operator does whose company has an authority of its own."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    for read_once in (trusted_authorities, webhook.authorities):
        read_once.cache_clear()
    yield
    for read_once in (trusted_authorities, webhook.authorities):
        read_once.cache_clear()


def test_a_webhook_within_a_company_is_believed_as_its_provider_is(certificate: Path, trusted: None) -> None:
    def take(peer: socket) -> None:
        # The headers have been read by then, and this is the body.
        taken.append(peer.recv(65536))
        peer.sendall(ANSWER)

    taken: list[bytes] = []
    with serving(certificate, take) as url:
        webhook.post(url, "a secret", {"type": "alert.test"})
    assert taken == [b'{"type":"alert.test"}']


def test_a_post_leaves_alone_what_sign_ins_believe(certificate: Path, trusted: None) -> None:
    """urllib3 sets anew what it is given to believe, for each connection, while others sign in with it."""
    shared = trusted_authorities()
    shared.check_hostname, shared.verify_mode = False, ssl.CERT_NONE

    def take(peer: socket) -> None:
        # A peer that closes before the body was read resets the connection.
        assert peer.recv(65536)
        peer.sendall(ANSWER)

    with serving(certificate, take) as url:
        webhook.post(url, "a secret", {"type": "alert.test"})
    assert shared.verify_mode is ssl.CERT_NONE


def test_a_webhook_that_nobody_vouches_for_is_told_nothing_and_the_failure_has_a_name(certificate: Path) -> None:
    with (
        serving(certificate, lambda peer: peer.sendall(ANSWER)) as url,
        pytest.raises(DependencyUnavailable, match=r"^the webhook \(SSLError\) is not available$"),
    ):
        webhook.post(url, "a secret", {"type": "alert.test"})


def test_a_certificate_that_nobody_vouches_for_is_not_believed(certificate: Path) -> None:
    with serving(certificate, lambda peer: peer.sendall(ANSWER)) as url, pytest.raises(ProviderUnavailable):
        ProviderHttp("example", url).get(url, limit=100)


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name_is_not_believed(certificate: Path) -> None:
    with serving(certificate, lambda peer: peer.sendall(ANSWER)) as url, pytest.raises(ProviderUnavailable):
        ProviderHttp("example", url).get(url.replace("127.0.0.1", "localhost"), limit=100)


@pytest.mark.usefixtures("trusted")
def test_an_answer_over_tls_is_an_answer(certificate: Path) -> None:
    with serving(certificate, lambda peer: peer.sendall(ANSWER)) as url:
        assert ProviderHttp("example", url).get(url, limit=100).body == b"{}"


@pytest.mark.usefixtures("trusted")
def test_a_dripping_peer_is_cut_off(certificate: Path) -> None:
    def drip(peer: socket) -> None:
        peer.sendall(b"HTTP/1.0 200 OK\r\nX-Drip: ")
        # Ends with the error of a connection that the client has cut.
        while True:
            peer.sendall(b"x")
            time.sleep(0.02)

    with serving(certificate, drip) as url:
        began = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            ProviderHttp("example", url, deadline=0.3).get(url, limit=100)
        assert time.monotonic() - began < 2


def test_a_handshake_that_drips_is_cut_off() -> None:
    """Each byte comes in time, and the record that they belong to never ends."""

    def drip() -> None:
        with contextlib.suppress(OSError), server.accept()[0] as peer:
            peer.sendall(b"\x16\x03\x03\x40\x00")
            while True:
                peer.sendall(b"\x02")
                time.sleep(0.02)

    with create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        began = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            ProviderHttp("example", url, deadline=0.3).get(url, limit=100)
        assert time.monotonic() - began < 10
        thread.join(30)
        assert not thread.is_alive()


def test_the_public_authorities_are_believed_too() -> None:
    """A machine whose own list is empty, as in small containers, still reaches Google."""
    assert {entry["subject"] for entry in trusted_authorities().get_ca_certs()} >= {
        entry["subject"] for entry in _of_certifi().get_ca_certs()
    }
    assert trusted_authorities().verify_mode is ssl.CERT_REQUIRED
    assert trusted_authorities().check_hostname


def _of_certifi() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certifi.where())
    return context

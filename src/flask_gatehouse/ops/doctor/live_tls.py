"""A deployment's TLS: the certificate, the versions, and what becomes of plain http."""

import socket
import ssl
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any
from urllib.parse import urlsplit

from ...kernel.clock import utc_now
from ...signin.connection import trusted_authorities
from .finding import Check, Finding, Item, failed, ok, unknown, warning
from .site import TIMEOUT_S, Site
from .subject import Subject

_SOON_DAYS, _TOO_SOON_DAYS = 21, 7
# A year, from which on lists of browsers take a site; half of it is what ASVS asks for.
_HSTS_S = 15768000
_PLAIN_ANSWERS = {301, 302, 307, 308}
# TLS 1.1 (RFC 4346) and what a client of its time would offer.
_SUITES = (0xC013, 0xC014, 0xC009, 0xC00A, 0x002F, 0x0035)


def certificate(subject: Subject) -> Finding:
    site = subject.live
    if not site.is_secure:
        return failed(f"{site.url} is answered without TLS.", "Put a proxy with TLS in front, as in deploy/.")
    try:
        with _connected(site) as opened, _wrapped(opened, site) as secured:
            found = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return failed(
            f"The certificate of {site.host} is not believed: {error.verify_message}.",
            "Renew it (certbot renew), and serve the whole chain; for an authority of your own set SSL_CERT_FILE.",
        )
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)
    days = (ends - utc_now()).days
    by = _issuer_of(found)
    said = f"The certificate of {site.host}, by {by}, is good for {days} more days"
    if days < _TOO_SOON_DAYS:
        return failed(f"{said}.", "Renew it now: certbot renew. Then see why that did not happen by itself.")
    if days < _SOON_DAYS:
        return warning(f"{said}.", "See whether it is renewed by itself.")
    return ok(f"{said}, and its chain is believed.")


def _issuer_of(found: Mapping[str, Any]) -> str:
    names = {name: value for part in found.get("issuer", ()) for name, value in part}
    return str(names.get("organizationName") or names.get("commonName") or "somebody")


def version(subject: Subject) -> Finding:
    """See what is agreed on, and whether TLS 1.1, which RFC 8996 forbids, would be."""
    site = subject.live
    if not site.is_secure:
        return failed(f"{site.url} is answered without TLS.", "Put a proxy with TLS in front, as in deploy/.")
    with _connected(site) as opened, _wrapped(opened, site) as secured:
        agreed = secured.version()
    with _connected(site) as opened:
        opened.sendall(_old_greeting(site.host))
        # The other side may simply hang up.
        try:
            answer = opened.recv(16)
        except ConnectionError:
            answer = b""
    if answer[:1] == b"\x16" and answer[9:11] in {b"\x03\x01", b"\x03\x02"}:
        return failed(f"{site.host} still speaks TLS 1.1.", "ssl_protocols TLSv1.2 TLSv1.3;")
    return ok(f"{agreed} was agreed on, and a greeting in TLS 1.1 was refused.")


def redirect(subject: Subject) -> Finding:
    site = subject.live
    try:
        answer = site.ask_plainly("/auth/login")
    except ConnectionRefusedError:
        return ok(f"Nobody listens at {site.plain_url}.")
    except OSError as error:
        return unknown(f"{site.plain_url} was asked, and it came to {type(error).__name__}.")
    target = urlsplit(answer.location)
    if answer.status in _PLAIN_ANSWERS and target.scheme == "https" and target.hostname == site.host:
        return ok(f"{site.plain_url} was asked, and leads to https ({answer.status}).")
    return failed(
        f"{site.plain_url} was asked, and answered {answer.status} instead of leading to https.",
        "Let the proxy answer plain http with a redirect to https.",
    )


def strict_transport(subject: Subject) -> Finding:
    said = subject.live.ask("/auth/login").get("Strict-Transport-Security") or ""
    age = next((part.partition("=")[2] for part in said.replace(" ", "").split(";") if "max-age=" in part.lower()), "")
    if not age.strip('"').isdecimal() or int(age.strip('"')) < _HSTS_S:
        return failed(
            f"Strict-Transport-Security is {said or 'not sent'}: browsers go on to try plain http.",
            "Let the proxy leave the header as Gatehouse sends it.",
        )
    return ok(f"Strict-Transport-Security: {said}")


def _connected(site: Site) -> socket.socket:
    return socket.create_connection((site.host, site.port), timeout=TIMEOUT_S)


def _wrapped(opened: socket.socket, site: Site) -> ssl.SSLSocket:
    return trusted_authorities().wrap_socket(opened, server_hostname=site.host)


def _old_greeting(host: str) -> bytes:
    """Return a ClientHello of TLS 1.1 (RFC 4346 section 7.4.1.2): our own library no longer speaks it."""
    name = host.encode("idna")
    extensions = b"".join(
        struct.pack("!HH", kind, len(content)) + content
        for kind, content in (
            (0, struct.pack("!HBH", len(name) + 3, 0, len(name)) + name),
            (10, struct.pack("!HHH", 4, 0x0017, 0x0018)),
            (11, b"\x01\x00"),
        )
    )
    suites = b"".join(struct.pack("!H", suite) for suite in _SUITES)
    hello = b"\x03\x02" + token_bytes(32) + b"\x00" + struct.pack("!H", len(suites)) + suites + b"\x01\x00"
    hello += struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + len(hello).to_bytes(3, "big") + hello
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


CHECKS = (
    Check("tls_certificate", "The certificate is believed, and for long enough", Item.HTTPS, certificate),
    Check("tls_version", "Nothing older than TLS 1.2 is spoken", Item.HTTPS, version),
    Check("https_redirect", "Plain http leads to https", Item.HTTPS, redirect),
    Check("hsts", "Browsers never try plain http again", Item.HTTPS, strict_transport),
)

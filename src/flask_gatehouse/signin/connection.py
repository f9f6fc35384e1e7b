"""Connections that can be cut from outside, so that no peer keeps a thread busy by dripping bytes."""

import contextlib
import functools
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection

# Seconds for the connection and for each pause between bytes.
CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 5.0


class SocketHolder(threading.Thread):
    """A thread that knows the socket it waits for."""

    _socket: socket.socket | None = None
    _abandoned = False

    def hold(self, opened: socket.socket) -> None:
        """Take note of a connection; it is cut at once if nobody waits any more."""
        self._socket = opened
        if self._abandoned:
            self.abandon()

    def abandon(self) -> None:
        """Cut the connection, which ends whatever the thread is waiting for."""
        self._abandoned = True
        if self._socket is not None:
            # It may be closed already, which is what is wanted.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _hold(opened: socket.socket) -> None:
    thread = threading.current_thread()
    if isinstance(thread, SocketHolder):
        thread.hold(opened)


class _HeldConnection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _hold(self.sock)


class _HeldSecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _hold(self.sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _HeldConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _HeldSecureConnection


class DirectAdapter(BaseAdapter):
    """The network itself. Used for one call each: a connection is never shared between sign-ins.

    What a session of requests keeps, its pools for each host, its proxies and its cookies, would be made for each call.
    """

    def send(  # type: ignore[override] # without a deadline nobody asks
        self,
        request: PreparedRequest,
        stream: bool = False,
        *,
        timeout: tuple[float, float],
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the answer, of which nothing but the headers has been read.

        :param timeout: seconds for the connection, and for each pause between bytes.
        :param stream: like all that is not named here, without meaning: a certificate is demanded always.
        :raises urllib3.exceptions.HTTPError: if there is none.
        """
        connect, read = timeout
        response = Response()
        response.raw = _pool_to(urlsplit(request.url or "")).urlopen(
            request.method or "GET",
            request.path_url,
            body=request.body,
            headers=request.headers,
            # A redirect would lead to an address that nobody has looked at, and a code is not sent twice.
            redirect=False,
            retries=False,
            timeout=Timeout(connect=connect, read=read),
            preload_content=False,
            decode_content=False,
        )
        response.status_code, response.headers = response.raw.status, CaseInsensitiveDict(response.raw.headers)
        return response

    def close(self) -> None:
        """Nothing is left open: each answer closes its own connection."""


def _pool_to(address: SplitResult) -> HTTPConnectionPool:
    host = address.hostname or ""
    if address.scheme == "http":
        return _Pool(host, address.port)
    return _SecurePool(host, address.port, ssl_context=trusted_authorities(), cert_reqs="CERT_REQUIRED")


@functools.cache
def trusted_authorities() -> ssl.SSLContext:
    """Return who vouches for a provider, read once: the public authorities, and those of the machine.

    The machine's are for a provider within a company, whose authority is nobody else's. ``SSL_CERT_FILE`` and
    ``SSL_CERT_DIR`` name them as they do for every program that uses OpenSSL.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context

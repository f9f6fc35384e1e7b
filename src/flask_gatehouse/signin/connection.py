"""Connections that can be cut from outside, so that no peer keeps a thread busy by dripping bytes."""

import contextlib
import functools
import socket
import ssl
import threading
from typing import Any

import certifi
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
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


class DirectAdapter(HTTPAdapter):
    """The network itself. Used for one call each: a connection is never shared between sign-ins."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=trusted_authorities(), **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Demand a certificate, and read no file for it: that would cost more than the rest of a call."""
        conn.cert_reqs = "CERT_REQUIRED"


@functools.cache
def trusted_authorities() -> ssl.SSLContext:
    """Return who vouches for a provider, read once: the public authorities, and those of the machine.

    The machine's are for a provider within a company, whose authority is nobody else's. ``SSL_CERT_FILE`` and
    ``SSL_CERT_DIR`` name them as they do for every program that uses OpenSSL.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context

"""A connection to a provider, for one call and no longer than its deadline.

Each wait for a socket is given what is left of the whole, so that no peer keeps a thread busy by dripping bytes.
"""

import contextlib
import functools
import io
import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import certifi

from .call import Answer, Call
from .deadline import Deadline
from .names import Address, Names

# Seconds for the connection, for the handshake of TLS, and for each pause between bytes.
CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 5.0
# So many answers for information are passed over: a peer that sends nothing else keeps a thread busy.
MOST_INFORMATIONAL = 20


class Bounded(io.RawIOBase):
    """What ``http.client`` takes for a socket: one that waits for no longer than the call may take."""

    def __init__(self, opened: socket.socket, deadline: Deadline) -> None:
        self._socket, self._deadline = opened, deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(self._deadline.left(READ_TIMEOUT))
        return self._socket.recv_into(buffer)

    def sendall(self, data: bytes) -> None:
        # Not the socket's own, which with TLS waits as long for each piece as for the first.
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(self._deadline.left(READ_TIMEOUT))
            rest = rest[self._socket.send(rest) :]

    def close(self) -> None:
        """Leave the socket to whoever has opened it: the headers are read before the body is."""


def exchange(call: Call, limit: int, names: Names, deadline: Deadline) -> Answer:
    """Ask over the network: no proxies or credentials from the environment, no redirects, no second try.

    :param limit: bytes that the body may have; one that is longer is not read to its end.
    :raises OSError: if no answer comes, among them ``TimeoutError``.
    :raises http.client.HTTPException: if what comes is not HTTP, or was cut off.
    :raises ValueError: for an address or a header that cannot be sent.
    """
    address = urlsplit(call.url)
    with _connected(address, names, deadline) as opened:
        # With its port: without one, it would look for a port in the last part of an IPv6 address.
        connection = HTTPConnection(address.hostname or "", _port(address))
        connection.sock = cast("socket.socket", Bounded(opened, deadline))
        target = f"{address.path or '/'}{'?' if address.query else ''}{address.query}"
        connection.request(call.method, target, call.body, {"Host": address.netloc, **call.headers})
        response = _final_answer(connection)
        # One byte more shows that it is longer.
        body = response.read(limit + 1)
        if response.length and len(body) <= limit:
            # Half of an answer may look whole.
            raise IncompleteRead(body, response.length)
        return Answer(response.status, response.headers.items(), body)


def _final_answer(connection: HTTPConnection) -> HTTPResponse:
    """Return what a peer answers, past what it says before that for information (RFC 9110 section 15.2).

    A change of the protocol (101) is final: nobody has asked for one, and what follows it is no HTTP.
    """
    response, passed = connection.getresponse(), 0
    while 100 <= response.status < 200 and response.status != HTTPStatus.SWITCHING_PROTOCOLS:
        passed += 1
        if passed > MOST_INFORMATIONAL:
            raise HTTPException(f"more than {MOST_INFORMATIONAL} answers for information")
        # It passes over 100 by itself, and over no other. Without headers it has not begun, and reads on where it is.
        response.headers = None  # type: ignore[assignment]
        response.begin()
    return response


@contextlib.contextmanager
def _connected(address: SplitResult, names: Names, deadline: Deadline) -> Iterator[socket.socket]:
    """Yield a connection to the first address of a host that takes one."""
    host, failure = address.hostname or "", OSError("the name has no address")
    for found in names.addresses(host, _port(address), deadline):
        try:
            connected = _connect(found, deadline)
        except OSError as error:
            failure = error
            continue
        with connected as opened:
            if address.scheme == "http":
                yield opened
                return
            # One timeout bounds a whole handshake, also where it comes in pieces.
            opened.settimeout(deadline.left(CONNECT_TIMEOUT))
            with trusted_authorities().wrap_socket(opened, server_hostname=host) as secured:
                yield secured
            return
    raise failure


def _port(address: SplitResult) -> int:
    return address.port or (80 if address.scheme == "http" else 443)


def _connect(found: Address, deadline: Deadline) -> socket.socket:
    family, kind, protocol, _, place = found
    with contextlib.ExitStack() as unless_connected:
        opened = unless_connected.enter_context(socket.socket(family, kind, protocol))
        opened.settimeout(deadline.left(CONNECT_TIMEOUT))
        opened.connect(place)
        # What is sent is a whole question, and need not wait for more.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        unless_connected.pop_all()
    return opened


@functools.cache
def trusted_authorities() -> ssl.SSLContext:
    """Return who vouches for a provider, read once: the public authorities, and those of the machine.

    The machine's are for a provider within a company, whose authority is nobody else's. ``SSL_CERT_FILE`` and
    ``SSL_CERT_DIR`` name them as they do for every program that uses OpenSSL. A certificate is demanded, and for
    the name that was asked: without that, whoever sits on the line is the provider.
    """
    return make_trusting_context()


def make_trusting_context() -> ssl.SSLContext:
    """Return a new context that believes ``trusted_authorities``, for whoever would change the one that all share."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    context.set_alpn_protocols(["http/1.1"])
    return context

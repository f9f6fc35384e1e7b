"""A little proxy with TLS in front of a real server, which spoils what it is told to spoil."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.deployment.certificates import Certificates

_OWN = {"transfer-encoding", "content-length", "connection"}


@dataclass(slots=True)
class Passing:
    """A request or an answer on its way."""

    headers: list[tuple[str, str]]
    path: str = ""
    status: int = 0
    body: bytes = b""

    def get(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    def drop(self, name: str) -> None:
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()]

    def put(self, name: str, value: str) -> None:
        self.drop(name)
        self.headers.append((name, value))

    def replace(self, name: str, old: str, new: str) -> None:
        self.headers = [
            (known, value.replace(old, new) if known.lower() == name.lower() else value)
            for known, value in self.headers
        ]


def _nothing(passing: Passing) -> None:
    """Leave it as it is."""


@dataclass(slots=True)
class Front:
    """Where people reach what is behind.

    :ivar behind: address of the server.
    """

    url: str = ""
    behind: str = ""
    on_request: Callable[[Passing], None] = field(default=_nothing)
    on_answer: Callable[[Passing], None] = field(default=_nothing)

    def mend(self) -> None:
        self.on_request = self.on_answer = _nothing


@contextmanager
def running_front(certificates: Certificates | None) -> Iterator[Front]:
    """Serve on a free port; without certificates over plain http."""
    front = Front()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Passing(list(self.headers.items()), self.path, body=body)
            request.put("X-Forwarded-For", "127.0.0.1")
            request.put("X-Forwarded-Proto", "https")
            front.on_request(request)
            parts = urlsplit(front.behind)
            connection = HTTPConnection(parts.hostname or "", parts.port, timeout=120)
            connection.putrequest(self.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                connection.putheader(name, value)
            connection.endheaders(request.body)
            came = connection.getresponse()
            said = Passing(came.getheaders(), request.path, came.status, came.read())
            connection.close()
            front.on_answer(said)
            self.send_response_only(said.status)
            for name, value in said.headers:
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            self.wfile.write(said.body)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def log_message(self, format: str, *values: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, address: object) -> None:
            """Say nothing of who hangs up, or greets in an old tongue."""

    server = Server(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.chain, certificates.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https"
    front.url = f"{scheme}://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield front
    server.shutdown()
    server.server_close()

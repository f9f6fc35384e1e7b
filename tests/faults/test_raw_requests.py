"""Requests that no browser sends: each is refused or cut off, and whoever else is there notices nothing."""

import socket
from collections.abc import Callable, Iterator

import pytest

from tests.nodes.people import Browser, new_address
from tests.nodes.sites import Site, running_site
from tests.processes import Node

from .report import Shows

Open = Callable[[Node], Browser]
POST = b"POST /auth/logout HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /dashboard HTTP/1.1\r\nHost: localhost\r\n"
# Bad, too long an address, too long a header, an encoding that is unknown.
REFUSED = {400, 414, 431, 501}
REQUESTS = {
    "a header of 64 kB": GET + b"X-Long: " + b"x" * 65536 + b"\r\n\r\n",
    "ten thousand headers": GET + b"X-Many: x\r\n" * 10_000 + b"\r\n",
    "an address of 64 kB": b"GET /" + b"x" * 65536 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + GET + b"\r\n",
    "a length that is none": POST + b"Content-Length: -1\r\n\r\n",
    "a length and pieces": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET + b"\r\n",
    "an unknown encoding": POST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "a space before the colon": GET + b"Cookie : gatehouse=x\r\n\r\n",
    "a header with a NUL": GET + b"Cookie: gatehouse=\x00\r\n\r\n",
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 64 + b"\r\n\r\n",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url = f"sqlite:///{tmp_path_factory.mktemp('raw') / 'gatehouse.db'}"
    with running_site(url, servers=("gunicorn",)) as site:
        assert site.command("db", "upgrade").returncode == 0
        yield site


def statuses(node: Node, request: bytes) -> list[int]:
    """Return with which statuses a request was answered; two would be two requests to somebody behind a proxy."""
    with socket.create_connection(("127.0.0.1", int(node.base_url.rpartition(":")[2])), timeout=60) as line:
        answer = b""
        try:
            line.sendall(request)
            line.shutdown(socket.SHUT_WR)
            while piece := line.recv(65536):
                answer += piece
        except ConnectionError:
            # Cut off before all of it was taken, perhaps with an answer that is lost on the way.
            pass
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_what_no_browser_sends(site: Site, open_browser: Open, shows: Shows) -> None:
    person = open_browser(site.node)
    assert person.sign_in(new_address()).status_code == 302
    mark = site.last_event()
    found = {what: statuses(site.node, request) for what, request in REQUESTS.items()}
    assert {what: seen for what, seen in found.items() if not set(seen) <= REFUSED} == {}
    assert max(len(seen) for seen in found.values()) == 1, found
    assert person.is_signed_in()
    assert person.get("/healthz").status_code == 200
    assert site.events(mark) == []
    assert "Traceback" not in site.node.log
    shows("requests that no browser sends", f"{len(REQUESTS)} kinds are refused or cut off, others notice nothing")

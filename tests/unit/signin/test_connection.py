"""What goes over a connection to a provider, and what comes. How peers fail is in ``tests/conformance``."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead

import pytest

from flask_gatehouse.signin.call import Call
from flask_gatehouse.signin.connection import MOST_INFORMATIONAL, exchange
from flask_gatehouse.signin.deadline import Deadline
from flask_gatehouse.signin.names import Names

CALL = Call("POST", "/token?tenant=a%20b", {"Accept-Encoding": "identity"}, b"code=a")


class Peer:
    """Answers one connection with bytes as they are, and remembers what it was sent."""

    def __init__(self, server: socket.socket, *pieces: bytes) -> None:
        self.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        self.seen = b""
        self._server, self._pieces = server, pieces

    def serve(self) -> None:
        with contextlib.suppress(OSError), self._server.accept()[0] as opened:
            while not self.seen.endswith(CALL.body or b""):
                self.seen += opened.recv(65536)
            for piece in self._pieces:
                opened.sendall(piece)
                time.sleep(0.01)


@contextlib.contextmanager
def answering(*pieces: bytes) -> Iterator[Peer]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        peer = Peer(server, *pieces)
        thread = threading.Thread(target=peer.serve, daemon=True)
        thread.start()
        yield peer
        thread.join(30)
        assert not thread.is_alive()


def asked(peer: Peer, limit: int = 100, seconds: float = 30.0) -> tuple[int, bytes, str]:
    call = Call(CALL.method, f"{peer.url}{CALL.url}", CALL.headers, CALL.body)
    answer = exchange(call, limit, Names(1), Deadline(seconds))
    return answer.status, answer.body, answer.header("x-twice")


def test_a_question_is_sent_as_it_is() -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n", b"{", b"}") as peer:
        assert asked(peer) == (200, b"{}", "1, 2")
    lines = peer.seen.decode().split("\r\n")
    assert lines[0] == "POST /token?tenant=a%20b HTTP/1.1"
    assert sorted(lines[1:4]) == ["Accept-Encoding: identity", "Content-Length: 6", f"Host: {peer.url[7:]}"]
    assert lines[4:] == ["", "code=a"]


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n{}"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"{", b"}"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{} and what nobody has promised",),
    ],
    ids=["chunks", "continue", "early hints", "until the end", "more than promised"],
)
def test_answers_come_in_every_form_of_http(pieces: tuple[bytes, ...]) -> None:
    with answering(*pieces) as peer:
        assert asked(peer) == (200, b"{}", "")


HINTS = b"HTTP/1.1 103 Early Hints\r\n\r\n"


def test_as_many_answers_for_information_are_passed_over_as_anybody_sends_and_no_more() -> None:
    with answering(HINTS * MOST_INFORMATIONAL + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as peer:
        assert asked(peer) == (200, b"{}", "")
    with answering(HINTS * (MOST_INFORMATIONAL + 1)) as peer, pytest.raises(HTTPException, match="for information"):
        asked(peer)


def test_a_peer_that_only_informs_keeps_nobody_beyond_the_deadline() -> None:
    with answering(HINTS, *[b"H"] * 3000) as peer, pytest.raises(TimeoutError):
        asked(peer, seconds=0.2)


def test_a_change_of_the_protocol_is_an_answer() -> None:
    with answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n{}") as peer:
        assert asked(peer) == (101, b"", "")


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",),
    ],
    ids=["half a body", "no body", "no last chunk"],
)
def test_half_an_answer_is_none(pieces: tuple[bytes, ...]) -> None:
    with answering(*pieces) as peer, pytest.raises(IncompleteRead):
        asked(peer)


def test_an_answer_is_read_no_further_than_one_byte_beyond_its_limit() -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"x" * 999) as peer:
        assert asked(peer, limit=10)[1] == b"x" * 11


def test_pieces_that_keep_coming_do_not_prolong_a_call() -> None:
    drip = [b"HTTP/1.1 200 OK\r\nX-Drip: ", *[b"x"] * 3000]
    with answering(*drip) as peer:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            asked(peer, seconds=0.2)
        assert time.monotonic() - began < 20


def test_the_next_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as peer:
        places = [("127.0.0.1", port) for port in (closed_port, int(peer.url.rpartition(":")[2]))]
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", at) for at in places]
        )
        assert asked(peer)[0] == 200


def test_an_address_of_letters_and_one_that_this_machine_does_not_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as peer:
        families = (socket.AF_APPLETALK, socket.AF_INET)
        place = ("127.0.0.1", int(peer.url.rpartition(":")[2]))
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda *_, **__: [(family, socket.SOCK_STREAM, 6, "", place) for family in families]
        )
        peer.url = "http://[2001:db8::abcd]"
        assert asked(peer)[0] == 200
    assert b"Host: [2001:db8::abcd]\r\n" in peer.seen


@pytest.mark.parametrize(
    "call",
    [
        Call("GET", "http://127.0.0.1/two words", {}),
        Call("GET", "http://127.0.0.1/", {"Accept": "a\r\nHost: b"}),
        Call("GET", "http://127.0.0.1:99999/", {}),
    ],
    ids=["address", "header", "port"],
)
def test_what_would_be_two_questions_is_not_sent(monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: None)
    monkeypatch.setattr(socket.socket, "send", lambda *_: pytest.fail("something was sent"))
    with pytest.raises((HTTPException, ValueError)):
        exchange(call, 100, Names(1), Deadline(30))

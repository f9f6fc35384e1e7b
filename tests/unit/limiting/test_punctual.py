"""Whichever way the client of Redis reads, it reads no longer than whoever asks has time."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from flask_gatehouse.limiting.punctual import punctual, within


def _by_itself(connection: Any) -> None:
    connection.recv(10)


def _by_hiredis(connection: Any) -> None:
    connection.recv_into(bytearray(10))


class Paired:
    """A connection to somebody who says nothing, which its own limit would let wait for an hour."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair()
        self.here.settimeout(3600)

    def _connect(self) -> socket.socket:
        return self.here


@pytest.mark.timeout(120)
@pytest.mark.parametrize("read", [_by_itself, _by_hiredis])
def test_a_read_ends_with_the_time_of_whoever_asks(read: Callable[[Any], None]) -> None:
    pair = punctual(Paired)()
    connection = pair._connect()
    with within(0.2), pytest.raises(TimeoutError):
        read(connection)
    assert pair.here.gettimeout() == 3600
    pair.there.sendall(b"late")
    read(connection)
    pair.here.close()
    pair.there.close()

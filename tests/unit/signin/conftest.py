"""Fixtures for the tests of signing in."""

import socket

import pytest


@pytest.fixture
def closed_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number

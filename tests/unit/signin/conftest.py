"""Fixtures for the tests of signing in."""

import pytest

from tests.ports import free_port


@pytest.fixture
def closed_port() -> int:
    """Return a port of this machine at which nobody listens."""
    return free_port()

"""What holds for every host of these tests."""

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def outside_of_any_event_loop() -> Iterator[None]:
    """Run each test as a server would: a browser of an earlier test leaves its event loop running in this thread."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)

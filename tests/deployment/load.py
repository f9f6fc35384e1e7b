"""People who click on and on, and what they were answered."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

# Seconds: what waits here is no part of what is shown, and the machine may be busy.
PATIENCE_S = 120.0


@dataclass(slots=True)
class Load:
    """What happened to the requests of several people.

    :ivar answered: how many were answered as they should be.
    :ivar failed: what was answered instead.
    """

    answered: int = 0
    failed: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def click(self, browser: requests.Session, base_url: str) -> None:
        """Look at the dashboard, and stay signed in by a POST, in turn; on a new connection each time."""
        page = browser.get(f"{base_url}/dashboard", timeout=PATIENCE_S)
        found = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
        assert found is not None, page.text
        browser.headers["X-CSRFToken"] = found[1]
        turn = 0
        while not self._stop.is_set():
            turn += 1
            try:
                if turn % 3:
                    answer = browser.get(f"{base_url}/dashboard", allow_redirects=False, timeout=PATIENCE_S)
                else:
                    answer = browser.post(f"{base_url}/auth/session", allow_redirects=False, timeout=PATIENCE_S)
            except requests.RequestException as error:
                self.failed.append(str(error))
                continue
            if answer.status_code == 200:
                self.answered += 1
            else:
                self.failed.append(f"{answer.status_code} {answer.text[:200]}")


def until(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Wait for something that happens under load."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def under_load(browsers: list[requests.Session], base_url: str) -> Iterator[Load]:
    """Let each of these click on until the block ends."""
    load = Load()
    threads = [threading.Thread(target=load.click, args=(browser, base_url)) for browser in browsers]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load._stop.set()
        for thread in threads:
            thread.join()

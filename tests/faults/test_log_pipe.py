"""A log that nobody takes any more: pages go on, and afterwards it says how many of its lines are lost."""

import fcntl
import json
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import pytest

from flask_gatehouse.web.log_queue import MOST_LINES
from tests.processes import Node, running_gatehouse

from .report import Shows

CONFIGURATION = Path(__file__).parents[2] / "deploy/gunicorn.conf.py"
TOKEN = secrets.token_urlsafe(24)
THREADS = 8
PATIENCE_S = 120.0


class Collector:
    """Whoever reads the log, and may hang."""

    def __init__(self) -> None:
        self._end, self.pipe = os.pipe()
        # As small as the system has them, so that it is full soon.
        fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, 4096)
        self._taking, self._read = threading.Event(), bytearray()
        self._taking.set()
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def hang(self) -> None:
        self._taking.clear()

    def go_on(self) -> None:
        self._taking.set()

    def lines(self) -> list[str]:
        return bytes(self._read).decode().splitlines()

    def entries(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines() if line.startswith("{") and line.endswith("}")]

    def close(self) -> None:
        os.close(self.pipe)
        self.go_on()
        self._thread.join(PATIENCE_S)
        os.close(self._end)

    def _take(self) -> None:
        while self._taking.wait() and (piece := os.read(self._end, 4096)):
            self._read += piece


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(params=["", " --preload"], ids=["each-process", "preloaded"])
def node(request: pytest.FixtureRequest, sqlite_url: str, collector: Collector) -> Iterator[Node]:
    environment = {
        "GATEHOUSE_ENV": "production",
        "GATEHOUSE_BASE_URL": "https://gate.example.com",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "DATABASE_URL": sqlite_url,
        "GATEHOUSE_METRICS_TOKEN": TOKEN,
        "GUNICORN_CMD_ARGS": f"--config {CONFIGURATION}{request.param}",
    }
    with running_gatehouse(environment, server="gunicorn", threads=THREADS, pipe=collector.pipe) as node:
        yield node
        # So that it can end, whatever a test has found.
        collector.go_on()


def ask(node: Node, path: str, times: int = 1, **headers: str) -> str:
    """Ask for a page as often over one connection, and return the last one. It waits for no log."""
    parts = urlsplit(node.base_url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    try:
        for _ in range(times):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
    finally:
        connection.close()
    return text


def until(found: object) -> None:
    deadline = monotonic() + PATIENCE_S
    while not found():  # type: ignore[operator]
        assert monotonic() < deadline
        sleep(0.05)


def requests_of(entries: list[dict[str, object]]) -> int:
    return sum(entry["logger"] == "flask_gatehouse.requests" for entry in entries)


def test_pages_answer_while_nobody_takes_the_log_and_it_says_what_is_lost(
    node: Node, collector: Collector, shows: Shows
) -> None:
    collector.hang()
    asked = MOST_LINES + 200
    ask(node, "/auth/session", asked)
    # What gunicorn itself says of each, in a thread that answers.
    for _ in range(3 * THREADS):
        ask(node, "/healthz", X_Forwarded_For="refused")
    assert "ok" in ask(node, "/healthz")
    samples = ask(node, "/metrics", Authorization=f"Bearer {TOKEN}").splitlines()
    (lost,) = [int(float(line.split()[1])) for line in samples if line.startswith("gatehouse_log_lines_lost_total")]
    assert 0 < lost <= 200

    collector.go_on()
    until(lambda: requests_of(collector.entries()) >= asked - lost)
    ask(node, "/auth/session")
    until(lambda: any("are lost" in str(entry["message"]) for entry in collector.entries()))
    until(lambda: requests_of(collector.entries()) == asked - lost + 1)
    (told,) = [entry for entry in collector.entries() if "are lost" in str(entry["message"])]
    assert told["message"] == f"{lost} lines of the log are lost: nobody took them in time"
    until(lambda: sum("Invalid" in line for line in collector.lines()) >= 3 * THREADS)
    shows("nobody takes the log", "pages answer, and a later line says how many lines are lost")


def test_a_node_ends_while_nobody_takes_the_log(node: Node, collector: Collector) -> None:
    collector.hang()
    ask(node, "/auth/session", 100)
    node.process.send_signal(signal.SIGTERM)
    assert node.process.wait(PATIENCE_S) == 0


def test_what_was_said_last_is_written_before_a_node_ends(node: Node, collector: Collector) -> None:
    collector.hang()
    ask(node, "/auth/session", 100)
    threading.Timer(0.5, collector.go_on).start()
    node.process.send_signal(signal.SIGTERM)
    assert node.process.wait(PATIENCE_S) == 0
    # What it has written stands in the pipe until it is taken.
    until(lambda: "Shutting down: Master" in collector.lines()[-1])
    assert requests_of(collector.entries()) == 100

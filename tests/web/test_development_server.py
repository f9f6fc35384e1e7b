"""``gatehouse run``: one line with the address, and an end that is clean."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port

PATIENCE_S = 120
# A program of a developer's, with a worker that says how it ends.
PROGRAM = """
from pathlib import Path
from flask_gatehouse.app import create_app
from flask_gatehouse.dev.server import serve

def work(stop):
    Path("begun").touch()
    stop.wait()
    Path("ended").touch()

serve(create_app(), work)
"""


@contextmanager
def running(port: int) -> Iterator[subprocess.Popen[str]]:
    environment = {"PATH": os.environ["PATH"], "GATEHOUSE_ENV": "development", "PORT": str(port)}
    environment |= {"PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(path: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not Path(path).exists():
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_one_line_answers_on_one_address_and_ends_cleanly(number: signal.Signals) -> None:
    port = free_port()
    with running(port) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == f"Gatehouse is running on http://localhost:{port} — press Ctrl+C to stop.\n"
        wait_for("begun")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE_S) as answer:
            assert answer.status == 200
        # Another address of this machine, as the one is at which other machines would find it.
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port)):
            pass
        process.send_signal(number)
        out, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, errors) == (0, "", "")
    assert Path("ended").exists()


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(port) as process:
            out, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert out == ""
    assert errors == (
        f"Port {port} is in use by another program. Stop what uses it, or choose another one: PORT={port + 1}\n"
    )
    assert not Path("begun").exists()

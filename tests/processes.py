"""Whole nodes, as an operator starts them: a process of its own, a socket, a working directory."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.ports import free_port
from tests.services import ending_with_us

PATIENCE_S = 120.0
PROGRAMS = Path(sys.executable).parent
# All people of a test come from one network, and many of them are refused.
MANY = {
    "GATEHOUSE_RATE_LIMIT": "1000000 per minute",
    "GATEHOUSE_RATE_LIMIT_SIGN_IN": "1000000 per minute",
    "GATEHOUSE_REFUSAL_LIMIT": "1000 per minute",
}


@dataclass(frozen=True, slots=True)
class Node:
    """One running server.

    :param directory: where it was started: ``instance/`` and its database are in it unless told otherwise.
    """

    base_url: str
    process: subprocess.Popen[bytes]
    log_path: Path
    directory: Path

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def kill(self) -> None:
        """End all its processes at once, as a power cut would."""
        _signal(self.process, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running_gatehouse(
    env: Mapping[str, str] | None = None,
    *,
    server: Literal["run", "gunicorn"] = "run",
    application: str = "flask_gatehouse.wsgi:app",
    host: Path | None = None,
    workers: int = 1,
    threads: int = 4,
    interface: str = "127.0.0.1",
    port: int | None = None,
    directory: Path | None = None,
    pipe: int | None = None,
) -> Iterator[Node]:
    """Start ``gatehouse run`` or gunicorn, wait until ``/healthz`` answers, and end it at once with the block.

    A test of how it ends asks it to end by itself. The node sees nothing of our own environment but ``env``, over
    ``GATEHOUSE_ENV=development`` and ``PORT``.

    :param application: what gunicorn serves; ``gatehouse run`` serves itself.
    :param host: the file of a host application, for ``flask gatehouse run``; Gatehouse is below ``/gate`` there.
    :param interface: the address at which gunicorn listens, as it stands in a URL.
    :param port: a free one unless told otherwise.
    :param directory: its working directory, kept afterwards; a temporary one unless told otherwise. Nodes that
        share one share their development key, and the SQLite file in it.
    :param pipe: the end of one into which it says what it says, instead of a file.
    :raises RuntimeError: with the end of its log, if it ends or does not answer within two minutes.
    """
    with tempfile.TemporaryDirectory(prefix="gatehouse-node-") as temporary:
        place = directory or Path(temporary)
        number = port or free_port()
        log_path = Path(temporary) / "node.log"
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment |= {"GATEHOUSE_ENV": "development", "PORT": str(number), "PYTHONUNBUFFERED": "1"}
        environment |= MANY | dict(env or {})
        with log_path.open("wb") as output:
            process = subprocess.Popen(
                ending_with_us(
                    _command(server, application, workers, threads, f"{interface}:{number}", host), signal.SIGTERM
                ),
                env=environment,
                cwd=place,
                stdout=output if pipe is None else pipe,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        node = Node(f"http://localhost:{number}", process, log_path, place)
        try:
            _wait_until_it_answers(node, "/gate/healthz" if host else "/healthz")
            yield node
        finally:
            node.kill()


def _command(
    server: str, application: str, workers: int, threads: int, address: str, host: Path | None
) -> tuple[str, ...]:
    if host:
        return (str(PROGRAMS / "flask"), "--app", str(host), "gatehouse", "run")
    if server == "run":
        return (str(PROGRAMS / "gatehouse"), "run")
    options = ("--no-control-socket", "--worker-class", "gthread", "--threads", str(threads), "--workers", str(workers))
    return (str(PROGRAMS / "gunicorn"), application, *options, "--bind", address)


def _wait_until_it_answers(node: Node, path: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(f"{node.base_url}{path}", timeout=2):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            ended = node.process.poll()
            if ended is None and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            state = "does not answer" if ended is None else f"ended with {ended}"
            raise RuntimeError(f"the node {state} ({error}); its log:\n{node.log[-4000:]}") from None


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return

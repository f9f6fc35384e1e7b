"""What systemd does with our units: it holds a node's socket while the node comes and goes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from tests.processes import PROGRAMS
from tests.services import ending_with_us

CONFIGURATION = Path(__file__).parent.parent.parent / "deploy/gunicorn.conf.py"
PATIENCE_S = 120.0
# sd_listen_fds(3): descriptor 3, and the number of the process that it is meant for.
_ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Unit:
    """One node below a socket that outlives it.

    :ivar path: of the socket.
    """

    def __init__(
        self,
        path: Path,
        environment: Mapping[str, str],
        folder: Path,
        source: Path | None = None,
        *,
        held: bool = True,
    ) -> None:
        """Hold the socket; nobody answers yet.

        :param source: of another release's package, instead of the one that is installed.
        :param held: False for a node that opens its own address, and takes it along when it stops: a container.
        """
        self.path, self._folder = path, folder
        self._environment = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **environment}
        self.become(source)
        self._socket: socket.socket | None = None
        if held:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.bind(str(path))
            # Whoever runs nginx has to be let in, as SocketUser= says.
            path.chmod(0o666)
            self._socket.listen(2048)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self._folder / f"{self.path.stem}.log").read_text(errors="replace")

    def become(self, source: Path | None) -> None:
        """Be of another release from the next start on; of this one, if it is None."""
        self._environment.pop("PYTHONPATH", None)
        if source is not None:
            self._environment["PYTHONPATH"] = str(source)

    def start(self) -> None:
        """Start the node and wait until it answers.

        :raises RuntimeError: with the end of its log, if it does not.
        """
        program: tuple[str | Path, ...] = (PROGRAMS / "gunicorn", "--config", CONFIGURATION, "flask_gatehouse.wsgi:app")
        if self._socket is None:
            command = ending_with_us((*program, "--bind", f"unix:{self.path}"), signal.SIGTERM)
        else:
            program = ending_with_us(program, signal.SIGTERM)
            command = (sys.executable, "-c", _ACTIVATE, str(self._socket.fileno()), *program)
        with (self._folder / f"{self.path.stem}.log").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=self._environment,
                cwd=self._folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=() if self._socket is None else (self._socket.fileno(),),
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if self.status("/healthz") == 200:
                    return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"node {self.path.stem} does not answer:\n{self.log[-4000:]}") from None
                time.sleep(0.02)

    def status(self, path: str, headers: Mapping[str, str] | None = None) -> int:
        """Ask this very node, past the proxy, as the proxy would."""
        connection = _Local("localhost", timeout=PATIENCE_S)
        connection.at = self.path
        try:
            connection.request("GET", path, headers={"X-Forwarded-Proto": "https", **(headers or {})})
            return connection.getresponse().status
        finally:
            connection.close()

    def stop(self) -> int:
        """Stop the node as ``systemctl stop`` does, and return how it ended."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE_S)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._socket is not None:
            self._socket.close()


class _Local(HTTPConnection):
    at: Path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.at))


@contextmanager
def running_worker(environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """Run ``gatehouse worker`` as its unit does."""
    with (folder / "worker.log").open("wb") as output:
        process = subprocess.Popen(
            ending_with_us((PROGRAMS / "gatehouse", "worker"), signal.SIGTERM),
            env={"PATH": os.environ["PATH"], **environment},
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)

"""``gatehouse …`` in a process of its own that need not load its program first, which takes most of what commands take.

One process has loaded everything and does nothing else; each command is a fork of it, with an environment, a working
directory, an output and an exit code of its own. What is tested about how a program starts starts a new one.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.prepared_process import LARGEST

_PROGRAM = Path(__file__).with_name("prepared_process.py")


def run_prepared(
    words: Sequence[str], environment: Mapping[str, str], directory: Path, *, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run ``gatehouse`` with these words, which sees nothing of our environment but this.

    :raises subprocess.TimeoutExpired: after so many seconds; then it is killed.
    """
    wanted = json.dumps({"words": words, "environment": dict(environment), "directory": str(directory)}).encode()
    assert len(wanted) <= LARGEST
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
        told, telling = socket.socketpair()
        with told:
            with telling:
                socket.send_fds(_line(), [wanted], [file.fileno() for file in (output, complaints, telling)])
            code = _exit_code(told, words, timeout)
        return subprocess.CompletedProcess(list(words), code, *(_text(file.fileno()) for file in (output, complaints)))


@cache
def _line() -> socket.socket:
    """Return the line to the process of this worker, which ends with it."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with there:
        process = subprocess.Popen(
            # Isolated, so that no module of the tests is taken for one of a library.
            (sys.executable, "-I", _PROGRAM, str(there.fileno())),
            env=own,
            stdin=subprocess.DEVNULL,
            pass_fds=[there.fileno()],
        )

    def end() -> None:
        here.close()
        process.wait()

    atexit.register(end)
    return here


def _exit_code(told: socket.socket, words: Sequence[str], timeout: float) -> int:
    told.settimeout(timeout)
    with told.makefile() as lines:
        pid = int(lines.readline())
        try:
            return int(lines.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(words), timeout) from None


def _text(descriptor: int) -> str:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()

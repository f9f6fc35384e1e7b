"""A reader of a tutorial, who types what stands there into an empty folder."""

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.docs.pages import blocks, write
from tests.ports import free_port
from tests.processes import PROGRAMS
from tests.services import ending_with_us

PATIENCE_S = 120
# The address that stands on the pages; a test has one of its own.
WRITTEN = "http://localhost:5000"
# What a run of the tests has done already: its own environment is the reader's.
_DONE = ("python3 -m venv", ". .venv/", "pip install")


class Reader:
    """Somebody at a terminal, and the server that she has started there.

    :param folder: where she types; empty at first.
    """

    def __init__(self, page: Path, folder: Path) -> None:
        self.page, self.folder, self.port = page, folder, free_port()
        self.address = f"http://localhost:{self.port}"
        self._server: list[str] = []
        self._exported: dict[str, str] = {}

    def type(self, section: str) -> str:
        """Do everything that a section says, but for starting its server; return what the commands have printed.

        :raises AssertionError: if a command fails, or there is nothing to type.
        """
        printed = []
        found = [block for block in blocks(self.page) if block.section == section]
        assert found, f"{self.page.name} has nothing to type under {section!r}"
        for block in found:
            if block.file:
                write(block, self.folder)
            elif block.language == "sh":
                printed += [self._enter(line) for line in block.text.splitlines()]
        return "".join(printed)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Have the server running that she was last told to start, and yield its address."""
        log = self.folder.parent / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ending_with_us(self._server, signal.SIGTERM),
                env=self._environment,
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait(process, log)
            yield self.address
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
        assert "Traceback" not in log.read_text(), log.read_text()

    def _wait(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), PATIENCE_S).close()
            except ConnectionError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            else:
                return

    def _enter(self, line: str) -> str:
        words = shlex.split(line)
        if line.startswith(_DONE):
            return ""
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self._exported[name] = value
            return ""
        if words[0] == "make":
            # What it comes down to once everything is installed; a test compares.
            words, self._exported["GATEHOUSE_ENV"] = ["gatehouse", words[1]], "development"
        words[0] = self._program(words[0])
        if words[-1] == "run":
            self._server = words
            return ""
        done = subprocess.run(
            words, env=self._environment, cwd=self.folder, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _program(self, name: str) -> str:
        own = PROGRAMS / name.rpartition("/")[2]
        return str(own) if own.exists() else name

    @property
    def _environment(self) -> Mapping[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        moved = {"PORT": str(self.port), "FLASK_RUN_PORT": str(self.port)}
        return kept | moved | {"PYTHONUNBUFFERED": "1"} | self._exported

"""The worker seals the trail though nobody takes its log, and ends when it is told to."""

import fcntl
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import sleep

import pytest

from flask_gatehouse.audit import record
from flask_gatehouse.db.database import Database
from flask_gatehouse.db.engine import make_engine
from flask_gatehouse.db.migrate import upgrade
from flask_gatehouse.kernel.context import SYSTEM
from flask_gatehouse.ops.worker import RECOVERY
from tests.processes import PROGRAMS
from tests.services import ending_with_us
from tests.trail import sealed

from .report import Shows
from .test_log_pipe import PATIENCE_S, Collector, until

COMPLAINT = "lacks tables"


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database without tables, of which the worker complains every five seconds."""
    path = tmp_path / "gatehouse.db"
    # It is there: without one the worker does not begin.
    path.touch()
    engine = make_engine(f"sqlite:///{path}")
    yield Database(lambda: engine)
    engine.dispose()


@pytest.fixture
def worker(database: Database, collector: Collector) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        "PATH": os.environ["PATH"],
        "GATEHOUSE_ENV": "production",
        "GATEHOUSE_BASE_URL": "https://gate.example.com",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
    }
    command = ending_with_us((PROGRAMS / "gatehouse", "worker"), signal.SIGTERM)
    with subprocess.Popen(command, env=environment, stdout=collector.pipe, stderr=collector.pipe) as process:
        yield process
        collector.go_on()
        process.kill()


def fill(collector: Collector) -> None:
    """Let nothing more pass: whoever writes now waits until somebody takes it."""
    collector.hang()
    # Opened anew, since what is set here would hold for the worker too.
    pipe = os.open(f"/proc/self/fd/{collector.pipe}", os.O_WRONLY | os.O_NONBLOCK)
    try:
        # Whoever reads may have begun to, and then takes one piece more.
        for _ in range(3):
            with suppress(BlockingIOError):
                while os.write(pipe, b"\n" * 512):
                    continue
            sleep(0.1)
        assert fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) == 4096
    finally:
        os.close(pipe)


def complaints(collector: Collector) -> int:
    return sum(COMPLAINT in line for line in collector.lines())


def test_the_worker_goes_on_while_nobody_takes_its_log(
    worker: subprocess.Popen[bytes], database: Database, collector: Collector, shows: Shows
) -> None:
    until(lambda: complaints(collector) > 0)
    fill(collector)
    before = complaints(collector)
    # So that it has complained once more meanwhile, which is when it would hang.
    sleep(RECOVERY + 1)
    upgrade(database.engine)
    with database.transaction() as db:
        record("something.happened", session=db, actor=SYSTEM)
    until(lambda: sealed(database))
    collector.go_on()
    until(lambda: complaints(collector) > before)
    fill(collector)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_S) == 0
    shows("nobody takes the worker's log", "it goes on sealing, says later what it had to say, and ends when told to")

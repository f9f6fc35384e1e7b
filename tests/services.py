"""A real PostgreSQL and a real Redis for one run of the tests, over unix sockets in a folder of their own.

Nothing listens on a TCP port and nothing is kept: two runs on one machine do not meet.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
import redis

from tools.provision import Requirement, find_postgresql, find_redis

PATIENCE_S = 120.0
# A crash of the machine may lose everything here; what is bought is speed.
POSTGRESQL_OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "Asia/Kathmandu",  # Code that forgets a zone must not pass by luck.
    "log_statement": "all",
    "log_line_prefix": "%a|",
    "log_destination": "stderr",
}


@dataclass(frozen=True, slots=True)
class Services:
    """Where the servers answer; None for one that this machine does not have.

    :param postgresql_log: what the server writes: each statement on a line that begins with ``application_name|``.
    """

    postgresql_url: str | None
    postgresql_log: Path | None
    redis_url: str | None

    def database_url(self, name: str) -> str:
        """Return the address of another database of the same server."""
        assert self.postgresql_url is not None
        return self.postgresql_url.replace("/postgres?", f"/{name}?")


def need(requirement: Requirement) -> NoReturn:
    """Skip the test and say what is missing; fail it where ``CI`` is set, since a skipped check proves nothing."""
    because = f"MISSING: {requirement.name}. Install it: {requirement.advice}"
    if os.environ.get("CI"):
        pytest.fail(because)
    pytest.skip(because)


@contextmanager
def running_services() -> Iterator[Services]:
    """Start what this machine has, and stop it when the block ends or this process dies."""
    # A socket's path holds at most 107 bytes, so the usual nested temporary folders are too deep.
    place = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - mkdtemp makes a private folder in it
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-", dir=place))
    folder.chmod(0o711)
    try:
        with ExitStack() as stack:
            postgresql, redis_server = find_postgresql(), find_redis()
            url = log = redis_url = None
            if postgresql is not None:
                log = folder / "postgresql.log"
                url = stack.enter_context(_postgresql(postgresql, folder / "pg", log))
            if redis_server is not None:
                redis_url = stack.enter_context(running_redis(redis_server, folder))
            yield Services(url, log, redis_url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _postgresql(programs: Path, folder: Path, log: Path) -> Iterator[str]:
    make_cluster(programs, folder)
    with serving_cluster(programs, folder, log):
        yield f"postgresql://gatehouse@/postgres?host={folder}"


def make_cluster(programs: Path, folder: Path) -> None:
    """Make the files of a PostgreSQL server in a new folder."""
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"
    initdb = (
        programs / "initdb",
        "-D",
        data,
        "-U",
        "gatehouse",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    )
    made = subprocess.run(
        _unprivileged(initdb, signal.SIGKILL), check=False, capture_output=True, text=True, cwd=folder
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")


@contextmanager
def serving_cluster(
    programs: Path, folder: Path, log: Path, *, stop: signal.Signals = signal.SIGINT, **options: str
) -> Iterator[None]:
    """Run the PostgreSQL server of a folder, again and again if need be.

    :param stop: how it ends. SIGINT asks PostgreSQL for a fast shutdown, which does not wait for clients; SIGQUIT for
        one without any order, after which it recovers.
    :param options: whatever is to be otherwise than in ``POSTGRESQL_OPTIONS``.
    """
    named = POSTGRESQL_OPTIONS | options
    settings = [word for name, value in named.items() for word in ("-c", f"{name}={value}")]
    command = (programs / "postgres", "-D", folder / "data", "-k", folder, *settings)

    def answers() -> bool:
        try:
            psycopg.connect(f"postgresql://gatehouse@/postgres?host={folder}", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    with _serving(_unprivileged(command, stop), log, answers, stop, cwd=folder):
        yield


@contextmanager
def running_redis(program: Path, folder: Path) -> Iterator[str]:
    """Start a Redis whose socket is in a folder, at the same address each time."""
    socket = folder / "redis.sock"
    options = ("--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--save", "", "--appendonly", "no")
    options += ("--databases", "64")
    command = ending_with_us((program, *options, "--dir", folder), signal.SIGTERM)
    url = f"unix://{socket}"

    def answers() -> bool:
        client = redis.Redis.from_url(url)
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
        finally:
            client.close()

    with _serving(command, folder / "redis.log", answers, signal.SIGTERM, cwd=folder):
        yield url


@contextmanager
def _serving(
    command: Sequence[str], log: Path, answers: Callable[[], bool], stop: signal.Signals, *, cwd: Path
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=cwd, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} does not answer:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.02)
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ending_with_us(command: Sequence[str | Path], stop: signal.Signals) -> tuple[str, ...]:
    """Let the kernel end the server when this process dies without a chance to do so itself."""
    words = tuple(map(str, command))
    return ("setpriv", "--pdeathsig", stop.name.removeprefix("SIG"), "--", *words) if shutil.which("setpriv") else words


def _unprivileged(command: Sequence[str | Path], stop: signal.Signals) -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ending_with_us(command, stop)
    if shutil.which("setpriv"):
        account = ("--reuid", "postgres", "--regid", "postgres", "--init-groups")
        return ("setpriv", *account, *ending_with_us(command, stop)[1:])
    return ("runuser", "-u", "postgres", "--", *map(str, command))

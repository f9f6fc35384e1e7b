"""The limiter on a real Redis: counted together, alone while it is away, together again."""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from flask_gatehouse.limiting import Limiter, LimiterUnavailable, TooManyRequests, shared
from flask_gatehouse.limiting.limiter import RECOVERY_S, TELL_AGAIN_S
from flask_gatehouse.limiting.shared import DEADLINE_S, TIMEOUT_S, SharedCounts
from flask_gatehouse.settings import ConfigurationError, Rate
from tests.services import need, running_redis
from tools import provision

LIMIT = Rate.parse("4 per minute")
# The names that Redis has for the connections of a process and of its child, each twice.
FORKED = """
import os, sys
from flask_gatehouse.limiting.shared import SharedCounts
counts = SharedCounts(sys.argv[1], "x")
print(counts._ask("CLIENT", "ID"), counts._ask("CLIENT", "ID"), flush=True)
child = os.fork()
if not child:
    print(counts._ask("CLIENT", "ID"), counts._ask("CLIENT", "ID"), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
# What becomes of a question in a process in which no new thread finds room for its stack.
WITHOUT_THREADS = """
import resource, sys, threading
from flask_gatehouse.limiting import LimiterUnavailable
from flask_gatehouse.limiting.shared import SharedCounts
from flask_gatehouse.settings import Rate
counts = SharedCounts(sys.argv[1], "x")
threading.stack_size(1 << 34)
resource.setrlimit(resource.RLIMIT_AS, (1 << 33, 1 << 33))
try:
    counts.hit("a", Rate.parse("4 per minute"))
except LimiterUnavailable as unavailable:
    print(unavailable.__cause__)
"""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def passes(limiter: Limiter, key: str = "a", *, reduce: bool = False) -> bool:
    try:
        limiter.hit(key, LIMIT, reduce=reduce)
    except TooManyRequests:
        return False
    return True


def test_two_processes_count_together(redis_url: str) -> None:
    one, other = Limiter(SharedCounts(redis_url, "x")), Limiter(SharedCounts(redis_url, "x"))
    assert [passes(limiter) for limiter in (one, other) * 3] == [True] * 4 + [False] * 2
    one.check()


def test_a_process_without_a_thread_left_goes_on_without_redis(redis_url: str) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", WITHOUT_THREADS, redis_url], capture_output=True, text=True, timeout=120, check=True
    )
    assert "no thread is left to connect on" in asked.stdout, asked.stderr


def test_what_is_wrong_with_tls_is_told_as_that_and_not_as_a_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        options = "ssl_validate_ocsp=yes&ssl_validate_ocsp_stapled=yes"
        counts = SharedCounts(f"rediss://127.0.0.1:{server.getsockname()[1]}?{options}", "x")
        with pytest.raises(LimiterUnavailable) as unavailable:
            counts.hit("a", LIMIT)
    assert "OCSP" in str(unavailable.value.__cause__)


def test_applications_on_one_redis_do_not_count_together(redis_url: str) -> None:
    one, other = Limiter(SharedCounts(redis_url, "x")), Limiter(SharedCounts(redis_url, "y"))
    assert [passes(one) for _ in range(5)] == [True] * 4 + [False]
    assert passes(other)


def test_what_is_kept_in_redis_ends_by_itself(redis_url: str) -> None:
    assert SharedCounts(redis_url, "x").hit("a", LIMIT) is None
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys("*") == [b"x:a"]
        assert 0 < client.pttl("x:a") <= 60_000


def test_whoever_has_to_wait_is_told_how_long_and_what_is_refused_does_not_count(redis_url: str) -> None:
    counts, rate = SharedCounts(redis_url, "x"), Rate(2, timedelta(hours=1))
    assert [counts.hit("a", rate) for _ in range(2)] == [None, None]
    with redis.Redis.from_url(redis_url) as client:
        # The one is about to be forgotten, the other has come half an hour later.
        now = int(time.time() * 1_000_000)
        client.delete("x:a")
        client.rpush("x:a", now - 1_800_000_000, now - 3_590_000_000)
        waits = [counts.hit("a", rate) or 0.0 for _ in range(3)]
        assert all(0 < wait <= 10 for wait in waits)
        client.lset("x:a", -1, now - 3_600_000_000)
        assert counts.hit("a", rate) is None
        later = counts.hit("a", rate)
    assert later is not None
    assert 1_700 < later <= 1_800


def test_a_clock_of_redis_that_was_set_back_keeps_nobody_out(redis_url: str) -> None:
    counts, rate = SharedCounts(redis_url, "x"), Rate(1, timedelta(minutes=1))
    assert counts.hit("a", rate) is None
    assert counts.hit("a", rate) is not None
    with redis.Redis.from_url(redis_url) as client:
        client.lset("x:a", 0, int((time.time() + 3600) * 1_000_000))
    assert counts.hit("a", rate) is None
    assert counts.hit("a", rate) is not None


def test_an_answer_that_comes_late_is_nobody_elses(place: Path, program: Path) -> None:
    with running_redis(program, place) as url, redis.Redis.from_url(url) as client:
        counts, rate = SharedCounts(url, "x"), Rate(1, timedelta(hours=1))
        assert counts.hit("busy", rate) is None
        number = int(client.info("server")["process_id"])
        os.kill(number, signal.SIGSTOP)
        try:
            with pytest.raises(LimiterUnavailable):
                counts.hit("busy", rate)
        finally:
            os.kill(number, signal.SIGCONT)
        # The answer to the former question would be that there were too many.
        assert counts.hit("new", rate) is None


def test_an_answer_for_which_nobody_has_waited_is_nobody_elses(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was interrupted between her question and its answer leaves the answer behind."""

    def interrupt(connection: object, **more: object) -> object:
        raise KeyboardInterrupt

    counts, rate = SharedCounts(redis_url, "x"), Rate(1, timedelta(hours=1))
    assert counts.hit("busy", rate) is None
    with monkeypatch.context() as patch:
        patch.setattr(redis.connection.AbstractConnection, "read_response", interrupt)
        with pytest.raises(KeyboardInterrupt):
            counts.hit("busy", rate)
    assert counts.hit("new", rate) is None


def test_a_process_that_was_forked_has_connections_of_its_own(redis_url: str) -> None:
    """Two that read from one would take each other's answers."""
    told = subprocess.run(
        [sys.executable, "-c", FORKED, redis_url], capture_output=True, text=True, check=True, timeout=300
    ).stdout
    numbers = [int(number) for number in told.split()]
    assert (len(numbers), len(set(numbers))) == (4, 2)


def test_two_threads_are_counted_at_once_whatever_the_address_says_of_connections(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "DEADLINE_S", 300.0)
    counts = SharedCounts(f"{redis_url}&max_connections=1&socket_timeout=300", "x")
    told: list[object] = []
    with redis.Redis.from_url(redis_url) as client:
        # The one connection that the address allows is busy until something is pushed.
        asking = threading.Thread(target=lambda: told.append(counts._ask("BLPOP", "busy", 0)), daemon=True)
        asking.start()
        try:
            until = time.monotonic() + 120
            while not any(one["cmd"] == "blpop" for one in client.client_list()) and time.monotonic() < until:
                time.sleep(0.01)
            assert counts.hit("a", LIMIT) is None
        finally:
            client.lpush("busy", "done")
        asking.join(120)
    assert told == [[b"busy", b"done"]]


def test_connections_that_came_to_nothing_do_not_count(place: Path, program: Path) -> None:
    clock = Clock()
    limiter = Limiter(SharedCounts(f"unix://{place}/redis.sock?max_connections=1", "x"), clock)
    for number in range(3):
        assert passes(limiter, str(number))
        with pytest.raises(LimiterUnavailable):
            limiter.insist()
        clock.now += RECOVERY_S
    with running_redis(program, place):
        assert passes(limiter)
        limiter.insist()
    clock.now += RECOVERY_S
    # One that Redis has closed by going away counts no more than those.
    assert passes(limiter)
    with running_redis(program, place):
        clock.now += RECOVERY_S
        assert passes(limiter)
        limiter.insist()


@pytest.mark.parametrize(
    "address",
    [
        "redis://127.0.0.1/0?canary=1",
        "redis://127.0.0.1/0?protocol=9",
        "redis://127.0.0.1/0?max_connections=canary",
        "redis://:canary/word@127.0.0.1/0",
    ],
)
def test_an_address_that_the_client_does_not_understand_is_refused_at_once(address: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL cannot be read") as raised:
        SharedCounts(address, "x")
    shown = "".join(traceback.format_exception(raised.value))
    assert "canary" not in shown


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for a Redis of one test alone; a socket's path is short."""
    # The usual temporary folders are too deep for the path of a socket.
    with tempfile.TemporaryDirectory(prefix="gatehouse-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def program() -> Path:
    found = provision.find_redis()
    if found is None:
        need(provision.REDIS)
    return found


def test_while_redis_is_away_fewer_pass_and_what_matters_most_waits(
    place: Path, program: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    limiter = Limiter(SharedCounts(f"unix://{place}/redis.sock?password=canary", "x"), clock)
    with running_redis(program, place):
        pass
    assert passes(limiter, "before")
    with pytest.raises(LimiterUnavailable):
        limiter.insist()
    with pytest.raises(LimiterUnavailable):
        limiter.check()
    # A quarter of what passes at all nodes together, and all of it where nothing can be guessed.
    assert [passes(limiter, "guess", reduce=True) for _ in range(3)] == [True, False, False]
    assert [passes(limiter, "other") for _ in range(6)] == [True] * 4 + [False] * 2
    # Said once in the log, and once in a while to whoever asks.
    assert [limiter.has_to_tell() for _ in range(3)] == [True, False, False]
    clock.now += TELL_AGAIN_S
    assert limiter.has_to_tell()
    said = [record for record in caplog.records if "does not answer" in record.getMessage()]
    assert len(said) == 1
    assert "canary" not in caplog.text

    with running_redis(program, place) as url:
        limiter = Limiter(SharedCounts(url, "x"), clock)
        assert passes(limiter)
        limiter.insist()
        assert not limiter.has_to_tell()
    assert passes(limiter)
    with running_redis(program, place):
        # Not before its time: a Redis that is down is not asked for each request.
        assert passes(limiter)
        with pytest.raises(LimiterUnavailable):
            limiter.insist()
        clock.now += RECOVERY_S
        with caplog.at_level(logging.WARNING):
            assert passes(limiter)
        limiter.insist()
        assert "answers again" in caplog.text


def test_a_redis_that_restarts_is_not_noticed(place: Path, program: Path) -> None:
    with running_redis(program, place) as url:
        limiter = Limiter(SharedCounts(url, "x"))
        assert passes(limiter)
    with running_redis(program, place):
        assert passes(limiter)
        limiter.insist()


def test_a_redis_that_hangs_delays_one_request(place: Path) -> None:
    folder = place / "hanging"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "redis.sock"))
        listening.listen()
        limiter = Limiter(SharedCounts(f"unix://{folder}/redis.sock", "x"), Clock())
        begun = time.monotonic()
        assert passes(limiter)
        assert time.monotonic() - begun >= TIMEOUT_S
        listening.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                listening.accept()[0].close()
        assert [passes(limiter) for _ in range(3)] == [True] * 3
        # Nobody has asked it again, so that nobody has waited.
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_redis_that_drips_delays_one_request_no_longer(place: Path) -> None:
    """Each byte comes within the time that a read may take, and the answer never ends."""
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while connection.recv(4096) and not ended.is_set():
                for octet in b"$1000000\r\n" + b"x" * 1_000_000:
                    if ended.wait(TIMEOUT_S / 10):
                        return
                    connection.sendall(bytes([octet]))

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listening.accept()[0],), daemon=True).start()

    answers: list[bool] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place / "redis.sock"))
        listening.listen()
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        limiter = Limiter(SharedCounts(f"unix://{place}/redis.sock", "x"), Clock())
        # On a thread of its own: without a deadline there is no end to it.
        asking = threading.Thread(target=lambda: answers.extend([passes(limiter), passes(limiter)]), daemon=True)
        begun = time.monotonic()
        asking.start()
        asking.join(60)
        took = time.monotonic() - begun
        ended.set()
    assert answers == [True, True]
    # It was asked, and given up once the deadline was over.
    assert took >= DEADLINE_S
    with pytest.raises(LimiterUnavailable):
        limiter.insist()


def test_a_name_that_nobody_looks_up_takes_no_longer_than_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that hangs cannot be had without a system's own configuration: the look-up itself is stood for."""
    over = threading.Event()

    def hang(*asked: object, **more: object) -> list[object]:
        over.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    limiter = Limiter(SharedCounts("redis://redis.example:6379/0", "x"))
    began = time.monotonic()
    try:
        assert passes(limiter)
        assert time.monotonic() - began < 30
    finally:
        over.set()
    with pytest.raises(LimiterUnavailable):
        limiter.insist()

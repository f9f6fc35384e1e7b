"""One application in a process of its own, which is told what to answer: no server and no client is in the figures.

The WSGI callable is called as it is, with what a browser sends and what one proxy before the application adds to it.
"""

import cProfile
import gc
import importlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REPOSITORY = Path(__file__).resolve().parent.parent
CHROMIUM = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.9",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
}
HOST = "gate.example.com"


class Worker:
    """An application that runs elsewhere.

    :param application: ``module:name`` of an application, or of a function that makes one.
    :param environment: all that its process sees of ours.
    :param log: where it writes what a server would hand to the operator.
    :param under: a command that runs it, such as valgrind.
    """

    def __init__(self, application: str, environment: Mapping[str, str], log: Path, *under: str) -> None:
        self.log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [*under, sys.executable, __file__, application],
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(REPOSITORY), **environment},
                cwd=log.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def once(self, path: str, cookie: str = "") -> dict[str, Any]:
        """Return ``status``, ``headers`` and ``body`` of one answer, and the seconds of processor time that it took."""
        return self._ask(do="once", path=path, cookie=cookie)

    def time(self, path: str, cookie: str, count: int) -> tuple[float, float]:
        """Return the microseconds of processor time, and those that went by, which one of so many answers took."""
        took = self._ask(do="time", path=path, cookie=cookie, count=count)
        return took["busy"] / count * 1e6, took["wall"] / count * 1e6

    def profile(self, path: str, cookie: str, count: int, to: Path) -> None:
        """Write what ``pstats`` reads."""
        self._ask(do="profile", path=path, cookie=cookie, count=count, to=str(to))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def _ask(self, **words: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the application has ended:\n{self.log.read_text(errors='replace')[-3000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _environ(path: str, cookie: str) -> dict[str, Any]:
    asked = urlsplit(path)
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in CHROMIUM.items()}
    return environ | {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": asked.path,
        "QUERY_STRING": asked.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": asked.netloc or HOST,
        "HTTP_COOKIE": cookie,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def _answer(application: Any, path: str, cookie: str) -> tuple[str, list[tuple[str, str]], bytes]:
    begun: list[Any] = []
    iterable = application(_environ(path, cookie), lambda status, headers, error=None: begun.extend((status, headers)))
    body = b"".join(iterable)
    if hasattr(iterable, "close"):
        iterable.close()
    return begun[0], begun[1], body


def _many(application: Any, path: str, cookie: str, count: int) -> None:
    for _ in range(count):
        _answer(application, path, cookie)


def _told(application: Any, do: str, path: str, cookie: str, count: int = 1, to: str = "") -> dict[str, Any]:
    if do == "once":
        before = time.process_time()
        status, headers, body = _answer(application, path, cookie)
        busy = time.process_time() - before
        return {"status": int(status[:3]), "headers": headers, "body": body.decode(), "busy": busy}
    # What the other applications have pushed out of the processor's caches comes back before the clock starts.
    _many(application, path, cookie, max(2, count // 10))
    if do == "profile":
        profile = cProfile.Profile()
        profile.runcall(_many, application, path, cookie, count)
        profile.dump_stats(to)
        return {}
    busy, wall = time.process_time(), time.perf_counter()
    _many(application, path, cookie, count)
    return {"busy": time.process_time() - busy, "wall": time.perf_counter() - wall}


def main() -> None:
    if "WITHOUT_COLLECTOR" in os.environ:
        gc.disable()
    module, _, name = sys.argv[1].partition(":")
    application = getattr(importlib.import_module(module), name)
    application = application if hasattr(application, "wsgi_app") else application()
    for line in sys.stdin:
        print(json.dumps(_told(application, **json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

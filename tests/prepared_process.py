"""The process that ``tests.prepared`` keeps: it loads all that commands load, and forks for each.

    python -I tests/prepared_process.py DESCRIPTOR

Knows nothing of the tests, so that a command finds what it would find in an operator's process.
"""

import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import time

LARGEST = 100_000
# What makes an application as soon as it is loaded, what is for development alone, and what Alembic loads by itself.
_NOT_LOADED = ("flask_gatehouse.wsgi", "flask_gatehouse.dev", "flask_gatehouse.db.migrations")


def load() -> None:
    package = importlib.import_module("flask_gatehouse")
    for module in pkgutil.walk_packages(package.__path__, "flask_gatehouse."):
        if not module.name.startswith(_NOT_LOADED):
            importlib.import_module(module.name)
    # What nobody frees need not be looked at, and copied, by each fork's collector.
    gc.freeze()


def serve(line: socket.socket) -> None:
    """Fork for each command that is asked for; return in these forks alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        wanted, files, _, _ = socket.recv_fds(line, LARGEST, 3)
        if not wanted:
            sys.exit()
        if os.fork() == 0:
            break
        for file in files:
            os.close(file)
    line.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output, complaints, telling = files
    _tell_of_a_fork(telling)
    for file, standard in ((output, 1), (complaints, 2)):
        os.dup2(file, standard)
        os.close(file)
    _become(**json.loads(wanted))


def _tell_of_a_fork(telling: int) -> None:
    """Go on in one more fork, and tell whoever waits its number and how it ends."""
    child = os.fork()
    if child == 0:
        os.close(telling)
        return
    os.write(telling, f"{child}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(telling, f"{code}\n".encode())
    os._exit(0)


def _become(words: list[str], environment: dict[str, str], directory: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(directory)
    sys.argv = ["gatehouse", *words]


if __name__ == "__main__":
    load()
    serve(socket.socket(fileno=int(sys.argv[1])))
    from flask_gatehouse.app import main

    sys.exit(main())

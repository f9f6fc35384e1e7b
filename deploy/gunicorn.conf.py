"""gunicorn --config deploy/gunicorn.conf.py flask_gatehouse.wsgi:app

WEB_CONCURRENCY and GUNICORN_CMD_ARGS say otherwise without a change here.
"""

import gc
import importlib.util
import logging
import os
import shutil
import tempfile
from pathlib import Path

from gunicorn.glogging import Logger

bind = "127.0.0.1:8000"
# A sign-in waits for its provider, at most eight seconds a call: threads wait cheaply, and processes use the cores.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
# Longer than the longest answer that anybody waits for, which is a sign-in at a provider that drips.
timeout = 60
graceful_timeout = 40
# A worker that is replaced starts from the new code; with a preloaded application a reload would go on with the old.
preload_app = False

# Nobody but the application decides which hops of X-Forwarded-* are believed: GATEHOUSE_TRUSTED_PROXIES.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
# X_Forwarded_For becomes the same variable as X-Forwarded-For: whoever sends one speaks past the proxy.
header_map = "refuse"
# A callback carries a code of any length; a browser's cookies may be 8 kB.
limit_request_line = 8190
limit_request_field_size = 16380
limit_request_fields = 64

# Its place would be a home directory, which a service has not; systemd and signals do all that it does.
control_socket_disable = True
errorlog = "-"
loglevel = "info"

# This file alone: with the whole package in this process, a reload would go on with the code of before. A release that
# does not have it yet writes as gunicorn does.
_package = importlib.util.find_spec("flask_gatehouse")
_file = Path(_package.origin or "").with_name("web") / "log_queue.py" if _package else Path()
if _file.is_file():
    _spec = importlib.util.spec_from_file_location("gatehouse_log_queue", _file)
    _log_queue = importlib.util.module_from_spec(_spec)  # type: ignore[arg-type]
    _spec.loader.exec_module(_log_queue)  # type: ignore[union-attr]

    class logger_class(Logger):  # noqa: N801 - the name of the setting
        """Waits for nobody: whoever lets the pipe of the log fill up would stop all that answers, and all that ends."""

        def setup(self, cfg: object) -> None:
            for handler in (*self.error_log.handlers, *self.access_log.handlers):
                if isinstance(handler, _log_queue.QueuedLog):
                    handler.close()
            super().setup(cfg)
            for log in (self.error_log, self.access_log):
                for handler in [one for one in log.handlers if type(one) is logging.StreamHandler]:
                    queued = _log_queue.QueuedLog(handler.stream)
                    queued.setFormatter(handler.formatter)
                    # By this mark gunicorn finds its own at a reload.
                    queued._gunicorn = True
                    log.removeHandler(handler)
                    log.addHandler(queued)


# /metrics adds up what all processes have counted. They leave it in files which nobody else may read, in a folder of
# this run alone: what an earlier one has left would be counted again. Whose it is stands beside it, for a reload reads
# this file once more, and a master that takes over (USR2) finds the folder of the one that it will see go.
_FOLDER, _OWNER = "PROMETHEUS_MULTIPROC_DIR", "PROMETHEUS_MULTIPROC_OWNER"


def _is_ours() -> bool:
    return os.environ.get(_OWNER) == str(os.getpid())


if _FOLDER not in os.environ or (_OWNER in os.environ and not _is_ours()):
    os.environ |= {_FOLDER: tempfile.mkdtemp(prefix="gatehouse-metrics-"), _OWNER: str(os.getpid())}

from prometheus_client import multiprocess  # noqa: E402 - it looks for the folder when it is imported


def on_starting(server: object) -> None:
    """Go on as the owner where gunicorn has gone into the background since, as another process."""
    if _OWNER in os.environ:
        os.environ[_OWNER] = str(os.getpid())


def post_fork(server: object, worker: object) -> None:
    """Let a worker load without looking for garbage, which next to nothing is yet: a tenth of its start is looking."""
    gc.disable()


def post_worker_init(worker: object) -> None:
    """Look for garbage from now on, and only in what comes: what has been loaded stays for as long as the worker."""
    gc.freeze()
    gc.enable()


def child_exit(server: object, worker: object) -> None:
    """Take away what only a process that runs has to say."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[attr-defined]


def on_exit(server: object) -> None:
    if _is_ours():
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)

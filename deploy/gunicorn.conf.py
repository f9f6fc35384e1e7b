"""gunicorn --config deploy/gunicorn.conf.py flask_gatehouse.wsgi:app

WEB_CONCURRENCY and GUNICORN_CMD_ARGS say otherwise without a change here.
"""

import os
import shutil
import tempfile

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

# /metrics adds up what all processes have counted. They leave it in files which nobody else may read, in a folder of
# this run alone: what an earlier one has left would be counted again.
_own_folder = "PROMETHEUS_MULTIPROC_DIR" not in os.environ
if _own_folder:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="gatehouse-metrics-")

from prometheus_client import multiprocess  # noqa: E402 - it looks for the folder when it is imported


def child_exit(server: object, worker: object) -> None:
    """Take away what only a process that runs has to say."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[attr-defined]


def on_exit(server: object) -> None:
    if _own_folder:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)

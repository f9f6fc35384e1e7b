"""The application on a machine whose clock steps: by as many seconds as stand in the file ``TEST_STEPS``."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import time_machine

FILE = Path(os.environ["TEST_STEPS"])
# Whatever stays as it is while a clock steps; the travelling clock below is no measure for itself.
EPOCH, MONOTONIC = datetime.now(UTC), time.monotonic()


def follow() -> None:
    travelling, offset = None, 0.0
    while True:
        wanted = float(FILE.read_text(encoding="ascii") or offset)
        if wanted != offset:
            if travelling is not None:
                travelling.stop()
            true = EPOCH + timedelta(seconds=time.monotonic() - MONOTONIC)
            travelling = time_machine.travel(true + timedelta(seconds=wanted), tick=True)
            travelling.start()
            offset = wanted
        time.sleep(0.05)


# Before the server forks no thread may run: the workers import this module themselves.
Thread(target=follow, daemon=True).start()

from flask_gatehouse.wsgi import app  # noqa: E402, F401 - its processes look at the clock that may step

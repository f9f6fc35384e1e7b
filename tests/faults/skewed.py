"""The application on a machine whose clock is wrong by ``TEST_SKEW_S`` seconds."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(os.environ["TEST_SKEW_S"])), tick=True).start()

from flask_gatehouse.wsgi import app  # noqa: E402, F401 - nothing may have looked at the clock before

"""The application, with less patience for what it depends on, at an address that those who watch it do not use."""

import os

from flask_gatehouse.db import engine
from flask_gatehouse.limiting import limiter

engine.ANSWER_TIMEOUT_S, engine.CONNECT_TIMEOUT_S = 2.0, 3
# What is away is asked again soon.
limiter.RECOVERY_S = 1.0
os.environ["DATABASE_URL"] = os.environ.pop("TEST_DATABASE_URL", os.environ["DATABASE_URL"])

from flask_gatehouse.wsgi import app  # noqa: E402, F401 - its engine is made when it is imported

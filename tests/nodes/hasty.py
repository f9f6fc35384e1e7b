"""The application, with less patience for its database, so that tests of a frozen one need not have more."""

from flask_gatehouse.db import engine

engine.ANSWER_TIMEOUT_S = 2.0

from flask_gatehouse.wsgi import app  # noqa: E402, F401 - its engine is made when it is imported

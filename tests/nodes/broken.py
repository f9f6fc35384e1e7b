"""The application with a view that has a bug, so that tests see what a person is shown then."""

from flask_gatehouse.wsgi import app


@app.get("/broken")
def broken() -> str:
    raise RuntimeError("a bug of a test, with a canary-in-a-fault")

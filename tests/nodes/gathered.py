"""The application, in which requests that say so wait for each other just before the write that must be one.

A loop of threads passes against broken code, because each request is over before the next one begins. Here each of
them holds an assertion that a provider has really given, and stands at the door when the last one arrives. Their
requests say where: ``Test-Meet: port`` names the ``meeting.Meeting`` of the test, ``Test-Before`` the function.

``Test-Forgetful`` takes away what lets one of them pass, so that a test can show that nothing else does.
"""

import socket
import threading
from collections.abc import Callable
from typing import Any

from flask import request

from flask_gatehouse.signin import service
from flask_gatehouse.signin.assertion import Assertion
from flask_gatehouse.signin.attempt import Attempt
from flask_gatehouse.signin.oidc import OpenIDProvider
from flask_gatehouse.web.state import EXTENSION, State
from flask_gatehouse.wsgi import app

state: State = app.extensions[EXTENSION]
# A SQLite transaction that writes begins with the lock: whoever waited inside would wait for those who cannot enter.
# There the requests meet before it, and race for the lock. On PostgreSQL they meet inside, each with its snapshot.
INSIDE = state.database.engine.dialect.name == "postgresql"
PATIENCE_S = 120
assertions: dict[str, Assertion] = {}
lock = threading.Lock()


def meet(before: str) -> None:
    """Wait until all requests of the meeting are here; once for each request, which may try again later."""
    port = request.headers.get("Test-Meet")
    if port is None or request.headers["Test-Before"] != before or request.environ.get("test.met"):
        return
    request.environ["test.met"] = True
    with socket.create_connection(("127.0.0.1", int(port)), PATIENCE_S) as line:
        assert line.recv(1) == b"!"


def redeem_once(
    real: Callable[..., Assertion],
) -> Callable[[OpenIDProvider, Attempt, dict[str, str], str], Assertion]:
    """Let copies of one callback share what the provider said: it redeems a code once in each process."""

    def redeem(provider: OpenIDProvider, attempt: Attempt, answer: dict[str, str], redirect_uri: str) -> Assertion:
        with lock:
            if attempt.state not in assertions:
                assertions[attempt.state] = real(provider, attempt, answer, redirect_uri)
        return assertions[attempt.state]

    return redeem


def met(real: Callable[..., Any], name: str, *, forgettable: bool = False) -> Callable[..., Any]:
    """Return the function behind a meeting."""

    def wrapped(*args: Any, **named: Any) -> Any:
        meet(name)
        return None if forgettable and "Test-Forgetful" in request.headers else real(*args, **named)

    return wrapped


def gather_before_a_transaction(real: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any) -> Any:
        if not INSIDE:
            meet(request.headers.get("Test-Before", ""))
        return real(*args)

    return wrapped


OpenIDProvider.redeem = redeem_once(OpenIDProvider.redeem)  # type: ignore[method-assign]
service._complete = gather_before_a_transaction(service._complete)
service.spend = met(service.spend, "spend", forgettable=True)
service.register = met(service.register, "register")

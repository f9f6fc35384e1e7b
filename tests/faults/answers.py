"""What an answer to somebody may be while something that her node depends on is away."""

import time
from collections.abc import Callable

from requests import Response

from tests.nodes.people import set_cookies_of


def is_a_pause(answer: Response) -> bool:
    """Return whether an answer says to come back, takes nothing away from whoever asks, and tells nothing."""
    return (
        answer.status_code == 503
        and int(answer.headers["Retry-After"]) > 0
        and set_cookies_of(answer) == []
        and "HX-Redirect" not in answer.headers
        and "Location" not in answer.headers
        and not any(word in answer.text for word in ("psycopg", "sqlite3", "Traceback"))
    )


def within(seconds: float, ask: Callable[[], Response]) -> Response:
    """Return an answer that comes in time.

    :raises AssertionError: if it does not.
    """
    began = time.monotonic()
    answer = ask()
    took = time.monotonic() - began
    assert took < seconds, f"{answer.url} took {took:.1f} s"
    return answer

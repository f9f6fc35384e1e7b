"""Whether somebody has signed in with this browser before.

A cookie holds, for each of the last people who signed in here, an HMAC over her id and her ``session_generation``. All
her browsers hold the same: it tells whether a browser is known, and not which one it is, so that it follows nobody.
"""

import hmac

from flask import Response, request

from .state import state

# Whoever shares a browser with more people is told of it once more.
MOST = 5
# Seconds; browsers keep no cookie for longer than 400 days.
_MAX_AGE = 400 * 86400


def knows_device(user_id: int, generation: int) -> bool:
    """Return whether this person has signed in with this browser since her sessions were last ended all at once."""
    # Without the constant-time comparison, timing tells whoever guesses how much of it is right.
    return any(
        hmac.compare_digest(_mark(key, user_id, generation).encode(), held.encode("utf-8", "replace"))
        for held in _held()
        for key in state().keys
    )


def remember_device(response: Response, user_id: int, generation: int) -> None:
    """Have this browser remember that she has signed in with it."""
    here = state()
    mine = _mark(here.keys[-1], user_id, generation)
    marks = [mine, *(held for held in _held() if held != mine)][:MOST]
    response.set_cookie(here.device_cookie, ".".join(marks), max_age=_MAX_AGE, **here.cookie)


def _held() -> list[str]:
    return request.cookies.get(state().device_cookie, "").split(".")[:MOST]


def _mark(key: bytes, user_id: int, generation: int) -> str:
    return hmac.digest(key, f"device\0{user_id}\0{generation}".encode(), "sha256").hex()[:32]

"""How often each caller may ask for what: who is counted, and against which limit."""

import logging
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import ParamSpec

from flask import after_this_request, current_app, make_response, request
from flask.typing import ResponseReturnValue

from ..audit import AuditEvent, record
from ..kernel.errors import DependencyUnavailable, GatehouseError
from ..kernel.networks import line_of
from ..settings import Rate
from .actor import caller, visit
from .errors import answer
from .headers import secure_host_page
from .state import state

P = ParamSpec("P")
log = logging.getLogger("flask_gatehouse")


class Limit(StrEnum):
    """Which allowance a route of ours draws on."""

    # What a person asks for in all: GATEHOUSE_RATE_LIMIT.
    GENERAL = "general"
    # Of each step of a sign-in: GATEHOUSE_RATE_LIMIT_SIGN_IN, of each address as long as nobody is signed in. Whoever
    # confirms that it is she goes the same way, and must not be kept out by strangers of her network.
    SIGN_IN = "sign_in"


def limited(
    view: Callable[P, ResponseReturnValue], limit: Limit, insists: tuple[str, ...]
) -> Callable[P, ResponseReturnValue]:
    """Return a view of ours behind its limit.

    :param insists: methods that are refused while the nodes cannot count together: an attacker who can take Redis away
        would otherwise have more tries at what matters most.
    """

    @wraps(view)
    def counted(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        here = state()
        if limit is Limit.SIGN_IN:
            key, allowed = f"{request.endpoint}/{_who_signs_in()}", here.settings.rate_limit_sign_in
        else:
            key, allowed = f"general/{_person_or_address()}", here.settings.rate_limit
        here.limiter.hit(key, allowed, reduce=limit is Limit.SIGN_IN)
        _tell_if_alone()
        if request.method in insists:
            here.limiter.insist()
        return view(*args, **kwargs)

    return counted


def rate_limit(
    allowance: str | None = None,
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Let a host's view be reached so often by each person, or by each address where nobody is signed in.

    Put it below ``@app.route``. Whoever asks more often is answered with 429, as by our own routes.

    :param allowance: such as ``"10 per minute"`` or ``"5/year"``, of this view alone; by default the view draws on what
        ``GATEHOUSE_RATE_LIMIT`` allows each person in all.
    :raises ValueError: for an allowance that cannot be read.
    """
    own = None if allowance is None else Rate.parse(allowance)

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            here = state()
            scope = "general" if own is None else f"host/{request.endpoint}"
            try:
                here.limiter.hit(f"{scope}/{_person_or_address()}", own or here.settings.rate_limit)
                _tell_if_alone()
            except GatehouseError as error:
                after_this_request(secure_host_page)
                return make_response(answer(error))
            returned: ResponseReturnValue = current_app.ensure_sync(view)(*args, **kwargs)
            return returned

        return counted

    return decorate


def _who_signs_in() -> str:
    """Return whose step of a sign-in this is. It says what is wrong with it also while the database is away."""
    try:
        return _person_or_address()
    except DependencyUnavailable:
        return _address()


def _person_or_address() -> str:
    found = visit().session
    return _address() if found is None else f"user/{found.user_id}"


def _address() -> str:
    return f"address/{line_of(caller().ip) or 'unknown'}"


def _tell_if_alone() -> None:
    """Put into the trail, once in a while, that the nodes do not count together; alerts read it there."""
    here = state()
    if not here.limiter.has_to_tell():
        return
    try:
        with here.database.transaction() as db:
            record(AuditEvent.LIMITER_UNAVAILABLE, session=db, actor=caller())
    except DependencyUnavailable:
        log.warning("that requests are not counted together could not be written into the trail", exc_info=True)

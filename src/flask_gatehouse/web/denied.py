"""Refusals in the trail: who was not let through, and which forged requests came."""

import logging

from flask import request

from ..audit import AuditEvent, record
from ..kernel.errors import DependencyUnavailable
from .actor import actor
from .denials import CrossSiteRequest, NotAllowed
from .state import state

log = logging.getLogger("flask_gatehouse")


def record_denial(error: NotAllowed | CrossSiteRequest) -> None:
    """Write a refusal into the trail; the refusal stands even if that fails."""
    event = AuditEvent.AUTHZ_FAIL if isinstance(error, NotAllowed) else AuditEvent.CSRF_REFUSED
    details = {"method": request.method, "route": str(request.url_rule) if request.url_rule else None}
    if isinstance(error, NotAllowed) and error.needed:
        details["needed"] = error.needed
    try:
        who = actor()
        with state().database.transaction() as db:
            record(event, details=details, session=db, actor=who)
    except DependencyUnavailable:
        log.warning("a refusal could not be written into the trail", exc_info=True)

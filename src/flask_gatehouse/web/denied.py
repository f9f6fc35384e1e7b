"""Refusals in the trail: who was not let through, which forged requests came, and which provider did not answer."""

import logging

from flask import request

from ..accounts.errors import LastAdministrator, RoleNotYours
from ..accounts.rules import LAST_ADMINISTRATOR, Role
from ..audit import AuditEvent, record
from ..kernel.errors import DependencyUnavailable
from ..signin.errors import ProviderUnavailable
from ..signin.outages import record_outage
from .actor import actor, caller
from .denials import CrossSiteRequest, NotAllowed
from .state import state

log = logging.getLogger("flask_gatehouse")


def record_denial(error: NotAllowed | RoleNotYours | CrossSiteRequest | LastAdministrator) -> None:
    """Write a refusal into the trail; the refusal stands even if that fails."""
    event = AuditEvent.CSRF_REFUSED if isinstance(error, CrossSiteRequest) else AuditEvent.AUTHZ_FAIL
    details = {"method": request.method, "route": str(request.url_rule) if request.url_rule else None}
    if isinstance(error, NotAllowed) and error.needed:
        details["needed"] = error.needed
    target = reason = None
    if isinstance(error, LastAdministrator):
        target, reason = ("user", error.user_id), LAST_ADMINISTRATOR
    elif isinstance(error, RoleNotYours):
        # Whoever tries to raise herself would otherwise leave no trace: her name alone she may well change.
        target, details["needed"] = ("user", error.user_id), Role.ADMIN
    try:
        who = actor()
        with state().database.transaction() as db:
            record(event, resource=target, details=details, reason=reason, session=db, actor=who)
    except DependencyUnavailable:
        log.warning("a refusal could not be written into the trail", exc_info=True)


def note_outage(error: ProviderUnavailable) -> None:
    """Write into the trail that a provider does not answer, if that is news."""
    try:
        record_outage(state().database, error.provider, actor=caller())
    except DependencyUnavailable:
        log.warning("an outage could not be written into the trail", exc_info=True)

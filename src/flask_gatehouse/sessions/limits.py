"""Which limits the operator has set for whom."""

from ..accounts.rules import Role
from ..settings import Settings
from .rules import Limits


def limits_of(settings: Settings, role: Role) -> Limits:
    """Return how long a person with this role stays signed in."""
    if role is Role.ADMIN:
        return Limits(settings.admin_idle_timeout, settings.admin_session_lifetime)
    return Limits(settings.idle_timeout, settings.session_lifetime)

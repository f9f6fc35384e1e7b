"""The front gate of a Flask application: sign-in, sessions that can be revoked, roles, and an audit trail.

Start with ``Gatehouse``; protect views with ``login_required`` and ``require_role``; ask ``current_user``.
"""

from . import audit as audit, signals as signals
from .accounts.object_rules import NoObjectRule as NoObjectRule, object_rule as object_rule
from .accounts.rules import Role as Role
from .extension import Gatehouse as Gatehouse
from .kernel.errors import GatehouseError as GatehouseError
from .settings import ConfigurationError as ConfigurationError
from .web.actor import current_user as current_user
from .web.confirmation import require_confirmation as require_confirmation
from .web.decorators import (
    admin_required as admin_required,
    authorize as authorize,
    background as background,
    confirmation_required as confirmation_required,
    editor_required as editor_required,
    login_required as login_required,
    require_role as require_role,
)
from .web.limits import rate_limit as rate_limit

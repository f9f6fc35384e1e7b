"""What pages are put together from: the macros of ``components/``."""

from typing import Any

from flask import current_app

# Each macro that pages use, and the template in which it is. A host's template of that name wins.
MACROS = {
    "address_cell": "components/user_cells",
    "address_text": "components/address",
    "asking_link": "audit_log/parts",
    "avatar": "components/avatar",
    "csrf": "components/csrf",
    "field_problem": "components/field",
    "icon": "components/icon",
    "message": "components/message",
    "outcome_badge": "audit_log/parts",
    "pager": "components/pager",
    "party": "audit_log/parts",
    "pick_cell": "components/user_cells",
    "plain_value": "audit_log/parts",
    "provider_button": "components/provider",
    "provider_mark": "components/provider",
    "role_badge": "components/role",
    "role_options": "components/role",
    "status_badge": "components/status",
    "time_cells": "components/user_cells",
}


class Components:
    """The macros by their names.

    A template that imports them itself pays for each import as much as for a dozen icons, and a list does so in each
    of its rows.
    """

    def __getattr__(self, name: str) -> Any:
        """Return a macro.

        :raises AttributeError: if there is none of this name.
        """
        template = MACROS.get(name)
        if template is None:
            raise AttributeError(name)
        environment = current_app.jinja_env
        macro = getattr(environment.get_template(f"gatehouse/{template}.html").module, name)
        if not environment.auto_reload:
            # Found from now on without asking here.
            setattr(self, name, macro)
        return macro

"""The places that a person can go to, by her role: the bar at the top and the links of the dashboard."""

from dataclasses import dataclass
from functools import cache

from flask import request

from ..accounts.rules import Role
from .actor import signed_in
from .addresses import page_url
from .language import marked as _, text
from .permissions import Permission, permits
from .state import state


@dataclass(frozen=True, slots=True)
class Place:
    label: str
    endpoint: str
    icon: str
    description: str
    permission: Permission


PLACES = (
    Place(_("Users"), "users", "users-round", _("Who is here, and with which role"), Permission.USER_LIST),
    Place(_("Invitations"), "invitations", "mail", _("Who may come in"), Permission.ADMIN),
    Place(_("Access review"), "access_review", "shield-check", _("Who still needs what they have"), Permission.ADMIN),
    Place(_("Audit log"), "audit_log", "scroll-text", _("Who did what to whom, and when"), Permission.ADMIN),
)


def places() -> tuple[Place, ...]:
    """Return the places that the signed-in person may enter."""
    return _open_to(signed_in().role, state().list_role)


@cache
def _open_to(role: Role, list_role: Role) -> tuple[Place, ...]:
    # Whose number it is plays no part where the address names nobody.
    return tuple(place for place in PLACES if permits(place.permission, role, 0, target_id=None, list_role=list_role))


def navigation() -> list[tuple[str, str, str, bool]]:
    """Return label, address, icon and whether one is there, for the bar at the top."""
    here = (request.endpoint or "").removeprefix("gatehouse.")
    bar = [(text("Dashboard"), page_url("dashboard"), "layout-dashboard", here == "dashboard")]
    return bar + [
        (text(place.label), page_url(place.endpoint), place.icon, here == place.endpoint) for place in places()
    ]

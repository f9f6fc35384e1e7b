"""Why somebody may or may not, in words, and since when."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import MethodNotAllowed, NotFound as RoutingNotFound
from werkzeug.routing import RequestRedirect

from ..accounts.history import Origin, RoleHistory
from ..accounts.object_rules import object_rules
from ..accounts.rules import Role
from ..accounts.views import UserRow
from ..settings import Settings
from .decorators import PERMISSIONS, is_alias
from .language import marked as _, text
from .permissions import Permission, permits
from .state import EXTENSION

_ROLES = {
    Role.ADMIN: _("Is an administrator."),
    Role.EDITOR: _("Is an editor."),
    Role.VIEWER: _("Is a viewer."),
}
# In what a command says, which is English.
_NAMES = {Role.ADMIN: "administrator", Role.EDITOR: "editor", Role.VIEWER: "viewer"}


def reasons(user: UserRow, history: RoleHistory, names: Mapping[int, str]) -> list[tuple[str, str, datetime | None]]:
    """Return what decides about a person: a word, a sentence, and since when it has been so.

    :param names: what those are called who have changed something and are still here.
    """
    status = text("May sign in.") if user.is_active else text("May not sign in.")
    held = text("Nobody signs in with this account: its owner said that it was somebody else.")
    lines = [
        (text("Status"), held, history.held_at)
        if user.is_active and history.held_at
        else (text("Status"), f"{status} {_by(history.status, names)}".rstrip(), _since(history.status)),
        (text("Role"), f"{text(_ROLES[user.role])} {_by(history.role, names)}".rstrip(), _since(history.role)),
    ]
    if user.email is None:
        sentence = text("No provider vouches for an address, so that no invitation finds this person.")
        lines.append((text("Address"), sentence, None))
    return lines


def _since(origin: Origin | None) -> datetime | None:
    return origin.occurred_at if origin else None


def _by(origin: Origin | None, names: Mapping[int, str]) -> str:
    if origin is None:
        return text("The trail does not say since when.")
    if origin.event == "user_created":
        return text("So since the first sign-in.")
    if origin.actor_kind == "user" and origin.actor_id is not None:
        name = names.get(origin.actor_id)
        if name is None:
            return text("Changed by user %(user)s, who has been deleted.", user=origin.actor_id)
        return text("Changed by %(name)s.", name=name)
    return text("Changed from the command line.") if origin.actor_kind == "cli" else ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may, and the sentence that says why.

    :param things: a sentence for each rule about a thing of the host's own that the view seems to ask besides.
    """

    may: bool
    why: str
    things: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows and a decision may depend on.

    :param is_held: whether nobody signs in as the user until an administrator has looked.
    :param is_there: whether a number is a user's.
    :param is_last: whether the user is the only administrator.
    :param is_claimant: whether the user may become the first administrator.
    """

    is_held: bool
    is_there: Callable[[int], bool]
    is_last: Callable[[], bool]
    is_claimant: Callable[[], bool]


_NOTHING = Decision(may=False, why="There is nothing at this address.")


def decide(app: Flask, user: UserRow, method: str, path: str, known: Known) -> Decision:
    """Return whether a user may send a request, as the guard of its route would decide it.

    Also for a host's own views that carry our decorators. What such a view decides by itself depends on the thing that
    it finds: the rules that it names are named, and not asked.

    :param method: such as ``PUT``.
    :param path: such as ``/users/7``, without a query.
    """
    try:
        endpoint, arguments = app.url_map.bind("localhost").match(path, method=method)
    except RequestRedirect as redirect:
        return Decision(may=True, why=f"The address leads to {urlsplit(redirect.new_url).path}.")
    except MethodNotAllowed:
        return Decision(may=False, why=f"Nothing at this address takes {method}.")
    except RoutingNotFound:
        return _NOTHING
    if not user.is_active:
        return Decision(may=False, why="The account is deactivated, so that nobody signs in with it.")
    if known.is_held:
        return Decision(may=False, why="The account is locked until an administrator, or gatehouse release, opens it.")
    if endpoint == "gatehouse.metrics":
        return _metrics(app.extensions[EXTENSION].settings)
    view = app.view_functions[endpoint]
    permissions, things = getattr(view, PERMISSIONS, None), tuple(_things(view, user.role))
    if permissions is None:
        return Decision(
            may=True,
            why="This route has no permission of ours: it is open, or its application decides.",
            things=things,
        )
    permission = permissions.get("GET" if method == "HEAD" else method) or permissions["*"]
    list_role = app.extensions[EXTENSION].list_role
    target = arguments.get("user_id")
    may = permits(permission, user.role, user.id, target_id=target, list_role=list_role)
    # After the role, as the pages do: whoever may not is not told who is there.
    if may and (refused := _refused_besides(endpoint, method, path, arguments, user, known)):
        return refused
    rule = _RULES[permission].format(role=_NAMES[list_role])
    return Decision(may, f"{rule} She is: {_NAMES[user.role]}.", things if may else ())


def _refused_besides(
    endpoint: str, method: str, path: str, arguments: Mapping[str, Any], user: UserRow, known: Known
) -> Decision | None:
    """Return how a route of ours refuses whoever has the role, if it does; what a host calls the same is its own."""
    target = arguments.get("user_id")
    if not endpoint.startswith("gatehouse."):
        return None
    if is_alias(path, arguments):
        return _NOTHING
    if target is not None and not known.is_there(target):
        return Decision(may=False, why=f"Nobody here has the number {target}.")
    if (endpoint, method) == ("gatehouse.delete_account", "POST") and known.is_last():
        return Decision(may=False, why="She is the last administrator, who stays.")
    if endpoint == "gatehouse.claim_administration" and not (user.role is Role.ADMIN or known.is_claimant()):
        return Decision(may=False, why="Only whoever came first may, while there is no administrator.")
    return None


def _metrics(settings: Settings) -> Decision:
    """Return what the route itself decides, which asks for no role and no session."""
    if settings.metrics_token is not None:
        return Decision(
            may=True,
            why="Whoever sends GATEHOUSE_METRICS_TOKEN may, whatever the role."
            + (" This machine may, in development." if settings.development else ""),
        )
    if settings.development:
        return Decision(may=True, why="This machine may, in development.")
    return Decision(may=False, why="Without GATEHOUSE_METRICS_TOKEN there is nothing at this address.")


# What a view asks the rules by: ``authorize("edit", article)``, ``current_user.can("edit", article)``.
_QUESTIONS = {"authorize", "can"}


def _things(view: Callable[..., Any], role: Role) -> Iterator[str]:
    """Yield a sentence for each rule whose action stands in a view that asks rules; not in what the view calls."""
    code = getattr(inspect.unwrap(view), "__code__", None)
    if code is None or not _QUESTIONS & set(code.co_names):
        return
    for rule in object_rules.declared_for({word for word in code.co_consts if isinstance(word, str)}):
        whose = f"{rule.allows.__module__}.{rule.allows.__qualname__}"
        what = f"{rule.action} {rule.kind.__qualname__}"
        yield _THINGS[role.includes(rule.role)].format(what=what, role=_NAMES[rule.role], rule=whose)


_THINGS = {
    True: "“{what}” needs at least {role}, which she is; then {rule} decides about each one.",
    False: "“{what}” needs at least {role}, which she is not.",
}


_RULES = {
    Permission.PUBLIC: "Everybody may.",
    Permission.SIGNED_IN: "Whoever is signed in may.",
    Permission.VIEWER: "Viewers, editors and administrators may.",
    Permission.EDITOR: "Editors and administrators may.",
    Permission.ADMIN: "Administrators may.",
    Permission.USER_LIST: "Whoever is at least {role} may.",
    Permission.SELF_OR_ADMIN: "Administrators may, and whoever it is about.",
    Permission.ADMIN_NOT_SELF: "Administrators may, but not on themselves.",
}

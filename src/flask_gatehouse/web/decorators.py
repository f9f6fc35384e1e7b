"""Who may enter: one guard for our own routes and for the views of a host."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeAlias, TypeVar

from flask import after_this_request, current_app, make_response, request
from flask.typing import ResponseReturnValue

from ..accounts.object_rules import Verdict, object_rules
from ..accounts.rules import Role
from ..kernel.errors import GatehouseError
from .actor import BACKGROUND, Anonymous, person, visit
from .confirmation import require_confirmation
from .csrf import SAFE_METHODS, protect
from .denials import ConfirmationRequired, NotAllowed, NotFound, NotSignedIn, NotYourself, ObjectNotAllowed, OnlyAPage
from .errors import answer
from .headers import secure_host_page
from .htmx import wants_json
from .permissions import Permission, needed_role, permits
from .sent import sent
from .state import state

P = ParamSpec("P")
V = TypeVar("V", bound=Callable[..., Any])
View = Callable[..., ResponseReturnValue]
# None is what a function for ``before_request`` returns to let a request pass.
Returned: TypeAlias = ResponseReturnValue | None


# On a view, what ``gatehouse explain`` tells: the permission of each method, ``*`` for any.
PERMISSIONS = "_gatehouse_permissions"
# On a view of ours, the methods that need a fresh confirmation, for the description of the JSON side.
CONFIRMED = "_gatehouse_confirmed"


def require(permission: Permission, target_id: int | None = None) -> None:
    """Let the running request pass, or raise.

    :param target_id: the user whom the address names, if it names one.
    :raises NotSignedIn: if nobody is signed in.
    :raises NotAllowed: if she may not.
    :raises CrossSiteRequest: if it is a change that no page of ours asked for.
    """
    if permission is Permission.PUBLIC:
        return
    who = person()
    if isinstance(who, Anonymous):
        raise NotSignedIn(visit().ended)
    # Before the role: a forged request should not tell the forger what its victim may do.
    protect()
    list_role = state().list_role
    if not permits(permission, who.role, who.id, target_id=target_id, list_role=list_role):
        # Her role is no reason: it includes this, for anybody else.
        on_herself = permission is Permission.ADMIN_NOT_SELF and who.role is Role.ADMIN
        raise (NotYourself if on_herself else NotAllowed)(needed_role(permission, list_role))


def guard(
    view: View,
    permissions: Mapping[str, Permission],
    confirmed: Collection[str] = (),
    pages: Collection[str] = (),
) -> View:
    """Return our own view behind its permissions. A method that is not listed is refused, and what it does not take.

    :param confirmed: the methods that need a fresh confirmation besides.
    :param pages: the methods that have nothing for a program.
    """

    @wraps(view)
    def guarded(**arguments: Any) -> ResponseReturnValue:
        # Of our own views alone: HEAD is GET by now.
        method = request.method
        require(permissions[method], arguments.get("user_id"))
        if is_alias(request.path, arguments):
            raise NotFound
        # All that refuses comes before she is asked whether it is she, for something that would be refused then.
        if method in pages and wants_json():
            raise OnlyAPage
        if method not in SAFE_METHODS:
            # Read for its refusals; a view reads it for what it says.
            sent()
        if method in confirmed:
            require_confirmation()
        return view(**arguments)

    setattr(guarded, PERMISSIONS, permissions)
    setattr(guarded, CONFIRMED, frozenset(confirmed))
    return guarded


def is_alias(path: str, arguments: Mapping[str, Any]) -> bool:
    """Return whether a number is not written as we write it: Flask reads ``/users/01`` as ``/users/1``.

    Whoever watches or blocks addresses in front of us would have to know all that mean one thing.
    """
    return any(isinstance(value, int) and str(value) not in path.split("/") for value in arguments.values())


def _protected(
    permission: Permission, view: Callable[P, Returned | Awaitable[Returned]], *, confirmed: bool = False
) -> Callable[P, ResponseReturnValue]:
    """Return a host's view behind a permission. A refusal is answered here: the host's handlers are its own."""
    # Flask looks for a coroutine at what it was given, which is the function below.
    is_coroutine = iscoroutinefunction(view)

    @wraps(view)
    def protected(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        after_this_request(secure_host_page)
        try:
            require(permission)
            if confirmed:
                require_confirmation()
        except GatehouseError as error:
            return make_response(answer(error))
        try:
            called: Callable[P, Any] = current_app.ensure_sync(view) if is_coroutine else view
            returned: ResponseReturnValue = called(*args, **kwargs)
        except (NotAllowed, ConfirmationRequired) as error:
            return make_response(answer(error))
        return returned

    setattr(protected, PERMISSIONS, {"*": permission})
    return protected


def login_required(view: Callable[P, Returned | Awaitable[Returned]]) -> Callable[P, ResponseReturnValue]:
    """Let a view be reached by people who are signed in, and changes only from pages of this site.

    Put it below ``@app.route``, which takes what stands under it and would never see a decorator above.
    """
    return _protected(Permission.SIGNED_IN, view)


def require_role(
    role: Role,
) -> Callable[[Callable[P, Returned | Awaitable[Returned]]], Callable[P, ResponseReturnValue]]:
    """Let a view be reached by people who have at least this role.

    :raises TypeError: for anything but a member of ``Role``.
    """
    if not isinstance(role, Role):
        raise TypeError(f"require_role() takes a member of Role, as in require_role(Role.EDITOR), not {role!r}.")
    return lambda view: _protected(Permission(role.value), view)


def confirmation_required(view: Callable[P, Returned | Awaitable[Returned]]) -> Callable[P, ResponseReturnValue]:
    """Let a view be reached by people who have proved within ``GATEHOUSE_CONFIRM_MAX_AGE`` that they are there.

    For what an unlocked screen must not be enough for. It may stand above or below a decorator that asks for a role.
    Signing in is itself a proof. A page leads to the provider and back; htmx is told to ask and to send the request
    again, which ``confirm.js`` does.
    """
    return _protected(Permission.SIGNED_IN, view, confirmed=True)


def authorize(action: str, thing: object) -> None:
    """Let a view go on if whoever asks may do this to a thing of the host's own; otherwise it is answered with 403.

    For views below ``login_required`` and its like, which give that answer. Ask before anything is changed: what
    the view has not committed by then is lost.

    :param thing: an object, or its class where there is no object yet.
    :raises NoObjectRule: if nobody has declared who may do that.
    :raises NotSignedIn: if nobody is signed in.
    :raises NotAllowed: if she may not.
    """
    verdict = object_rules.decide(person(), action, thing)
    if verdict is Verdict.NOT_SIGNED_IN:
        raise NotSignedIn(visit().ended)
    if verdict is Verdict.ROLE:
        raise NotAllowed(object_rules.needed_role(action, thing))
    if verdict is Verdict.RULE:
        raise ObjectNotAllowed


def admin_required(view: Callable[P, Returned | Awaitable[Returned]]) -> Callable[P, ResponseReturnValue]:
    """Let a view be reached by administrators."""
    return _protected(Permission.ADMIN, view)


def editor_required(view: Callable[P, Returned | Awaitable[Returned]]) -> Callable[P, ResponseReturnValue]:
    """Let a view be reached by editors and administrators."""
    return _protected(Permission.EDITOR, view)


def background(view: V) -> V:
    """Mark a view as one that pages call by themselves, such as a poll: using it keeps nobody signed in.

    It may stand above or below the other decorators.
    """
    setattr(view, BACKGROUND, True)
    return view

"""The list of users, and one user: shown, edited, suspended, deleted."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import MethodNotAllowed

from ..accounts.errors import AlreadySo, EditConflict, FieldProblem, InvalidField
from ..accounts.listing import count_users, list_users
from ..accounts.names import find_names
from ..accounts.queries import UserQuery
from ..accounts.rules import Role, can_edit_user
from ..accounts.service import edit_user as edit, get_user, history_of_role, identities_of, toggle_active
from ..accounts.views import UserRow
from ..privacy.erasure import erase_user
from ..sessions.telling import living_sessions
from .account import shown_identity, shown_session
from .activity import activity_panel, note_reading
from .actor import signed_in
from .confirmation import require_confirmation
from .decorators import require
from .explain import reasons
from .fields import flag, in_words, number, refuse_unknown
from .htmx import current_page, trigger, wants_json, wants_part
from .language import text
from .ours import asked_of_us
from .paging import list_url
from .permissions import Permission
from .problems import problem
from .sent import method_meant, sent
from .standing import changing, still_may
from .state import state
from .taken import USER_FILTERS
from .undo import flash_with_undo
from .way_back import way_back

# What the list can be asked for by an address.
FILTERS = (*USER_FILTERS, "after")
ROLES = [role.value for role in Role]


def users() -> ResponseReturnValue:
    refuse_unknown(asked_of_us(FILTERS), FILTERS)
    query = query_of(request.args)
    with state().database.reading() as connection:
        page, count = list_users(connection, query), count_users(connection, query)
    if wants_json():
        return jsonify(users=[row.to_dict() for row in page.rows], next=page.next)
    url_with = partial(list_url, "gatehouse.users", query.parameters())
    template = "gatehouse/users/_user_table.html" if wants_part() else "gatehouse/users/users.html"
    return render_template(template, page=page, count=count, query=_shown(query), url_with=url_with, **_common())


def user(user_id: int) -> ResponseReturnValue:
    """Answer GET, PUT and DELETE; and POST with ``_method``, which is how a form without script says the others."""
    method = method_meant()
    if method == "PUT":
        return _save(user_id)
    if method == "DELETE":
        # The table lets a POST through for either meaning; this one is for fewer people.
        require(Permission.ADMIN_NOT_SELF, user_id)
        require_confirmation()
        return _delete(user_id)
    if request.method != "GET":
        # A form that does not say which of them it means. HEAD is GET by now.
        raise MethodNotAllowed(["GET", "HEAD", "PUT", "DELETE"])
    with state().database.reading() as connection:
        row = get_user(connection, user_id)
    if wants_json():
        return jsonify(row.to_dict())
    return _markup(row) if wants_part() else _page(row)


def edit_user(user_id: int) -> ResponseReturnValue:
    with state().database.reading() as connection:
        row = get_user(connection, user_id)
    if wants_json():
        # What an edit must know, which the list leaves out.
        return jsonify(row.to_changed_dict())
    return _form(row, {"name": row.name, "role": row.role.value}, {}, 200) if wants_part() else _page(row)


def toggle_user(user_id: int) -> ResponseReturnValue:
    wanted = flag(sent(), "is_active")
    try:
        with changing() as db:
            row = toggle_active(db, user_id, wanted=wanted)
            if row.is_active and row.role is Role.ADMIN:
                # Otherwise an open browser lets in whoever was one and is kept out.
                require_confirmation()
    except AlreadySo as so:
        return _so_already(so.current)
    undo = {
        "url": url_for("gatehouse.toggle_user", user_id=user_id),
        "fields": {"is_active": "false" if row.is_active else "true"},
        "target": f"#user-{user_id}",
    }
    active, inactive = text("%(name)s is active again.", name=row.name), text("%(name)s is deactivated.", name=row.name)
    told = active if row.is_active else inactive
    return _changed(row, told, undo)


def query_of(parameters: Any) -> UserQuery:
    """Return what an address or a form asks of the list.

    :raises InvalidQuery: if it asks what the list does not know.
    """
    return UserQuery.parse(**{name: parameters.get(name, "") for name in FILTERS})


def _save(user_id: int) -> ResponseReturnValue:
    fields, as_administrator = sent(), signed_in().role is Role.ADMIN
    version = number(fields.get("version"))
    if wants_json() and not version:
        # A page is told of a conflict, which shows what there is; a program has left out what it must know.
        raise InvalidField({"version": FieldProblem.NOT_A_NUMBER if "version" in fields else FieldProblem.MISSING})
    try:
        with changing() as db:
            before = get_user(db, user_id)
            # What is left out stays as it is.
            values = {"name": fields.get("name", before.name), "role": fields.get("role", "")}
            _refuse_another_state(fields, before)
            if as_administrator and fields.get("role") == Role.ADMIN and before.role is not Role.ADMIN:
                require_confirmation()
            row = edit(
                db,
                user_id,
                name=values["name"],
                role=fields.get("role"),
                version=version,
                as_administrator=as_administrator,
            )
    except InvalidField as error:
        if wants_json():
            raise
        return _refused(user_id, values, in_words(error.fields), version)
    except EditConflict as conflict:
        return _conflict(conflict.current, values)
    if row.version == before.version:
        return _changed(row, text("Nothing has changed."), None)
    again = {"name": before.name, "version": str(row.version)} | ({"role": before.role} if as_administrator else {})
    address = url_for("gatehouse.user", user_id=user_id)
    undo = {"url": address, "method": "put", "fields": again, "target": f"#user-{user_id}"}
    return _changed(row, text("%(name)s was saved.", name=row.name), undo)


def _refuse_another_state(fields: Mapping[str, str], before: UserRow) -> None:
    if flag(fields, "is_active") not in {None, before.is_active}:
        raise InvalidField({"is_active": FieldProblem.NOT_HERE})


def _delete(user_id: int) -> ResponseReturnValue:
    here = state()
    with here.database.reading() as connection:
        row = get_user(connection, user_id)
    erase_user(here.database, here.settings, user_id, check=still_may)
    message = text("%(name)s was deleted.", name=row.name)
    if wants_json():
        return "", 200
    if wants_part():
        # The row is swapped for nothing at all; what is said goes by a header to the live region, which stays.
        return trigger(make_response(""), **{"gatehouse:message": {"target": "#gatehouse-messages", "text": message}})
    flash(message, "success")
    return redirect(url_for("gatehouse.users"), 303)


def _changed(row: UserRow, message: str, undo: dict[str, Any] | None) -> ResponseReturnValue:
    if wants_json():
        return jsonify(row.to_changed_dict())
    if wants_part():
        # The row comes first: a parser that has seen anything else drops the tags of a table.
        told = render_template("gatehouse/errors/_message.html", message=message, category="success", undo=undo)
        return make_response(_markup(row) + told)
    flash_with_undo(message, undo)
    # Back to where the form stood: the list as it was filtered, or her own page.
    return redirect(way_back(current_page()) or url_for("gatehouse.user", user_id=row.id), 303)


def _refused(user_id: int, values: dict[str, str], problems: dict[str, str], version: int) -> ResponseReturnValue:
    with state().database.reading() as connection:
        # The version that she began with: a mistake in a field must not hide that somebody else was faster.
        row = replace(get_user(connection, user_id), version=version)
    return _form(row, values, problems, 422) if wants_part() else (_page(row, values, problems), 422)


def _conflict(row: UserRow, values: dict[str, str]) -> ResponseReturnValue:
    if wants_json():
        # What was sent: neither what it left out, nor what that stands for.
        yours = {name: value for name, value in values.items() if name in sent()}
        return problem(409, "Somebody else was faster", current=row.to_changed_dict(), yours=yours)
    context = {"user": row, "values": values | {"role": values["role"] or row.role.value}, **_common()}
    if wants_part():
        return render_template("gatehouse/users/_user_conflict.html", version=row.version, **context), 409
    return _page(row, context["values"], conflict=True), 409


def _so_already(row: UserRow) -> ResponseReturnValue:
    """Tell whoever would have activated or deactivated somebody that another was faster, and show how she is."""
    if wants_json():
        return problem(409, "Somebody else was faster", current=row.to_changed_dict())
    active = text("%(name)s is active already: somebody else was faster.", name=row.name)
    inactive = text("%(name)s is deactivated already: somebody else was faster.", name=row.name)
    told = active if row.is_active else inactive
    if wants_part():
        said = render_template("gatehouse/errors/_message.html", message=told, category="warning")
        return _markup(row) + said, 409
    flash(told, "warning")
    return _page(row), 409


def _markup(row: UserRow) -> str:
    return render_template("gatehouse/users/_user_row.html", user=row, **_common())


def _form(row: UserRow, values: dict[str, str], problems: dict[str, str], status: int) -> ResponseReturnValue:
    page = render_template(
        "gatehouse/users/_user_form.html", user=row, values=values, problems=problems, version=row.version, **_common()
    )
    return page, status


def _page(
    row: UserRow,
    values: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
    *,
    conflict: bool = False,
) -> str:
    here, who = state(), signed_in()
    context: dict[str, Any] = {}
    if who.role is Role.ADMIN:
        note_reading(row.id)
    with here.database.reading() as connection:
        if can_edit_user(who.role, who.user_id, row.id):
            identities = identities_of(connection, row.id)
            context["identities"] = [shown_identity(identity) for identity in identities]
        if who.role is Role.ADMIN:
            sessions = living_sessions(connection, row.id, here.limits[row.role])
            context["sessions"] = [shown_session(session) for session in sessions]
            address = partial(url_for, "gatehouse.user_activity", user_id=row.id)
            context |= activity_panel(connection, row.id, address)
            history = history_of_role(connection, row.id)
            context["held_at"] = history.held_at
            context["explanation"] = reasons(row, history, find_names(connection, history.actors))
    return render_template(
        "gatehouse/users/user.html",
        user=row,
        values=values or {"name": row.name, "role": row.role.value},
        problems=problems or {},
        conflict=conflict,
        **context,
        **_common(),
    )


def _shown(query: UserQuery) -> dict[str, str]:
    return {"text": query.text, "role": query.role or "", "status": query.status or "", "sort": query.order}


def _common() -> dict[str, Any]:
    return {"may_administer": signed_in().role is Role.ADMIN, "roles": ROLES}

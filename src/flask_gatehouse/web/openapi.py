"""``/openapi.json``: what programs can ask, made from the routes as they are mounted and their descriptions."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import version

from flask import current_app, jsonify
from flask.typing import ResponseReturnValue

from .decorators import CONFIRMED, PERMISSIONS
from .operations import FORM, JSON, OPERATIONS, Operation
from .permissions import Permission
from .schemas import COUNT, ID, SCHEMAS, SESSION_ID, Schema, ref
from .state import state
from .taken import NOTHING, TAKES, Taken

_PARAMETERS = {"user_id": ID, "identity_id": ID, "session_id": SESSION_ID, "number": {"type": "integer", "minimum": 1}}
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
_PROBLEM: Schema = {
    "description": "Why it was refused (RFC 9457)",
    "content": {"application/problem+json": {"schema": ref("Problem")}},
}
# RFC 9110 section 10.2.3, always in seconds.
_WAIT: Schema = {"Retry-After": {"required": True, "schema": COUNT}}
_LATER = {429, 503}


def openapi() -> ResponseReturnValue:
    """Answer with the OpenAPI 3.1 document of this application."""
    here = state()
    paths: dict[str, Schema] = {}
    for rule, endpoint, permissions, confirmed in _routes(here.settings.url_prefix):
        for method, permission in permissions.items():
            operation = OPERATIONS.get((endpoint, method))
            if operation is not None:
                taken = TAKES.get((endpoint, method), NOTHING)
                described = _operation(rule, f"{endpoint}_{method.lower()}", method, permission, operation, taken)
                path = paths.setdefault(_PLACE.sub(r"{\1}", rule), {})
                path[method.lower()] = _with_confirmation(described, operation, always=method in confirmed)
    return jsonify(_document(paths, here.settings.external_url("/"), here.session_cookie))


def _routes(prefix: str) -> Iterator[tuple[str, str, dict[str, Permission], frozenset[str]]]:
    """Yield of each route of ours its address within ours, its name, its permissions and what must be confirmed."""
    for rule in current_app.url_map.iter_rules():
        view = current_app.view_functions[rule.endpoint]
        permissions = getattr(view, PERMISSIONS, None)
        if rule.endpoint.startswith("gatehouse.") and permissions:
            name = rule.endpoint.removeprefix("gatehouse.")
            yield rule.rule.removeprefix(prefix), name, permissions, getattr(view, CONFIRMED, frozenset())


def _document(paths: dict[str, Schema], server: str, cookie: str) -> Schema:
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Flask-Gatehouse",
            "version": version("Flask-Gatehouse"),
            "description": "Every route answers these to `Accept: application/json`. Changes carry the token that "
            "`/account` tells, as `X-CSRFToken`. Lists give `next`, with which the next page is asked for: as `after` "
            "where users are listed, as `before` everywhere else. Where `x-confirmation` stands, a problem of type "
            "`confirmation-required` says that the person must confirm at `/auth/confirm` first.",
        },
        "servers": [{"url": server.rstrip("/") or "/"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": cookie}},
            "responses": {
                "Problem": _PROBLEM,
                "Later": _PROBLEM | {"description": "When to ask again, and why (RFC 9457)", "headers": _WAIT},
            },
        },
    }


def _operation(rule: str, name: str, method: str, permission: Permission, operation: Operation, taken: Taken) -> Schema:
    public, changes = permission is Permission.PUBLIC, method != "GET"
    parameters = [_parameter(place, "path", _PARAMETERS[place]) for place in _PLACE.findall(rule)]
    parameters += [_parameter(asked, "query", schema) for asked, schema in operation.query.items()]
    parameters += [_parameter(asked, "query", schema, required=True) for asked, schema in taken.query.items()]
    if changes:
        parameters.append(_parameter("X-CSRFToken", "header", {"type": "string"}, required=True))
    described: Schema = {
        "operationId": name,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {str(status): _answer(status, schema) for status, schema in operation.answers.items()},
        "security": [] if public else [{"session": []}],
    }
    if taken.body is not None:
        schemas = {JSON: taken.body, FORM: taken.form or taken.body}
        content = {media: {"schema": schemas[media]} for media in operation.media}
        is_needed = bool(taken.body.get("required", True))
        described["requestBody"] = {"required": is_needed, "content": content}
    for status in sorted({*operation.refusals, *_refusals(permission, changes=changes)}):
        kind = "Later" if status in _LATER else "Problem"
        described["responses"].setdefault(str(status), {"$ref": f"#/components/responses/{kind}"})
    return described


def _with_confirmation(described: Schema, operation: Operation, *, always: bool) -> Schema:
    if not (always or operation.confirmed_sometimes):
        return described
    described["responses"].setdefault("403", {"$ref": "#/components/responses/Problem"})
    return described | {"x-confirmation": "always" if always else "sometimes"}


def _parameter(name: str, place: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"name": name, "in": place, "required": required or place == "path", "schema": schema}


def _answer(status: int, schema: Schema | None) -> Schema:
    described: Schema = {"description": HTTPStatus(status).phrase}
    if schema is not None:
        described["content"] = {JSON: {"schema": schema}}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        described["headers"] = _WAIT
    return described


def _refusals(permission: Permission, *, changes: bool) -> set[int]:
    """Return the statuses with which the guard of a route may refuse."""
    if permission is Permission.PUBLIC:
        return set()
    forbidden = set() if permission is Permission.SIGNED_IN else {403}
    # Without the token, or with a body that is none or too large, or with what is not taken: noticed before the view.
    return {401} | _LATER | forbidden | ({400, 413, 415, 422} if changes else set())

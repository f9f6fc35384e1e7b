"""Every route, from the table that makes them, the matrix of who may, and what is recorded."""

from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.permissions import Permission
from flask_gatehouse.web.routes import Route

from .events import link
from .markdown import code
from .recorded import BY_ROUTES

WHO = {
    Permission.PUBLIC: "anyone",
    Permission.SIGNED_IN: "whoever is signed in",
    Permission.VIEWER: "viewers",
    Permission.EDITOR: "editors",
    Permission.ADMIN: "administrators",
    Permission.USER_LIST: "whoever has the role of `GATEHOUSE_USER_LIST_ROLE`",
    Permission.SELF_OR_ADMIN: "she herself, and administrators",
    Permission.ADMIN_NOT_SELF: "administrators, not on themselves",
}


def text() -> str:
    return "\n\n".join(_described(route) for route in ROUTES) + "\n"


def _described(route: Route) -> str:
    notes = _notes(route)
    lines = [f"## {code(route.rule)}", *([notes] if notes else [])]
    return "\n\n".join([*lines, "\n".join(_method(route, method) for method in route.may)])


def _method(route: Route, method: str) -> str:
    said = [f"- {code(method)}: {WHO[route.may[method]]}."]
    if method in route.confirmed:
        said.append("Always asks who is there.")
    if events := BY_ROUTES.get((route.rule, method)):
        said.append(f"Records {', '.join(link(event) for event in events)}.")
    return " ".join(said)


def _notes(route: Route) -> str:
    said = {
        "only in development": route.development,
        "pages ask it by themselves": route.background,
        "answers by http too, and is not limited": route.probe,
        "answers with a file": route.download,
    }
    notes = "; ".join(words for words, holds in said.items() if holds)
    return f"{notes[:1].upper()}{notes[1:]}." if notes else ""

"""Every route, from the table that makes them and the matrix of who may."""

from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.permissions import Permission
from flask_gatehouse.web.routes import Route

from .events import link
from .markdown import code, table
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
    rows = [
        (
            code(route.rule),
            method,
            WHO[permission],
            "yes" if method in route.confirmed else "",
            ", ".join(link(event) for event in BY_ROUTES.get((route.rule, method), ())),
            _notes(route),
        )
        for route in ROUTES
        for method, permission in route.may.items()
    ]
    return table(("route", "method", "who", "always asks who is there", "records", "besides"), rows)


def _notes(route: Route) -> str:
    said = {
        "only in the standalone application": route.standalone,
        "only in development": route.development,
        "pages ask it by themselves": route.background,
        "answers by http too, and is not limited": route.probe,
        "a file": route.download,
    }
    return "; ".join(words for words, holds in said.items() if holds)

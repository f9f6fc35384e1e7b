"""Who may enter where. The snapshot is the URL table as an outsider sees it: a new route has to be added here."""

import pytest
from flask import Flask

from flask_gatehouse import Role
from flask_gatehouse.web import ROUTES
from flask_gatehouse.web.permissions import Permission
from flask_gatehouse.web.routes import Route

SNAPSHOT = {
    ("/", "GET"): "public",
    ("/auth/login", "GET"): "public",
    ("/auth/login/<provider>", "GET"): "public",
    ("/auth/authorize/<provider>", "GET"): "public",
    ("/auth/logout", "GET"): "signed_in",
    ("/auth/logout", "POST"): "signed_in",
    ("/auth/session", "GET"): "signed_in",
    ("/auth/session", "POST"): "signed_in",
    ("/auth/confirm", "GET"): "signed_in",
    ("/auth/not-me/<token>", "GET"): "public",
    ("/auth/not-me/<token>", "POST"): "public",
    ("/dashboard", "GET"): "signed_in",
    ("/dashboard/administrator", "POST"): "signed_in",
    ("/users", "GET"): "user_list",
    ("/users/<int:user_id>", "GET"): "user_list",
    ("/users/<int:user_id>", "PUT"): "self_or_admin",
    ("/users/<int:user_id>", "POST"): "self_or_admin",
    ("/users/<int:user_id>", "DELETE"): "admin_not_self",
    ("/users/<int:user_id>/edit", "GET"): "self_or_admin",
    ("/users/<int:user_id>/activity", "GET"): "admin",
    ("/users/<int:user_id>/toggle-active", "POST"): "admin_not_self",
    ("/users/<int:user_id>/release", "POST"): "admin",
    ("/users/bulk", "POST"): "admin",
    ("/users/invitations", "GET"): "admin",
    ("/users/invitations", "POST"): "admin",
    ("/users/invitations", "DELETE"): "admin",
    ("/account", "GET"): "signed_in",
    ("/account/confirmed", "GET"): "signed_in",
    ("/account/export", "GET"): "signed_in",
    ("/account/delete", "GET"): "signed_in",
    ("/account/delete", "POST"): "signed_in",
    ("/users/<int:user_id>/export", "GET"): "admin",
    ("/account/activity", "GET"): "signed_in",
    ("/account/link/<provider>", "POST"): "signed_in",
    ("/account/identities/<int:identity_id>", "POST"): "signed_in",
    ("/account/identities/<int:identity_id>", "DELETE"): "signed_in",
    ("/account/sessions/others", "POST"): "signed_in",
    ("/account/sessions/others", "DELETE"): "signed_in",
    ("/account/sessions/<session_id>", "POST"): "signed_in",
    ("/account/sessions/<session_id>", "DELETE"): "signed_in",
    ("/admin/audit-logs", "GET"): "admin",
    ("/admin/audit-logs/<int:number>", "GET"): "admin",
    ("/admin/audit-logs/export", "GET"): "admin",
    ("/admin/audit-logs/news", "GET"): "admin",
    ("/admin/access-review", "GET"): "admin",
    ("/admin/access-review", "POST"): "admin",
    ("/openapi.json", "GET"): "signed_in",
    ("/healthz", "GET"): "public",
    ("/readyz", "GET"): "public",
    ("/metrics", "GET"): "public",
}


def test_the_table_says_who_may_enter_with_each_method() -> None:
    table = {(route.rule, method): who.value for route in ROUTES for method, who in route.may.items()}
    assert table == SNAPSHOT


def test_the_application_has_no_route_beside_the_table(app: Flask) -> None:
    ours = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.startswith("gatehouse_dev") and rule.endpoint != "gatehouse.static"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert ours == set(SNAPSHOT)


def test_a_route_that_names_nobody_does_not_start() -> None:
    with pytest.raises(ValueError, match="does not say who may enter"):
        Route("/open", "open", lambda: "", {})


@pytest.mark.parametrize(("rule", "method"), [key for key, who in SNAPSHOT.items() if who != "public"])
def test_whoever_is_not_signed_in_is_sent_to_sign_in(app: Flask, rule: str, method: str) -> None:
    address = (
        rule.replace("<session_id>", "x")
        .replace("<int:user_id>", "1")
        .replace("<int:identity_id>", "1")
        .replace("<int:number>", "1")
    )
    answer = app.test_client().open(address, method=method)
    assert answer.status_code == 302
    assert answer.location.startswith("/auth/login")


def test_development_routes_are_not_in_production(production_app: Flask) -> None:
    rules = {rule.rule for rule in production_app.url_map.iter_rules()}
    assert "/dashboard/administrator" not in rules
    assert not any("/dev/" in rule for rule in rules)


def test_permissions_know_every_role() -> None:
    assert {role.value for role in Role} <= {who.value for who in Permission}

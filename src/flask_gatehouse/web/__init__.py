"""Everything that knows HTTP. Below is the URL table: every route, its methods, and who may enter with each.

A request goes: ``actor`` finds the person, ``decorators.require`` decides, a page's module calls one service
and renders, ``limits`` counts, ``errors`` answers failures, ``headers`` closes. ``blueprint`` puts them together.
"""

from . import (
    access_review,
    account,
    activity,
    audit_log,
    auth,
    confirmation,
    dashboard,
    holds,
    invitations,
    linking,
    many,
    not_me,
    openapi,
    ops,
    personal_data,
    users,
)
from .limits import Limit
from .permissions import Permission
from .routes import Route

# Short names, so that a route stays on its line.
ANYONE, PERSON, ADMIN = Permission.PUBLIC, Permission.SIGNED_IN, Permission.ADMIN
# Methods of a route that are refused while the nodes cannot count together.
CHANGES = ("PUT", "POST", "DELETE")
READER, EDITS, REMOVES = Permission.USER_LIST, Permission.SELF_OR_ADMIN, Permission.ADMIN_NOT_SELF

ROUTES: tuple[Route, ...] = (
    Route("/", "index", auth.index, {"GET": ANYONE}),
    Route("/auth/login", "sign_in", auth.sign_in, {"GET": ANYONE}),
    Route("/auth/login/<provider>", "begin_sign_in", auth.begin_sign_in, {"GET": ANYONE}, limit=Limit.SIGN_IN),
    Route("/auth/authorize/<provider>", "finish_sign_in", auth.finish_sign_in, {"GET": ANYONE}, limit=Limit.SIGN_IN),
    Route("/auth/logout", "sign_out", auth.sign_out, {"GET": PERSON, "POST": PERSON}, pages=("GET",)),
    Route("/auth/session", "session_status", auth.session_status, {"GET": PERSON, "POST": PERSON}, background=True),
    Route("/auth/confirm", "confirm", auth.confirm, {"GET": PERSON}, limit=Limit.SIGN_IN),
    Route("/auth/not-me/<token>", "not_me", not_me.not_me, {"GET": ANYONE, "POST": ANYONE}, pages=("GET", "POST")),
    Route("/dashboard", "dashboard", dashboard.dashboard, {"GET": PERSON}, pages=("GET",)),
    Route("/dashboard/administrator", "claim_administration", dashboard.claim_administration, {"POST": PERSON},
          pages=("POST",), development=True, insists=CHANGES),
    Route("/users", "users", users.users, {"GET": READER}),
    Route("/users/<int:user_id>", "user", users.user, {"GET": READER, "PUT": EDITS, "DELETE": REMOVES, "POST": EDITS},
          confirmed=("DELETE",), insists=CHANGES),
    Route("/users/<int:user_id>/edit", "edit_user", users.edit_user, {"GET": EDITS}),
    Route("/users/<int:user_id>/activity", "user_activity", activity.user_activity, {"GET": ADMIN}),
    Route("/users/<int:user_id>/toggle-active", "toggle_user", users.toggle_user, {"POST": REMOVES}, insists=CHANGES),
    Route("/users/<int:user_id>/release", "release_user", holds.release, {"POST": ADMIN}, confirmed=("POST",),
          insists=CHANGES),
    Route("/users/bulk", "change_many", many.change_many, {"POST": ADMIN}, insists=CHANGES),
    Route("/users/<int:user_id>/export", "export_user", personal_data.export_user, {"GET": ADMIN}, confirmed=("GET",),
          download="user", insists=("GET",)),
    Route("/users/invitations", "invitations", invitations.invitations, {"GET": ADMIN, "POST": ADMIN, "DELETE": ADMIN},
          confirmed=("POST",), insists=CHANGES),
    Route("/account", "account", account.account, {"GET": PERSON}),
    Route("/account/export", "export_account", personal_data.export_account, {"GET": PERSON}, confirmed=("GET",),
          download="account", insists=("GET",)),
    Route("/account/delete", "delete_account", personal_data.delete_account, {"GET": PERSON, "POST": PERSON},
          confirmed=("GET", "POST"), pages=("GET",), insists=CHANGES),
    Route("/account/confirmed", "confirmed", confirmation.confirmed, {"GET": PERSON}, pages=("GET",)),
    Route("/account/activity", "my_activity", activity.my_activity, {"GET": PERSON}),
    Route("/account/link/<provider>", "link_identity", linking.link_identity, {"POST": PERSON}, confirmed=("POST",),
          pages=("POST",)),
    Route("/account/identities/<int:identity_id>", "unlink_identity", linking.unlink_identity,
          {"POST": PERSON, "DELETE": PERSON}, confirmed=("POST", "DELETE")),
    Route("/account/sessions/others", "end_other_sessions", account.end_other_sessions,
          {"POST": PERSON, "DELETE": PERSON}),
    Route("/account/sessions/<session_id>", "end_session", account.end_session, {"POST": PERSON, "DELETE": PERSON}),
    Route("/admin/access-review", "access_review", access_review.access_review, {"GET": ADMIN, "POST": ADMIN},
          pages=("GET", "POST"), insists=CHANGES),
    Route("/admin/audit-logs", "audit_log", audit_log.audit_log, {"GET": ADMIN}),
    Route("/admin/audit-logs/<int:number>", "audit_event", audit_log.audit_event, {"GET": ADMIN}),
    Route("/admin/audit-logs/export", "audit_export", audit_log.audit_export, {"GET": ADMIN}, confirmed=("GET",),
          download="audit_log", insists=("GET",)),
    Route("/admin/audit-logs/news", "audit_news", audit_log.audit_news, {"GET": ADMIN}, pages=("GET",),
          background=True),
    Route("/openapi.json", "openapi", openapi.openapi, {"GET": PERSON}),
    Route("/healthz", "healthz", ops.healthz, {"GET": ANYONE}, probe=True),
    Route("/readyz", "readyz", ops.readyz, {"GET": ANYONE}, probe=True),
    Route("/metrics", "metrics", ops.metrics, {"GET": ANYONE}, probe=True),
)  # fmt: skip

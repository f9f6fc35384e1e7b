"""The use cases of this room, each in the file of its kind."""

from .administration import (
    change_role,
    edit_user,
    get_user,
    toggle_active,
)
from .bootstrap import (
    appoint_administrator,
    claim_administration,
    find_claimant,
    invite_administrator,
)
from .bulk import change_many
from .history import history_of_role
from .holds import (
    Correspondent,
    HeldUser,
    find_correspondent,
    hold_user,
    list_held,
    release_user,
    remember_language,
)
from .invitations import (
    expire_invitations,
    find_invitation,
    find_invited_role,
    invite,
    list_invitations,
    withdraw_invitation,
)
from .joining import (
    approve_join_request,
    decline_join_request,
    expire_join_requests,
    find_approved_role,
    list_approved_requests,
    list_join_requests,
    request_to_join,
    withdraw_approval,
)
from .leaving import delete_user
from .listing import count_users, list_users
from .locks import count_administrators
from .profile import Profile
from .signing_in import find_identity_id, find_user_id, identities_of, register, sign_in_known
from .views import IdentityView, SignedInUser

__all__ = [
    "Correspondent",
    "HeldUser",
    "IdentityView",
    "Profile",
    "SignedInUser",
    "appoint_administrator",
    "approve_join_request",
    "change_many",
    "change_role",
    "claim_administration",
    "count_administrators",
    "count_users",
    "decline_join_request",
    "delete_user",
    "edit_user",
    "expire_invitations",
    "expire_join_requests",
    "find_approved_role",
    "find_claimant",
    "find_correspondent",
    "find_identity_id",
    "find_invitation",
    "find_invited_role",
    "find_user_id",
    "get_user",
    "history_of_role",
    "hold_user",
    "identities_of",
    "invite",
    "invite_administrator",
    "list_approved_requests",
    "list_held",
    "list_invitations",
    "list_join_requests",
    "list_users",
    "register",
    "release_user",
    "remember_language",
    "request_to_join",
    "sign_in_known",
    "toggle_active",
    "withdraw_approval",
    "withdraw_invitation",
]

"""What can go wrong with accounts, as facts."""

from collections.abc import Mapping
from enum import StrEnum

from ..kernel.errors import GatehouseError
from .rules import Role
from .views import InvitationView, JoinRequestView, UserRow


class UserNotFound(GatehouseError):
    """No user has this id, or no longer."""

    def __init__(self, user_id: int) -> None:
        super().__init__(f"no user {user_id}")
        self.user_id = user_id


class AddressTaken(GatehouseError):
    """The address belongs to another user, who signs in with another account.

    :param providers: names of the providers that the other user's identities are with.
    """

    def __init__(self, providers: tuple[str, ...]) -> None:
        super().__init__("the address belongs to another user")
        self.providers = providers


class IdentityTaken(GatehouseError):
    """The account at a provider is somebody else's way to sign in here.

    :param user_id: whose it is; None if she came at this very moment.
    """

    def __init__(self, user_id: int | None) -> None:
        super().__init__("the account belongs to another user")
        self.user_id = user_id


class IdentityNotFound(GatehouseError):
    """The account is none of this person's ways to sign in, or no longer."""


class LastIdentity(GatehouseError):
    """Without this account she would never come in again, so it stays."""


class AccountDeactivated(GatehouseError):
    """An administrator has deactivated this person's account."""

    def __init__(self, user_id: int) -> None:
        super().__init__(f"user {user_id} is deactivated")
        self.user_id = user_id


class AccountHeld(GatehouseError):
    """Somebody said that it was not she who signed in, and an administrator has not looked at it yet."""

    def __init__(self, user_id: int) -> None:
        super().__init__(f"user {user_id} is held")
        self.user_id = user_id


class AlreadyAdministrator(GatehouseError):
    """Whoever should become an administrator is one."""


class ConcurrentRegistration(GatehouseError):
    """Another request registered the same identity or address at the same moment; asking again finds it."""


class FieldProblem(StrEnum):
    """Why a value cannot be taken; a page puts it into words beside the field."""

    MISSING = "missing"
    TOO_LONG = "too_long"
    UNSEEN = "unseen"
    MARKUP = "markup"
    UNKNOWN = "unknown"
    NOT_AN_ADDRESS = "not_an_address"
    BINDS_NOBODY = "binds_nobody"
    IN_THE_PAST = "in_the_past"
    NOT_A_TIME = "not_a_time"
    NOT_LATER = "not_later"
    NOT_A_NETWORK_ADDRESS = "not_a_network_address"
    NOT_A_TEXT = "not_a_text"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_FLAG = "not_a_flag"
    NOT_A_LIST = "not_a_list"
    TOO_MANY = "too_many"
    NO_FILTER = "no_filter"
    NO_FIELD = "no_field"
    TWICE = "twice"
    NOT_HERE = "not_here"
    NOT_A_PLACE = "not_a_place"
    NOBODY = "nobody"
    TOO_MANY_PEOPLE = "too_many_people"


class InvalidField(GatehouseError):
    """Something in a form cannot be taken; nothing was written.

    :param fields: the name of each such field, and why.
    """

    def __init__(self, fields: Mapping[str, FieldProblem]) -> None:
        super().__init__(", ".join(f"{name}: {problem}" for name, problem in fields.items()))
        self.fields = dict(fields)


class InvalidQuery(InvalidField):
    """A list was asked for in words that it does not know."""


class LastAdministrator(GatehouseError):
    """Without this person nobody would be left who lets people in, so she stays an active administrator."""

    def __init__(self, user_id: int) -> None:
        super().__init__(f"user {user_id} is the last active administrator")
        self.user_id = user_id


class NotOnYourself(GatehouseError):
    """Nobody suspends or deletes herself here."""

    def __init__(self, user_id: int) -> None:
        super().__init__(f"user {user_id} tried this on herself")
        self.user_id = user_id


class RoleNotYours(GatehouseError):
    """A role was changed by somebody who is no administrator."""

    def __init__(self, user_id: int) -> None:
        super().__init__(f"the role of user {user_id} is for administrators to change")
        self.user_id = user_id


class EditConflict(GatehouseError):
    """Somebody else has changed the user since the form was made.

    :param current: the user as she is now; her ``version`` is the one to save on top of.
    :param name: what was to be written.
    :param role: what was to be written; None where the form had no role.
    """

    def __init__(self, current: UserRow, name: str, role: Role | None) -> None:
        super().__init__(f"user {current.id} has changed meanwhile")
        self.current = current
        self.name = name
        self.role = role


class AlreadySo(GatehouseError):
    """A user was to be activated or deactivated who is so already: whoever asked saw another state than the present.

    :param current: the user as she is now.
    """

    def __init__(self, current: UserRow) -> None:
        super().__init__(f"user {current.id} is {'active' if current.is_active else 'deactivated'} already")
        self.current = current


class AlreadyAUser(GatehouseError):
    """Whoever should be invited is here already."""

    def __init__(self, user_id: int) -> None:
        super().__init__(f"the address belongs to user {user_id}")
        self.user_id = user_id


class AlreadyInvited(GatehouseError):
    """The address is invited already; who means it invites it again, which replaces that.

    :param invitation: the one that there is.
    """

    def __init__(self, invitation: InvitationView) -> None:
        super().__init__(f"invitation {invitation.id} is for that address")
        self.invitation = invitation


class InvitationNotFound(GatehouseError):
    """No invitation has this id, or no longer: it may have been used, withdrawn or expired."""


class JoinRequestNotFound(GatehouseError):
    """Nobody has asked to join under this id, or she has come, or was forgotten."""


class JoinRequestChanged(GatehouseError):
    """Somebody has decided otherwise about a request to join: whoever decides saw another state than the present.

    :param current: the request as it is now: approved with that role, or declined if there is none.
    """

    def __init__(self, current: JoinRequestView) -> None:
        super().__init__(f"join request {current.id} is {current.approved_role or 'declined'} already")
        self.current = current


class ReviewUnfinished(GatehouseError):
    """A review of access was to be completed while somebody waits for a decision.

    :param part: in which list.
    """

    def __init__(self, part: str) -> None:
        super().__init__(f"somebody in {part} waits for a decision")
        self.part = part

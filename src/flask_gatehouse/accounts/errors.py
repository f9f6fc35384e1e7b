"""What can go wrong with accounts, as facts."""

from ..kernel.errors import GatehouseError


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


class AccountDeactivated(GatehouseError):
    """An administrator has deactivated this person's account."""

    def __init__(self, user_id: int) -> None:
        super().__init__(f"user {user_id} is deactivated")
        self.user_id = user_id


class AlreadyAdministrator(GatehouseError):
    """Whoever should become an administrator is one."""


class ConcurrentRegistration(GatehouseError):
    """Another request registered the same identity or address at the same moment; asking again finds it."""

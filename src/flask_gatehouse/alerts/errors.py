"""What can go wrong with telling somebody, as facts."""

from ..kernel.errors import GatehouseError


class LinkNotUsable(GatehouseError):
    """A link of a letter that we have not made, or that is too old, or whose person is gone."""

    def __init__(self) -> None:
        super().__init__("the link cannot be used")


class LetterRefused(GatehouseError):
    """A letter that will not be taken however often it is handed in, because of its address or of what it is.

    :param why: in the operator's words; never the address.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"the letter cannot be sent ({why})")

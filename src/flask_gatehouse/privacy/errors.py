"""What can go wrong with a person's data, as facts."""

from pathlib import Path

from ..kernel.errors import DependencyUnavailable, GatehouseError


class NothingHeld(GatehouseError):
    """Nothing is held about the owner of an address, or about the user of a number."""

    def __init__(self, whom: str) -> None:
        super().__init__(f"nothing is held about {whom}")
        self.whom = whom


class UnreadableLedger(GatehouseError):
    """The ledger of erasures cannot be read, so that anybody could come back unnoticed."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"the ledger of erasures, {path}, cannot be read: {why}")
        self.path = path
        self.why = why


class UnwritableLedger(DependencyUnavailable):
    """The ledger of erasures takes nothing now; what has to stand there waits in the database."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the ledger of erasures ({why})", 60)


class DamagedLedger(GatehouseError):
    """A line of the ledger of erasures cannot be read, so that somebody could come back unnoticed.

    :param torn: the line, if it is the last one and is cut off.
    """

    def __init__(self, path: Path, line: int, torn: bytes | None = None) -> None:
        how = "is damaged" if torn is None else "is cut off in the middle"
        super().__init__(
            f"line {line} of the ledger of erasures {path} {how}: bring the file back from its own copy, or take the"
            " line out if whoever it names may come back"
        )
        self.path = path
        self.line = line
        self.torn = torn

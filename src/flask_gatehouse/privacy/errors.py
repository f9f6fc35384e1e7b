"""What can go wrong with a person's data, as facts."""

from pathlib import Path

from ..kernel.errors import GatehouseError


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


class DamagedLedger(GatehouseError):
    """A line of the ledger of erasures cannot be read, so that somebody could come back unnoticed."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(f"line {line} of the ledger of erasures {path} is damaged")
        self.path = path
        self.line = line

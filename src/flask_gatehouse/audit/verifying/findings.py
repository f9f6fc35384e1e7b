"""What verification can find. ``docs/explanation/audit-trail.md`` tells an operator what to do then.

==================  ===================================================================================================
edited              An event, its personal values or a hash is not what was sealed.
deleted             An event that was sealed is gone.
truncated           The newest events are gone, and the database still remembers that there were more.
rolled back         The newest events are gone, and nothing in the database knows of them: an older copy stands there.
reordered           Events stand in another order than the one in which they were sealed.
inserted            An event stands where none was sealed.
unrecorded erasure  Personal values are gone, and no event says that somebody erased them.
wrong epoch         A checkpoint or a tree is not of this trail, or one epoch does not continue the one before.
==================  ===================================================================================================
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    EDITED = "edited"
    DELETED = "deleted"
    TRUNCATED = "truncated"
    ROLLED_BACK = "rolled back"
    REORDERED = "reordered"
    INSERTED = "inserted"
    UNRECORDED_ERASURE = "unrecorded erasure"
    WRONG_EPOCH = "wrong epoch"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    :param epoch: the tree in which it is wrong.
    :param first: the first position that it concerns.
    :param last: the last one. Where a checkpoint does not fit, the two are certain, and the kind is inferred.
    :param sentence: what was seen, for whoever has to act on it.
    """

    kind: Kind
    epoch: int
    first: int
    last: int
    sentence: str

    @property
    def where(self) -> str:
        """Return the positions in words."""
        places = f"position {self.first:,}" if self.first == self.last else f"positions {self.first:,} to {self.last:,}"
        return f"{places} of epoch {self.epoch}"

    def contains(self, other: "Finding") -> bool:
        """Return whether another finding says the same more exactly."""
        return (
            self.epoch == other.epoch
            and self.first <= other.first
            and other.last <= self.last
            and (self.first, self.last) != (other.first, other.last)
        )


class Findings:
    """Every finding, of which so many are kept in full: a trail that was replaced would fill the memory."""

    KEPT = 100

    def __init__(self) -> None:
        self.count = 0
        self.kept: list[Finding] = []

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, *findings: Finding) -> None:
        self.count += len(findings)
        self.kept += findings[: max(0, self.KEPT - len(self.kept))]

    @property
    def first(self) -> Finding | None:
        """Return the first bad position, as exactly as it is known."""
        exact = [one for one in self.kept if not any(one.contains(other) for other in self.kept)]
        return min(exact, key=lambda one: (one.epoch, one.first), default=None)

"""What a verification tells: in words for people, and in JSON for machines."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ...kernel.text import roughly
from .findings import Findings
from .held_against import KeptCheckpoint

_FORGED = "Whoever writes to it could have put a trail there that agrees with itself: keep checkpoints elsewhere."


@dataclass(slots=True)
class Range:
    """What was verified of one epoch.

    :param first: events before it have left by retention.
    :param size: how many leaves there are.
    :param vouched: the size of the newest checkpoint that fits; 0 if none does.
    :param widest: the two sizes between which no checkpoint stands for the longest stretch.
    """

    epoch: int
    origin: str
    first: int
    size: int
    vouched: int = 0
    widest: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Report:
    """The result of one verification.

    :param unsealed: events that are committed and have no place yet, for which nothing can vouch.
    :param doubts: what could not be judged; with any of these the trail does not count as intact.
    :param notices: what is in order, and what somebody should know nevertheless.
    :param checkpoints: how many were held against the trail.
    :param outside: how many of them came from elsewhere than the database.
    """

    ranges: list[Range] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    unsealed: int = 0
    doubts: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    checkpoints: int = 0
    outside: int = 0
    newest_outside: KeptCheckpoint | None = None

    @property
    def exit_code(self) -> int:
        """Return 0 for an intact trail, 1 for one that was tampered with, 2 where that could not be decided."""
        return 1 if self.findings else 2 if self.doubts else 0

    def sentences(self, now: datetime) -> list[str]:
        """Return what an operator should read, the most important first."""
        return [
            *self._verdict(),
            *(f"{finding.kind.capitalize()}: {finding.where}. {finding.sentence}" for finding in self.findings.kept),
            *([f"There are {self.findings.count:,} findings in all."] if self.findings.count > 1 else []),
            *(f"Could not be judged: {doubt}" for doubt in self.doubts),
            *self._ranges(),
            *self._witnesses(now),
            *self.notices,
        ]

    def _verdict(self) -> list[str]:
        first = self.findings.first
        if first is not None:
            return [f"The trail was tampered with. The first bad place is {first.where}: {first.kind}."]
        if self.doubts:
            return ["The trail could not be verified."]
        intact = "The trail is intact as far as checkpoints vouch for it."
        return [intact if self.checkpoints else "The trail agrees with itself."]

    def _ranges(self) -> list[str]:
        said = [
            f"Verified events {one.first:,} to {one.size - 1:,} of epoch {one.epoch}."
            if one.size > one.first
            else f"Epoch {one.epoch} holds no event."
            for one in self.ranges
        ]
        said = said or ["Nothing is sealed."]
        waiting = "1 event is" if self.unsealed == 1 else f"{self.unsealed:,} events are"
        return [*said, f"{waiting} not sealed yet: nobody could tell if one of them went."] if self.unsealed else said

    def _witnesses(self, now: datetime) -> list[str]:
        if not self.checkpoints:
            return [f"No checkpoint was there: nothing outside of the database vouched for this. {_FORGED}"]
        if self.newest_outside is None:
            return [f"Every checkpoint was the database's own, and whoever writes to it can delete them. {_FORGED}"]
        return [*self._newest(self.newest_outside, now), *self._gaps()]

    def _newest(self, newest: KeptCheckpoint, now: datetime) -> list[str]:
        age = "of unknown age" if newest.at is None else f"{roughly(now - newest.at)} old"
        after = sum(one.size - (newest.size if one.epoch == newest.epoch else 0) for one in self.ranges
                    if one.epoch >= newest.epoch)  # fmt: skip
        uncovered = "no sealed event is newer" if after <= 0 else f"{after:,} sealed events are newer than it"
        return [f"The newest checkpoint outside of the database is {age} ({newest.source}); {uncovered}."]

    def _gaps(self) -> list[str]:
        return [
            f"The widest gap between checkpoints of epoch {one.epoch} is from {one.widest[0]:,} to {one.widest[1]:,}."
            for one in self.ranges
            if one.widest[1] > one.widest[0]
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        newest, shown = self.newest_outside, None
        if newest is not None:
            at = None if newest.at is None else newest.at.isoformat()
            shown = {"source": newest.source, "epoch": newest.epoch, "size": newest.size, "at": at}
        return {
            "result": ("intact", "tampered", "unverified")[self.exit_code],
            "epochs": [asdict(one) for one in self.ranges],
            "findings": [asdict(one) for one in self.findings.kept],
            "findings_count": self.findings.count,
            "doubts": self.doubts,
            "notices": self.notices,
            "unsealed": self.unsealed,
            "checkpoints": self.checkpoints,
            "checkpoints_outside": self.outside,
            "newest_outside": shown,
        }

"""What is said of an examination: to people, to scripts, and as an exit code."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from .finding import Result
from .running import Examined


@dataclass(frozen=True, slots=True)
class Report:
    """What all checks have found.

    :param url: the deployment that was examined, if there was one.
    """

    examined: Sequence[Examined]
    url: str | None = None

    @property
    def result(self) -> Result:
        """Return the worst of what was found, of which a warning is as good as well."""
        found = {one.finding.result for one in self.examined}
        if Result.FAILED in found:
            return Result.FAILED
        return Result.UNKNOWN if Result.UNKNOWN in found or not found else Result.OK

    @property
    def exit_code(self) -> int:
        return {Result.FAILED: 1, Result.UNKNOWN: 2}.get(self.result, 0)

    @property
    def summary(self) -> str:
        numbers = Counter(one.finding.result for one in self.examined)
        words = {
            Result.OK: "well",
            Result.WARNING: "to know about",
            Result.FAILED: "failed",
            Result.UNKNOWN: "could not be told",
        }
        return f"{len(self.examined)} checks: {', '.join(f'{numbers[one]} {words[one]}' for one in Result)}."

    def as_json(self) -> dict[str, Any]:
        """Return it as ``docs/reference/doctor.md`` describes it."""
        return {
            "result": self.result.value,
            "version": version("Flask-Gatehouse"),
            "url": self.url,
            "checks": [
                {
                    "name": one.check.name,
                    "about": one.check.about or None,
                    "title": one.check.title,
                    "item": one.check.item.value,
                    "result": one.finding.result.value,
                    "evidence": one.finding.evidence,
                    "mend": one.finding.mend or None,
                }
                for one in self.examined
            ],
        }

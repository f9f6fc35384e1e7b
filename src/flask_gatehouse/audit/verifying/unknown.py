"""Values that are gone and nobody knows whose they were: they may leave once they are old and an event says so.

Of each hour no more is remembered than where the first and the last of them is, so that ten years cost little.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

# The hour in a moment such as 2026-11-27T01:02:03.000004.
_HOUR = 13
Place = tuple[int, int]


@dataclass(slots=True)
class Unknown:
    """What is not explained yet.

    :param hours: of each hour the first and the last value of it, as the moment of its event and epoch and position.
    """

    hours: dict[str, tuple[tuple[str, Place], tuple[str, Place]]] = field(default_factory=dict)

    def add(self, at: str, place: Place) -> None:
        """Take a value of an event that happened then."""
        first, last = self.hours.get(at[:_HOUR], ((at, place), (at, place)))
        self.hours[at[:_HOUR]] = min(first, (at, place)), max(last, (at, place))

    def add_all(self, others: "Unknown") -> None:
        """Take what is not explained in another part of the trail."""
        for first, last in others.hours.values():
            self.add(*first)
            self.add(*last)

    def explain(self, before: str) -> int:
        """Forget what happened before a moment that a later event names; return whether that was anything."""
        explained = 0
        for hour, (first, last) in list(self.hours.items()):
            if last[0] < before:
                del self.hours[hour]
                explained = 1
            elif first[0] < before:
                # Somewhere between the two; the last one is not explained for certain.
                self.hours[hour] = last, last
                explained = 1
        return explained

    def places(self) -> Iterator[Place]:
        """Yield where there is something that nothing explains."""
        return (place for (_, place), _ in self.hours.values())

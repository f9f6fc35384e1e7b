"""What happened where a checkpoint does not fit.

That something happened there is certain: nobody can make another tree with the same root. What it was can only be
inferred from what whoever did it did not put right: ids, times, and the time in each event's UUID.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ..snapshot import STRETCH, Snapshot
from .findings import Kind

# Transactions that overlap commit in another order than that in which they began.
TOLERANCE_MS = 2000


@dataclass(frozen=True, slots=True)
class Evidence:
    """The kind that the events of a range speak for.

    :param sentence: what speaks for it, and where.
    """

    kind: Kind
    sentence: str


@dataclass(frozen=True, slots=True)
class _Event:
    """An event and two moments in milliseconds: the one in its UUID, and the one that it names."""

    position: int
    event_id: int
    made: int
    named: int


class _Order:
    """Goes through neighbours and remembers the first place at which something about their order is odd."""

    def __init__(self) -> None:
        self.odd: dict[str, int] = {}

    def look(self, before: _Event | None, event: _Event, after: _Event | None) -> None:
        if abs(event.made - event.named) > TOLERANCE_MS:
            self.odd.setdefault("contradiction", event.position)
        if after is None:
            return
        if after.made < event.made - TOLERANCE_MS:
            self.odd.setdefault("backwards", after.position)
        if after.event_id > event.event_id + 1:
            self.odd.setdefault("gap", after.position)
        if before is not None and before.made <= after.made + TOLERANCE_MS:
            if event.made > after.made + TOLERANCE_MS:
                self.odd.setdefault("late", event.position)
            elif event.made < before.made - TOLERANCE_MS:
                self.odd.setdefault("early", event.position)


def infer_kind(snapshot: Snapshot, epoch: int, first: int, last: int) -> Evidence:
    """Return what the events from one position to another, and their neighbours, tell."""
    order = _Order()
    before: _Event | None = None
    event: _Event | None = None
    for after in _events(snapshot, epoch, max(0, first - 1), last + 1):
        if event is not None:
            order.look(before, event, after)
        before, event = event, after
    if event is not None:
        order.look(before, event, None)
    return _judge(order.odd)


def _judge(odd: dict[str, int]) -> Evidence:
    if "backwards" in odd:
        # One that stands between neighbours who agree with each other came from elsewhere; two have changed places.
        alone = [odd[name] for name in ("late", "early") if name in odd]
        if len(alone) == 1:
            return Evidence(
                Kind.INSERTED, f"the event at position {alone[0]:,} is of a time that does not fit in there"
            )
        return Evidence(Kind.REORDERED, f"the event at position {odd['backwards']:,} is older than the one before it")
    if "contradiction" in odd:
        return Evidence(Kind.EDITED, f"the event at position {odd['contradiction']:,} names another time than its UUID")
    if "gap" in odd:
        return Evidence(
            Kind.DELETED,
            f"an id is missing before position {odd['gap']:,}, which a transaction that was rolled back leaves too",
        )
    return Evidence(Kind.EDITED, "order, ids and times are as they should be")


def _events(snapshot: Snapshot, epoch: int, first: int, last: int) -> Iterator[_Event]:
    for start in range(first, last + 1, STRETCH):
        for row in snapshot.rows(epoch, start, min(start + STRETCH, last + 1)):
            try:
                content = json.loads(row[-1])
                made = int(content["id"].replace("-", "")[:12], 16)
                named = int(datetime.fromisoformat(content["at"]).timestamp() * 1000)
            except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
                continue
            yield _Event(row[0], row[1], made, named)

"""Reading what an export is asked for, in pieces and in the order of the tree.

A database finds the events of a filter by its indexes, in an order of its own, and sorts nothing but their positions.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from ..agreement import Row
from ..models import AuditEventRow, AuditLeaf
from ..snapshot import STRETCH, Snapshot
from .sections import Section
from .selection import Selection

Advance = Callable[[int], None]
Conditions = Sequence[ColumnElement[bool]]


def stretches(
    trail: Snapshot, section: Section, first: int, to: int, selection: Selection, advance: Advance
) -> Iterator[list[Row]]:
    """Yield the chosen events of each stretch; one that was deleted is missing, which a verifier says.

    :param advance: is told how many more events have been passed, chosen or not.
    """
    passed = first
    for rows, end in _pieces(trail, section.epoch, first, to, selection.conditions):
        yield [Row._make(row) for row in rows if isinstance(row[-1], str)]
        advance(end - passed)
        passed = end
    advance(to - passed)


def unsealed(trail: Snapshot, selection: Selection) -> Iterator[Row]:
    """Yield the chosen events that no tree holds yet, by their numbers."""
    after = trail.number("SELECT max(watermark) FROM gatehouse_audit_trees")
    while rows := [Row._make(row) for row in trail.unsealed_rows(after, STRETCH)]:
        numbers = _numbers(trail, rows[0].event_id, rows[-1].event_id, selection.conditions)
        chosen = (row for row in rows if numbers is None or row.event_id in numbers)
        yield from (row for row in chosen if isinstance(row.body, str))
        after = rows[-1].event_id


def _pieces(
    trail: Snapshot, epoch: int, first: int, to: int, conditions: Conditions
) -> Iterator[tuple[list[tuple[Any, ...]], int]]:
    """Yield rows, and up to which position all that were asked for have been read."""
    if conditions:
        for positions in _positions(trail, epoch, first, to, conditions):
            yield trail.rows_at(epoch, positions), positions[-1] + 1
        return
    for start in range(first, to, STRETCH):
        end = min(start + STRETCH, to)
        yield trail.rows(epoch, start, end), end


def _positions(trail: Snapshot, epoch: int, first: int, to: int, conditions: Conditions) -> Iterator[Sequence[int]]:
    """Yield the positions of events that are so, ascending; the database sorts them, on its disk if it has to."""
    if first >= to:
        # A filter would be asked of everything that it means, to find nothing.
        return
    chosen = (
        select(AuditLeaf.position)
        .join(AuditEventRow, AuditEventRow.id == AuditLeaf.event_id)
        # The sums hide the index that has leaves in this order: a planner that knows no sizes walks it, and looks at
        # every event of the trail on its way.
        .where(AuditLeaf.epoch + 0 == epoch, (AuditLeaf.position + 0).between(first, to - 1), *conditions)
        .order_by(AuditLeaf.position)
        .execution_options(yield_per=STRETCH)
    )
    with trail.connection.execute(chosen) as found:
        yield from found.scalars().partitions()


def _numbers(trail: Snapshot, first: int, last: int, conditions: Conditions) -> set[int] | None:
    """Return the numbers of events from one to another that are so; None if all are."""
    if not conditions:
        return None
    chosen = select(AuditEventRow.id).where(AuditEventRow.id.between(first, last), *conditions)
    return set(trail.connection.execute(chosen).scalars())

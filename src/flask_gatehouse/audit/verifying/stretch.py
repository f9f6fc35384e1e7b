"""One stretch of a tree: each event against its leaf and its body, and the hashes of the subtrees above.

A stretch needs nothing of the ones before it. What only several of them can tell, it hands on.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..agreement import Row, absent_subjects, read_closely
from ..content import Disagreement, UnknownVersion, content_of
from ..events import AuditEvent
from ..snapshot import Snapshot, is_hash
from ..tree import LEAF_PREFIX, NODE_PREFIX, TILE_WIDTH, Frontier, leaf_hash
from .findings import Finding, Kind
from .unknown import Unknown

# Events whose details verification itself has to know.
NOTED = {AuditEvent.PERSONAL_DATA_ERASED, AuditEvent.CUT, AuditEvent.RESTORED}
# As long as a moment is, without its Z.
MOMENT = 26
NOTED_NAMES = tuple(str(event) for event in NOTED)


@dataclass(slots=True)
class Stretch:
    """What there is to know of the positions from ``start`` up to, and without, ``end``.

    :param tiles: the roots of its full subtrees of 256 leaves; None where a leaf is missing.
    :param subtrees: of sizes that were asked for, the perfect subtrees to the right of the last full tile.
    :param strangers: positions whose event is not what was sealed, with the hash of the leaf and that of the event.
    :param absent: to whom values belonged that are gone, and where the first of them is, without those that an
        erasure later in this stretch explains.
    :param erased: everybody of whom an event in this stretch says that she was erased.
    :param unknown: the same of values of which nobody knows whose they were.
    :param unknown_before: the latest moment before which events in this stretch say that such values were erased.
    :param noted: cuts and restores: position, name and details.
    :param doubts: what this release cannot judge.
    """

    epoch: int
    start: int
    end: int
    tiles: list[bytes | None] = field(default_factory=list)
    subtrees: dict[int, tuple[bytes, ...] | None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    strangers: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    absent: dict[str, int] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    unknown: Unknown = field(default_factory=Unknown)
    unknown_before: str = ""
    noted: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    leaves: int = 0


def read_stretch(snapshot: Snapshot, epoch: int, start: int, end: int, sizes: Iterable[int] = ()) -> Stretch:
    """Read a stretch and check whatever can be checked by itself.

    :param start: a multiple of 256.
    :param sizes: the sizes of the tree, within this stretch, whose roots will be asked for.
    """
    rows = snapshot.brief_rows(epoch, start, end)
    stretch = Stretch(epoch, start, end)
    _check_events(stretch, snapshot, rows)
    stretch.leaves = len(rows)
    hashes = [row[1] for row in rows]
    if len(rows) != end - start:
        hashes = _with_gaps(stretch, rows)
    for first in range(0, end - start - TILE_WIDTH + 1, TILE_WIDTH):
        stretch.tiles.append(_root_of_tile(hashes[first : first + TILE_WIDTH]))
    for size in sizes:
        stretch.subtrees[size] = _subtrees(hashes[(size - start) // TILE_WIDTH * TILE_WIDTH : size - start])
    return stretch


def _check_events(stretch: Stretch, snapshot: Snapshot, rows: Sequence[tuple[Any, ...]]) -> None:
    sha256, prefix, epoch = hashlib.sha256, LEAF_PREFIX, stretch.epoch
    # At most once, and all of them: one by one, each event with other values than these would take a query.
    in_full = cache(lambda: {row[0]: Row._make(row) for row in snapshot.rows(epoch, stretch.start, stretch.end)})
    for position, leaf, name, columns, ip, personal, body in rows:
        try:
            if sha256(prefix + body.encode()).digest() != leaf:
                _add_stranger(stretch, position, leaf, body)
                continue
            absent = absent_subjects(columns, ip, personal, body)
            if absent is None:
                absent = read_closely(in_full()[position])
            for subject in absent:
                if subject is None:
                    # What is there first with this name is when it happened, as the body agrees.
                    stretch.unknown.add(body.partition('"at":"')[2][:MOMENT], (epoch, position))
                else:
                    stretch.absent.setdefault(subject, position)
            if name in NOTED:
                _note(stretch, position, name, body)
        except Disagreement as error:
            _add(stretch, Kind.EDITED, position, f"The event is not as it was recorded: {error}.")
        except UnknownVersion as error:
            stretch.doubts.append(f"The event at position {position:,} of epoch {epoch} cannot be judged: {error}.")
        except (AttributeError, TypeError, UnicodeEncodeError):
            _add_unreadable(stretch, position, name, body)


def _add(stretch: Stretch, kind: Kind, position: int, sentence: str, last: int | None = None) -> None:
    stretch.findings.append(Finding(kind, stretch.epoch, position, position if last is None else last, sentence))


def _add_stranger(stretch: Stretch, position: int, leaf: object, body: str) -> None:
    if is_hash(leaf):
        stretch.strangers.append((position, leaf, leaf_hash(body.encode())))
    else:
        _add(stretch, Kind.EDITED, position, "Its leaf is not a hash.")


def _add_unreadable(stretch: Stretch, position: int, name: object, body: object) -> None:
    if body is None and name is None:
        _add(stretch, Kind.DELETED, position, "An event was sealed here, and it is gone.")
    else:
        _add(stretch, Kind.EDITED, position, "The event holds what is no text.")


def _note(stretch: Stretch, position: int, name: str, body: str) -> None:
    details = content_of(body)["details"]
    if name == AuditEvent.PERSONAL_DATA_ERASED:
        subjects = subjects_of(details)
        stretch.erased |= subjects
        for subject in subjects:
            stretch.absent.pop(subject, None)
        before = unknown_before(details)
        stretch.unknown.explain(before)
        stretch.unknown_before = max(stretch.unknown_before, before)
    else:
        stretch.noted.append((position, name, details))


def subjects_of(details: dict[str, Any]) -> set[str]:
    """Return whose values an erasure erased."""
    subjects = details.get("subjects")
    return {one for one in subjects if isinstance(one, str)} if isinstance(subjects, list) else set()


def unknown_before(details: dict[str, Any]) -> str:
    """Return before when the values were that an erasure erased of people whom nobody knows; empty if of none."""
    before = details.get("unknown_before")
    # As events write moments, so that texts are compared.
    return before[:-1] if isinstance(before, str) and re.fullmatch(r"[0-9-]{10}T[0-9:.]{15}Z", before) else ""


def _with_gaps(stretch: Stretch, rows: Sequence[tuple[Any, ...]]) -> list[bytes | None]:
    """Report the positions that have no leaf, and return the hashes with None in their place."""
    hashes: list[bytes | None] = [None] * (stretch.end - stretch.start)
    for row in rows:
        hashes[row[0] - stretch.start] = row[1]
    first = None
    for offset, value in enumerate([*hashes, b""]):
        if value is None and first is None:
            first = offset
        elif value is not None and first is not None:
            last = stretch.start + offset - 1
            _add(stretch, Kind.DELETED, stretch.start + first, "What was sealed here is gone, leaf and event.", last)
            first = None
    return hashes


def _root_of_tile(row: Sequence[bytes | None]) -> bytes | None:
    sha256 = hashlib.sha256
    try:
        while len(row) > 1:
            pairs = iter(row)
            # Whatever is None, or no bytes, cannot be joined.
            row = [sha256(NODE_PREFIX + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]  # type: ignore[operator]
    except TypeError:
        return None
    return row[0]


def _subtrees(leaves: Sequence[bytes | None]) -> tuple[bytes, ...] | None:
    frontier = Frontier()
    for leaf in leaves:
        if not is_hash(leaf):
            return None
        frontier.append(leaf)
    return frontier.subtrees

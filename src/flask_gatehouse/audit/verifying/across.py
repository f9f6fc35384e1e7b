"""What only the whole trail can tell: whether erasures and cuts are recorded, and whether anything is left over."""

from itertools import islice
from typing import Any

from ..content import Disagreement, UnknownVersion, content_of
from ..events import AuditEvent
from ..snapshot import Snapshot
from .epoch import Epoch, Tree
from .findings import Finding, Kind
from .report import Report
from .stretch import NOTED_NAMES, Stretch, subjects_of, unknown_before
from .unknown import Unknown

# Of many that are left over, so many are named.
NAMED = 20


class Across:
    """Takes the stretches in order and keeps, of each person, no more than where she was last erased."""

    def __init__(self, now: Snapshot, report: Report) -> None:
        self._now, self._report = now, report
        self._absent: dict[str, tuple[int, int]] = {}
        self._unknown = Unknown()
        self._cuts: dict[int, dict[str, Any]] = {}
        self._frontiers: dict[int, list[str]] = {}
        self._leaves = self._above_watermark = self._tiles = 0

    def take(self, stretch: Stretch) -> None:
        for erased in stretch.erased:
            self._absent.pop(erased, None)
        for subject, position in stretch.absent.items():
            self._absent.setdefault(subject, (stretch.epoch, position))
        self._unknown.explain(stretch.unknown_before)
        self._unknown.add_all(stretch.unknown)
        for _, name, details in stretch.noted:
            if name == AuditEvent.CUT:
                self._note_cut(details)
        self._leaves += stretch.leaves
        self._report.doubts += stretch.doubts[: max(0, NAMED - len(self._report.doubts))]

    def _note_cut(self, details: dict[str, Any]) -> None:
        epoch, to = details.get("epoch"), details.get("to")
        if isinstance(epoch, int) and isinstance(to, int) and to >= self._cuts.get(epoch, {"to": 0})["to"]:
            self._cuts[epoch] = details

    def leave(self, epoch: Epoch) -> None:
        """Keep what is needed of an epoch that was read."""
        self._tiles += epoch.grown.tiles
        if epoch.tree.cut:
            self._frontiers[epoch.tree.epoch] = [value.hex() for value in epoch.cut_frontier]

    def judge(self, trees: list[Tree]) -> None:
        """Report what is still unexplained at the end."""
        watermark = max((tree.watermark for tree in trees), default=0)
        self._take_unsealed(watermark)
        for subject, (epoch, position) in self._absent.items():
            sentence = f"Values of {subject} are gone, and no later event says so."
            self._add(Kind.UNRECORDED_ERASURE, epoch, position, position, sentence)
        for epoch, position in islice(sorted(self._unknown.places()), NAMED):
            sentence = "Values of somebody unknown are gone, and no later event says so."
            self._add(Kind.UNRECORDED_ERASURE, epoch, position, position, sentence)
        for tree in trees:
            if tree.cut:
                self._judge_cut(tree)
        self._count_leaves(trees)
        self._count_tiles(trees)
        self._count_events(trees, watermark)

    def _take_unsealed(self, watermark: int) -> None:
        """Let an erasure or a cut that the sealer has not reached yet explain what it explains."""
        after, waiting = watermark, 0
        while rows := self._now.events_without_leaf(after=after, limit=500, only=NOTED_NAMES):
            for _, name, body in rows:
                try:
                    details = content_of(body)["details"]
                except (Disagreement, UnknownVersion):
                    continue
                if name == AuditEvent.CUT:
                    self._note_cut(details)
                if name == AuditEvent.PERSONAL_DATA_ERASED:
                    waiting += self._explain(details)
            after = rows[-1][0]
        if waiting:
            erasures = "1 erasure is" if waiting == 1 else f"{waiting:,} erasures are"
            self._report.notices.append(f"{erasures} recorded, and not sealed yet.")

    def _explain(self, details: dict[str, Any]) -> bool:
        """Take what an erasure says that was not explained before; return whether that was anything."""
        hers = [self._absent.pop(subject, None) for subject in subjects_of(details)]
        return bool(self._unknown.explain(unknown_before(details))) or any(hers)

    def _judge_cut(self, tree: Tree) -> None:
        cut, last = self._cuts.get(tree.epoch), tree.cut - 1
        if cut is None or cut["to"] != tree.cut:
            sentence = "The tree's row says that these events have left by retention, and no event says so."
            self._add(Kind.DELETED, tree.epoch, 0, last, sentence)
        elif cut.get("frontier") != self._frontiers.get(tree.epoch):
            sentence = "The tiles are not those of the events that have left by retention."
            self._add(Kind.EDITED, tree.epoch, 0, last, sentence)
        else:
            kept = f" They are in {cut['file']}, SHA-256 {cut['sha256']}." if {"file", "sha256"} <= cut.keys() else ""
            self._report.notices.append(f"Events 0 to {last:,} of epoch {tree.epoch} have left by retention.{kept}")

    def _count_leaves(self, trees: list[Tree]) -> None:
        """Find leaves outside of every tree, which no stretch has met."""
        if self._now.number("SELECT count(*) FROM gatehouse_audit_leaves") == self._leaves:
            return
        known = {tree.epoch: tree for tree in trees}
        for epoch, first, last in self._now.all(
            "SELECT epoch, min(position), max(position) FROM gatehouse_audit_leaves GROUP BY epoch ORDER BY epoch"
        ):
            if epoch not in known:
                self._add(Kind.WRONG_EPOCH, epoch, first, last, "These leaves are of an epoch that has no tree.")
            elif first < known[epoch].cut:
                self._add(
                    *(Kind.INSERTED, epoch, first, known[epoch].cut - 1),
                    "Leaves stand where the tree's row says that events have left by retention.",
                )

    def _count_tiles(self, trees: list[Tree]) -> None:
        if self._now.number("SELECT count(*) FROM gatehouse_audit_tiles") != self._tiles and not self._report.findings:
            newest = trees[-1] if trees else None
            epoch, size = (newest.epoch, newest.size) if newest else (0, 0)
            self._add(Kind.INSERTED, epoch, size, size, "Tiles are stored that belong to no tree.")

    def _count_events(self, trees: list[Tree], watermark: int) -> None:
        above = self._now.number("SELECT count(*) FROM gatehouse_audit_events WHERE id > ?", watermark)
        below = self._now.number("SELECT count(*) FROM gatehouse_audit_events") - above
        above_sealed = self._now.number(
            "SELECT count(*) FROM gatehouse_audit_leaves l JOIN gatehouse_audit_events e ON e.id = l.event_id"
            " WHERE l.event_id > ?",
            watermark,
        )
        self._report.unsealed = above - above_sealed
        leaves_above = self._now.number("SELECT count(*) FROM gatehouse_audit_leaves WHERE event_id > ?", watermark)
        if below > self._leaves - leaves_above or self._report.findings:
            for event_id in self._now.misplaced_events(watermark, NAMED):
                self._judge_misplaced(trees, event_id)
        if watermark > self._now.highest_id_given():
            newest = trees[-1]
            sentence = "The watermark is above every id that was given out: events could stand below it unsealed."
            self._add(Kind.EDITED, newest.epoch, newest.size, newest.size, sentence)

    def _judge_misplaced(self, trees: list[Tree], event_id: int) -> None:
        rows = self._now.all(
            "SELECT epoch, position FROM gatehouse_audit_leaves WHERE event_id > ? ORDER BY event_id LIMIT 1", event_id
        )
        epoch, position = rows[0] if rows else (trees[-1].epoch, trees[-1].size)
        sentence = f"The event with the id {event_id} had to be sealed when its neighbours were, and was not."
        self._add(Kind.INSERTED, epoch, position, position, sentence)

    def _add(self, kind: Kind, epoch: int, first: int, last: int, sentence: str) -> None:
        self._report.findings.add(Finding(kind, epoch, first, last, sentence))

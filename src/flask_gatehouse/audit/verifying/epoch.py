"""One epoch of the trail: its stretches, its tree, and the checkpoints that it has to fit."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ..snapshot import STRETCH, Snapshot
from ..tree import TILE_WIDTH
from .findings import Finding, Kind
from .growing import GrowingTree
from .held_against import KeptCheckpoint, Queue
from .report import Range, Report
from .stretch import Stretch, read_stretch

# More events that are not the sealed ones are counted, and not told apart by what happened to them.
STRANGERS = 1000
Advance = Callable[[int], None]


class Tree(NamedTuple):
    """What the database says of a tree; its columns in this order."""

    epoch: int
    origin: str
    size: int
    root: bytes
    frontier: bytes
    watermark: int
    cut: int


class Epoch:
    """The reading of one tree, and what came of it.

    :ivar end: the position after the last leaf that is there, and that the tree's row knows of.
    :ivar strangers: positions whose event is not the sealed one, with the hash of the leaf and that of the event.
    :ivar rest: the subtrees to the right of the last full tile.
    :ivar cut_frontier: the subtrees of what left by retention.
    :ivar misfit: the first checkpoint that does not fit.
    """

    def __init__(self, snapshot: Snapshot, tree: Tree, report: Report) -> None:
        self.tree, self.report, self._snapshot = tree, report, snapshot
        self.findings_before = report.findings.count
        self.end = self._find_end()
        self.range = Range(tree.epoch, tree.origin, tree.cut, self.end)
        self.grown = GrowingTree(snapshot, tree.epoch)
        self.strangers: list[tuple[int, bytes, bytes]] = []
        self.rest: tuple[bytes, ...] | None = ()
        self.misfit: KeptCheckpoint | None = None
        self.cut_frontier: tuple[bytes, ...] = ()
        report.ranges.append(self.range)

    def stretches(self, queue: Queue, advance: Advance) -> Iterator[Stretch]:
        """Read what is there, and yield each stretch once the tree has grown by it."""
        epoch = self.tree.epoch
        self._pass_what_left(queue)
        for start in range(self.tree.cut, self.end, STRETCH):
            end = min(start + STRETCH, self.end)
            due = list(queue.until(epoch, end))
            sizes = {end, *(one.size for one in due)}
            stretch = read_stretch(self._snapshot, epoch, start, end, sizes)
            self._grow(stretch, due)
            self.strangers += stretch.strangers[: STRANGERS - len(self.strangers)]
            self.report.findings.add(*stretch.findings)
            yield stretch
            advance(end - start)

    @property
    def root(self) -> bytes | None:
        """Return the root of everything that was read; None where too much is missing to know it."""
        return self.grown.root(self.rest)

    def add(self, kind: Kind, first: int, last: int, sentence: str) -> None:
        self.report.findings.add(Finding(kind, self.tree.epoch, first, last, sentence))

    def _find_end(self) -> int:
        tree = self.tree
        last = self._snapshot.all("SELECT max(position) FROM gatehouse_audit_leaves WHERE epoch = ?", tree.epoch)[0][0]
        end = tree.cut if last is None else max(last + 1, tree.cut)
        if end < tree.size:
            sentence = f"The tree had {tree.size:,} leaves, of which the last are gone."
            self.add(Kind.TRUNCATED, end, tree.size - 1, sentence)
        elif end > tree.size:
            sentence = f"Leaves stand where the tree ends, which has {tree.size:,}."
            self.add(Kind.INSERTED, tree.size, end - 1, sentence)
        return max(min(end, tree.size), tree.cut)

    def _pass_what_left(self, queue: Queue) -> None:
        """Take up the tree where retention has cut it; the tiles before it are vouched for by the event of the cut."""
        between, tiles = 0, self.tree.cut // TILE_WIDTH
        for first in range(0, tiles, STRETCH):
            stored = self._snapshot.tiles(self.tree.epoch, 1, first, min(first + STRETCH, tiles))
            for index in range(first, min(first + STRETCH, tiles)):
                between += self._hold_at_tile(queue.until(self.tree.epoch, index * TILE_WIDTH))
                self.grown.append(None, stored.get(index))
        between += self._hold_at_tile(queue.until(self.tree.epoch, self.tree.cut))
        self.cut_frontier = self.grown.subtrees(())
        if between:
            self.report.notices.append(
                f"{between:,} checkpoints of epoch {self.tree.epoch} are of sizes whose events have left by retention."
            )

    def _hold_at_tile(self, checkpoints: Iterable[KeptCheckpoint]) -> int:
        """Hold against the tree what ends with its last tile, and return how many end between two tiles."""
        between = 0
        for checkpoint in checkpoints:
            if checkpoint.size == self.grown.size * TILE_WIDTH:
                self._hold_against(checkpoint, self.grown.root(()))
            else:
                between += 1
        return between

    def _grow(self, stretch: Stretch, due: Iterable[KeptCheckpoint]) -> None:
        first = stretch.start // TILE_WIDTH
        stored = self._snapshot.tiles(stretch.epoch, 1, first, first + len(stretch.tiles))
        tiles = deque(stretch.tiles)
        for checkpoint in due:
            self._grow_to(checkpoint.size // TILE_WIDTH, tiles, stored)
            self._hold_against(checkpoint, self.grown.root(stretch.subtrees[checkpoint.size]))
        self._grow_to(first + len(stretch.tiles), tiles, stored)
        self.rest = stretch.subtrees[stretch.end]

    def _grow_to(self, size: int, tiles: deque[bytes | None], stored: dict[int, bytes]) -> None:
        while self.grown.size < size:
            self.grown.append(tiles.popleft(), stored.get(self.grown.size))

    def _hold_against(self, checkpoint: KeptCheckpoint, root: bytes | None) -> None:
        if checkpoint.origin != self.tree.origin:
            sentence = f"{checkpoint.source} is of {checkpoint.origin}, and this is {self.tree.origin}."
            self.add(Kind.WRONG_EPOCH, 0, max(self.end - 1, 0), sentence)
        elif root is None:
            self.report.doubts.append(f"{checkpoint.source} could not be held against what is left.")
        elif self.misfit is None:
            if root == checkpoint.root:
                self._fits(checkpoint.size)
            else:
                self.misfit = checkpoint

    def _fits(self, size: int) -> None:
        before, widest = self.range.vouched, self.range.widest
        if size - before > widest[1] - widest[0]:
            self.range.widest = (before, size)
        self.range.vouched = size

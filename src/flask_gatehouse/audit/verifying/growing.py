"""The tree above the stretches of an epoch, grown again and held against what is stored of it."""

from collections.abc import Sequence

from ..snapshot import Snapshot, is_hash
from ..tree import HASH_LENGTH, TILE_HEIGHT, TILE_WIDTH, Frontier, join


class GrowingTree:
    """A tree whose leaves are the lowest tiles.

    :ivar altered: the indexes of the lowest tiles that are stored with another hash, or not stored.
    :ivar altered_above: the same of higher ones, as the first and last leaf below each.
    :ivar tiles: how many stored tiles belong to it.
    """

    def __init__(self, snapshot: Snapshot, epoch: int) -> None:
        rows = snapshot.all(
            'SELECT level, "index", hash FROM gatehouse_audit_tiles WHERE epoch = ? AND level > 1', epoch
        )
        self._stored_above = {(level, index): value for level, index, value in rows}
        self._above = Frontier()
        self._is_broken = False
        self.altered: list[int] = []
        self.altered_above: list[tuple[int, int]] = []
        self.tiles = 0

    @property
    def size(self) -> int:
        """Return the number of lowest tiles."""
        return self._above.size

    def append(self, computed: bytes | None, stored: bytes | None) -> None:
        """Add a tile; where leaves are missing, the stored one stands for them."""
        index = self._above.size
        self.tiles += stored is not None
        if computed is not None and computed != stored:
            self.altered.append(index)
        tile = computed or stored
        if not is_hash(tile):
            self._is_broken, tile = True, bytes(HASH_LENGTH)
        for full in self._above.append(tile):
            known = self._stored_above.get((full.level + 1, full.index))
            self.tiles += known is not None
            if known != full.hash:
                width = TILE_WIDTH << full.level * TILE_HEIGHT
                self.altered_above.append((full.index * width, (full.index + 1) * width - 1))

    def subtrees(self, rest: Sequence[bytes]) -> tuple[bytes, ...]:
        """Return the perfect subtrees of the tree with some more to the right of its last tile."""
        return (*self._above.subtrees, *rest)

    def root(self, rest: Sequence[bytes] | None) -> bytes | None:
        """Return the root of that tree; None where too much is missing to know it."""
        return None if self._is_broken or rest is None else join(self.subtrees(rest))

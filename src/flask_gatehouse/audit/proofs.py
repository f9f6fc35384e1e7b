"""Proofs about a tree: that an entry stands in it, and that it only grew (RFC 9162 sections 2.1.3 and 2.1.4)."""

from collections.abc import Callable, Sequence

from .tree import TILE_HEIGHT, TILE_WIDTH, join, node_hash

# Hashes of leaves (level 0) or tiles (level 1 and up) from the one index up to, and without, the other.
Fetch = Callable[[int, int, int], Sequence[bytes]]


class MissingHashes(Exception):
    """The store does not hold what a tree of this size consists of."""


class StoredTree:
    """A tree of a given size whose leaves and tiles are in a store.

    A proof reads one run of at most 256 hashes on each level; whatever is asked in order reads each run once.
    """

    def __init__(self, size: int, fetch: Fetch) -> None:
        self.size = size
        self._fetch = fetch
        # Of each level the run that was read last, and the one at the right edge, which every proof needs again: each
        # as the small tree above it.
        self._runs: dict[tuple[int, bool], tuple[int, list[list[bytes]]]] = {}

    def subtrees(self, size: int) -> tuple[bytes, ...]:
        """Return the roots of the perfect subtrees of the first ``size`` leaves, the largest first.

        :raises ValueError: if the tree never had so many leaves.
        """
        if not 0 <= size <= self.size:
            raise ValueError(f"a tree of {self.size} leaves never had {size}")
        return tuple(self._perfect(0, size))

    def inclusion_proof(self, position: int) -> list[bytes]:
        """Return what it takes to compute the root from the leaf at a position (section 2.1.3.1), lowest first.

        :raises ValueError: if the tree has no such leaf.
        """
        start, end = 0, self.size
        if not 0 <= position < end:
            raise ValueError(f"a tree of {end} leaves has none at {position}")
        proof = []
        while end - start > 1:
            middle = start + _split(end - start)
            if position < middle:
                proof.append(self._over(middle, end))
                end = middle
            else:
                proof.append(self._over(start, middle))
                start = middle
        return proof[::-1]

    def consistency_proof(self, old: int) -> list[bytes]:
        """Return what shows that the tree of ``old`` leaves is the beginning of this one (section 2.1.4.1).

        :raises ValueError: if the tree never had so many leaves.
        """
        start, end = 0, self.size
        if not 0 < old <= end:
            raise ValueError(f"a tree of {end} leaves does not begin with one of {old}")
        proof: list[bytes] = []
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                proof.append(self._over(middle, end))
                end = middle
            else:
                proof.append(self._over(start, middle))
                start = middle
        # Whoever verifies has the old root itself; what stands beside an earlier split he has not.
        return [*([self._over(start, end)] if start else []), *proof[::-1]]

    def _over(self, start: int, end: int) -> bytes:
        return join(self._perfect(start, end))

    def _perfect(self, start: int, end: int) -> list[bytes]:
        nodes = []
        while start < end:
            height = (end - start).bit_length() - 1
            nodes.append(self._node(height, start >> height))
            start += 1 << height
        return nodes

    def _node(self, height: int, index: int) -> bytes:
        level, above = divmod(height, TILE_HEIGHT)
        run = index << above >> TILE_HEIGHT
        place = (level, run == self.size >> level * TILE_HEIGHT >> TILE_HEIGHT)
        known = self._runs.get(place)
        if known is None or known[0] != run:
            known = self._runs[place] = (run, self._small_tree(level, run))
        return known[1][above][index - (run << TILE_HEIGHT - above)]

    def _small_tree(self, level: int, run: int) -> list[list[bytes]]:
        first = run << TILE_HEIGHT
        last = min(first + TILE_WIDTH, self.size >> level * TILE_HEIGHT)
        row = list(self._fetch(level, first, last))
        if len(row) != last - first:
            raise MissingHashes(f"{len(row)} of the hashes {first} to {last} on level {level} are there")
        rows = [row]
        while len(row) > 1:
            row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
            rows.append(row)
        return rows


def verify_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether a proof shows that one tree is the beginning of another (section 2.1.4.2)."""
    if not 0 < old <= size:
        return False
    if old == size:
        return not proof and old_root == root
    # A perfect old tree is a node of the new one, and its root is not repeated.
    path = [old_root, *proof] if not old & (old - 1) else list(proof)
    if not path:
        return False
    first, last = old - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    before = after = path[0]
    for sister in path[1:]:
        if not last:
            return False
        if first & 1 or first == last:
            before, after = node_hash(sister, before), node_hash(sister, after)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            after = node_hash(after, sister)
        first, last = first >> 1, last >> 1
    return not last and before == old_root and after == root


def _split(count: int) -> int:
    """Return the largest power of two below ``count``."""
    return 1 << (count - 1).bit_length() - 1

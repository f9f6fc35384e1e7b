"""A Merkle tree that only grows, after RFC 9162 section 2.1 (the hashes are those of RFC 6962).

Kept of it are the frontier, from which it goes on growing, and tiles: the roots of full subtrees of 256, 65,536, …
leaves, from which any part of it can be computed again with few reads (as in C2SP's tlog-tiles).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HASH_LENGTH = 32
LEAF_PREFIX, NODE_PREFIX = b"\x00", b"\x01"
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(body: bytes) -> bytes:
    """Return the hash of an entry. The prefix keeps an inner node from being passed off as an entry."""
    return hashlib.sha256(LEAF_PREFIX + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(NODE_PREFIX + left + right).digest()


def join(subtrees: Sequence[bytes]) -> bytes:
    """Return the root above perfect subtrees that stand side by side, the largest first."""
    if not subtrees:
        return EMPTY_ROOT
    root = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        root = node_hash(left, root)
    return root


def hashes_in(frontier: bytes) -> list[bytes]:
    """Return the hashes of which a frontier is a row."""
    return [frontier[start : start + HASH_LENGTH] for start in range(0, len(frontier), HASH_LENGTH)]


@dataclass(frozen=True, slots=True)
class Tile:
    """The root of a full subtree.

    :param level: it has ``256 ** level`` leaves; 1 is the lowest that is kept.
    :param index: how many of its kind stand to its left.
    """

    level: int
    index: int
    hash: bytes


class Frontier:
    """The right edge of a tree: the roots of the perfect subtrees that its size is the sum of."""

    def __init__(self, size: int = 0, subtrees: Iterable[bytes] = ()) -> None:
        """Take up a tree where it was left.

        :param subtrees: one hash for each binary digit 1 of ``size``, the largest subtree first.
        :raises ValueError: if their number is another.
        """
        self.size = size
        self._subtrees = list(subtrees)
        if size < 0 or len(self._subtrees) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect subtrees, not these")

    @classmethod
    def parse(cls, size: int, stored: bytes) -> "Frontier":
        """Return what ``bytes(frontier)`` was made from.

        :raises ValueError: if it is not as long as the size demands.
        """
        if len(stored) % HASH_LENGTH:
            raise ValueError("a frontier is a row of hashes of 32 bytes")
        return cls(size, hashes_in(stored))

    def __bytes__(self) -> bytes:
        return b"".join(self._subtrees)

    @property
    def subtrees(self) -> tuple[bytes, ...]:
        return tuple(self._subtrees)

    @property
    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        return join(self._subtrees)

    def append(self, leaf: bytes) -> list[Tile]:
        """Add a leaf at the right; return the tiles that are full with it, mostly none.

        :param leaf: its ``leaf_hash``.
        """
        sha256, subtrees, position = hashlib.sha256, self._subtrees, self.size
        node, level, tiles = leaf, 0, []
        # Each 1 at the end of the position is a perfect subtree that waits for a sister of its own height.
        while position >> level & 1:
            node = sha256(NODE_PREFIX + subtrees.pop() + node).digest()
            level += 1
            if not level % TILE_HEIGHT:
                tiles.append(Tile(level // TILE_HEIGHT, position >> level, node))
        subtrees.append(node)
        self.size = position + 1
        return tiles

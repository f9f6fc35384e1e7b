"""The tree against RFC 9162's own definitions, written down here as they stand there."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings, strategies as st

from flask_gatehouse.audit.proofs import MissingHashes, StoredTree, verify_consistency
from flask_gatehouse.audit.tree import EMPTY_ROOT, Frontier, Tile, join, leaf_hash, node_hash
from flask_gatehouse.audit.verify_export import root_over

# The entries and the root of the reference implementation's own test.
ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
KNOWN_ROOT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def defined_root(entries: Sequence[bytes]) -> bytes:
    """Section 2.1.1."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\x01" + defined_root(entries[:k]) + defined_root(entries[k:])).digest()


def defined_path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """Section 2.1.3.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*defined_path(m, entries[:k]), defined_root(entries[k:])]
    return [*defined_path(m - k, entries[k:]), defined_root(entries[:k])]


def defined_subproof(m: int, entries: Sequence[bytes], *, complete: bool) -> list[bytes]:
    """Section 2.1.4.1."""
    if m == len(entries):
        return [] if complete else [defined_root(entries)]
    k = split(len(entries))
    if m <= k:
        return [*defined_subproof(m, entries[:k], complete=complete), defined_root(entries[k:])]
    return [*defined_subproof(m - k, entries[k:], complete=False), defined_root(entries[:k])]


def split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


class Store:
    """A tree as it is stored, and what was read of it."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.frontier = Frontier()
        self.rows: dict[int, list[bytes]] = {0: []}
        self.reads: list[int] = []
        for entry in entries:
            leaf = leaf_hash(entry)
            self.rows[0].append(leaf)
            for tile in self.frontier.append(leaf):
                row = self.rows.setdefault(tile.level, [])
                assert tile.index == len(row)
                row.append(tile.hash)

    def fetch(self, level: int, start: int, end: int) -> list[bytes]:
        self.reads.append(end - start)
        return self.rows.get(level, [])[start:end]

    def tree(self, size: int | None = None) -> StoredTree:
        """Return the tree as it was when it had so many leaves; as it is now by default."""
        return StoredTree(self.frontier.size if size is None else size, self.fetch)


def root_of(tree: StoredTree, size: int | None = None) -> bytes:
    return join(tree.subtrees(tree.size if size is None else size))


def verify_inclusion(leaf: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return what whoever checks an export finds out of a proof."""
    return 0 <= position < size and root_over(leaf, position, size, list(proof)) == root


def entries_of(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


LARGE = Store(entries_of(66_000))


def test_the_reference_implementations_root() -> None:
    store = Store(ENTRIES)
    assert store.frontier.root.hex() == root_of(store.tree()).hex() == KNOWN_ROOT
    assert Frontier().root == EMPTY_ROOT == defined_root([])
    assert [root_of(store.tree(), size) for size in range(9)] == [defined_root(ENTRIES[:size]) for size in range(9)]


def test_every_size_up_to_a_few_thousand() -> None:
    entries = entries_of(2_600)
    store, frontier = Store(entries), Frontier()
    for size, entry in enumerate(entries, start=1):
        before = frontier.root
        frontier.append(leaf_hash(entry))
        root = frontier.root
        tree = store.tree(size)
        assert root == root_of(tree)
        assert size % 53 or root == defined_root(entries[:size])
        position = 7_919 % size
        for at in {0, position, size - 1}:
            assert verify_inclusion(leaf_hash(entries[at]), at, size, tree.inclusion_proof(at), root)
        assert size == 1 or verify_consistency(size - 1, before, size, root, tree.consistency_proof(size - 1))
        old = size // 3 + 1
        assert verify_consistency(old, root_of(tree, old), size, root, tree.consistency_proof(old))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=8), max_size=700))
def test_roots_and_frontiers_are_as_defined(entries: list[bytes]) -> None:
    store = Store(entries)
    assert store.frontier.root == root_of(store.tree()) == defined_root(entries)
    again = Frontier.parse(len(entries), bytes(store.frontier))
    assert (again.size, again.root, again.subtrees) == (len(entries), store.frontier.root, store.frontier.subtrees)
    assert store.tree().subtrees(len(entries)) == store.frontier.subtrees


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_proofs_are_as_defined_and_hold(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 3_000))
    position, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    entries = entries_of(size)
    store, root = Store(entries), defined_root(entries)
    tree = store.tree()
    path = tree.inclusion_proof(position)
    assert path == defined_path(position, entries)
    assert verify_inclusion(leaf_hash(entries[position]), position, size, path, root)
    proof = tree.consistency_proof(old)
    assert proof == defined_subproof(old, entries, complete=True)
    assert verify_consistency(old, defined_root(entries[:old]), size, root, proof)
    at = min(position, old - 1)
    assert store.tree(old).inclusion_proof(at) == defined_path(at, entries[:old])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 255, 256, 257, 511, 512, 513])
def test_every_position_of_a_tree(size: int) -> None:
    entries = entries_of(size)
    tree, root = Store(entries).tree(), defined_root(entries)
    for position in range(size):
        assert verify_inclusion(leaf_hash(entries[position]), position, size, tree.inclusion_proof(position), root)
    for old in range(1, size + 1):
        assert verify_consistency(old, defined_root(entries[:old]), size, root, tree.consistency_proof(old))


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 66_000])
def test_tiles_of_tiles(size: int) -> None:
    tree = StoredTree(size, LARGE.fetch)
    entries = entries_of(size)
    root = root_of(tree)
    assert root == Store(entries).frontier.root
    for position in (0, 255, 256, 65_279, size - 1):
        assert verify_inclusion(leaf_hash(entries[position]), position, size, tree.inclusion_proof(position), root)
    for old in (1, 256, 65_535, size):
        assert verify_consistency(old, Store(entries[:old]).frontier.root, size, root, tree.consistency_proof(old))


def test_a_tile_is_the_root_of_its_leaves() -> None:
    frontier, full = Frontier(), []
    for entry in entries_of(513):
        full += frontier.append(leaf_hash(entry))
    assert full == [Tile(1, index, defined_root(entries_of(513)[index * 256 : index * 256 + 256])) for index in (0, 1)]


def test_a_proof_reads_little_and_neighbours_read_nothing_more() -> None:
    tree = LARGE.tree()
    LARGE.reads.clear()
    tree.inclusion_proof(33_000)
    assert sum(LARGE.reads) <= 3 * 256
    LARGE.reads.clear()
    for position in range(33_024, 33_280):
        tree.inclusion_proof(position)
    assert LARGE.reads == [256]


@given(st.integers(2, 300), st.data())
@settings(max_examples=60, deadline=None)
def test_what_does_not_fit_is_refused(size: int, data: st.DataObject) -> None:
    entries = entries_of(size)
    tree, root = Store(entries).tree(), defined_root(entries)
    position, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    leaf, path = leaf_hash(entries[position]), tree.inclusion_proof(position)
    proof, old_root = tree.consistency_proof(old), defined_root(entries[:old])
    for wrong in broken(path):
        assert not verify_inclusion(leaf, position, size, wrong, root)
    for wrong in broken(proof):
        assert not verify_consistency(old, old_root, size, root, wrong)
    assert not verify_inclusion(leaf_hash(b"other"), position, size, path, root)
    assert not verify_inclusion(leaf, position, size, path, leaf_hash(b"other"))
    assert not verify_inclusion(leaf, size, size, path, root)
    assert not verify_inclusion(leaf, -1, size, path, root)
    assert not any(verify_inclusion(leaf, other, size, path, root) for other in range(size) if other != position)
    assert not verify_consistency(old, leaf_hash(b"other"), size, root, proof)
    assert not verify_consistency(old, old_root, size, leaf_hash(b"other"), proof)
    assert not verify_consistency(0, EMPTY_ROOT, size, root, [])
    assert not verify_consistency(size + 1, root, size, root, proof)
    assert not verify_consistency(size, root, size, root, [root])
    assert not verify_consistency(size, old_root, size, root, [])
    # A tree that claims to be smaller than it is: the path goes on above its root, and fits.
    longer, above = [*path, old_root], node_hash(old_root, root)
    assert not verify_inclusion(leaf, position, size, longer, above)
    assert not verify_inclusion(leaf, position, size, longer, node_hash(root, old_root))
    assert not any(verify_consistency(other, old_root, size, root, proof) for other in range(1, size) if other != old)


def broken(proof: Sequence[bytes]) -> list[list[bytes]]:
    """Return proofs that are not this one: each hash another, one too many at either end, one too few."""
    other = hashlib.sha256(b"other").digest()
    changed = [[*proof[:at], other, *proof[at + 1 :]] for at in range(len(proof))]
    return [*changed, [*proof, other], [other, *proof], *([list(proof[:-1]), list(proof[1:])] if proof else [])]


def test_impossible_questions_and_broken_stores() -> None:
    tree = Store(entries_of(10)).tree()
    for ask in (
        lambda: tree.inclusion_proof(10),
        lambda: tree.consistency_proof(0),
        lambda: tree.consistency_proof(11),
        lambda: tree.subtrees(11),
        lambda: tree.subtrees(-1),
        lambda: Frontier(3, [b"x" * 32]),
        lambda: Frontier(-1, [b"x" * 32]),
        lambda: Frontier.parse(1, b"x" * 31),
    ):
        with pytest.raises(ValueError, match=r"tree|frontier"):
            ask()
    with pytest.raises(MissingHashes, match="3 of the hashes"):
        StoredTree(4, lambda level, start, end: [b"x" * 32] * 3).subtrees(4)

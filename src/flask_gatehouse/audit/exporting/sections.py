"""What an export says of each epoch: its tree as a checkpoint knows it, so that proofs lead to what was signed."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from ..errors import InvalidNote
from ..note_keys import VerifierKey
from ..notes import open_checkpoint
from ..proofs import StoredTree
from ..snapshot import Snapshot

# So many of an epoch's newest checkpoints are tried: others may have been signed by a key that has left.
TRIED = 1000


class Section(NamedTuple):
    """The part of an export that is about one epoch.

    :param first: events before this position have left by retention.
    :param size: the number of leaves of the tree that the proofs are about.
    :param end: the number of leaves that there are.
    :param note: the newest checkpoint that one of our keys has signed; None if there is none.
    :param key: the key that did.
    """

    epoch: int
    origin: str
    first: int
    size: int
    root: bytes
    end: int
    note: str | None
    key: VerifierKey | None

    def tree(self, now: Snapshot) -> StoredTree:
        """Return the tree that the proofs are about; they read it as they need it."""
        return StoredTree(self.size, lambda level, start, end: now.hashes(self.epoch, level, start, end))


def sections(now: Snapshot, keys: Sequence[VerifierKey]) -> Iterator[Section]:
    """Yield every epoch, the oldest first.

    :param keys: those that are known to have signed checkpoints.
    """
    for epoch, origin, size, root, _frontier, _watermark, cut in now.trees():
        unsigned = Section(epoch, origin, cut, size, root, size, None, None)
        yield next(_signed(now, unsigned, keys), unsigned)


def _signed(now: Snapshot, section: Section, keys: Sequence[VerifierKey]) -> Iterator[Section]:
    """Yield a section as the checkpoints of its epoch know it that are of use, the newest first."""
    for size, note in now.newest_checkpoints(section.epoch, TRIED) if keys else ():
        for key in keys:
            with suppress(InvalidNote):
                found = open_checkpoint(note, [key])
                if (found.origin, found.size) == (section.origin, size) and section.first <= size <= section.end:
                    yield section._replace(size=size, root=found.root, note=note, key=key)

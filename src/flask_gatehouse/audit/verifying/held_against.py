"""The checkpoints that a trail is held against: those given, those in the folder, those in the database."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path

from ..errors import InvalidNote, UnknownSigner
from ..note_keys import VerifierKey
from ..notes import open_checkpoint
from ..origins import epoch_of, place_in_name
from ..snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A root to which somebody put a signature that is ours.

    :param source: where it was found, for sentences.
    :param outside: whether it was kept elsewhere than in the database.
    :param at: since when it is there, if its place tells: what the database says of that vouches for nothing.
    """

    origin: str
    epoch: int
    size: int
    root: bytes
    source: str
    outside: bool
    at: datetime | None


_PLACE = attrgetter("epoch", "size")


class Held:
    """Every checkpoint, by epoch and size, and why some could not be used.

    The folder is listed when this is made. That has to be before the snapshot: what is signed later is no witness
    against it.
    """

    def __init__(self, keys: Sequence[VerifierKey], files: Iterable[Path] = (), folder: Path | None = None) -> None:
        """Say what to hold a trail against.

        :param keys: of which one has to have signed each note; without any, no note is of use.
        :param folder: holds notes alone, named as ``checkpoints`` names them.
        """
        self._doubts: list[str] = []
        # By whoever has signed them: how many there are, and where the first one was found.
        self._of_strangers: dict[str, tuple[int, str]] = {}
        self.count = self.outside = 0
        self.newest: KeptCheckpoint | None = None
        self._keys = keys
        self._files = list(files)
        self._in_folder = self._listed(folder)

    @property
    def doubts(self) -> list[str]:
        """Return why some could not be used, as sentences; those of one key that nobody has named are one."""
        return [
            *self._doubts,
            *(
                f"{'1 checkpoint bears' if count == 1 else f'{count:,} checkpoints bear'} the signature of {names} and"
                f" of no key that is known here, the first of them {where}. If that is an earlier key of this trail,"
                " name it in GATEHOUSE_AUDIT_PUBLIC_KEYS or with --public-key; else somebody has put them there."
                for names, (count, where) in self._of_strangers.items()
            ),
        ]

    def _listed(self, folder: Path | None) -> list[Path]:
        if folder is None:
            return []
        try:
            return sorted((path for path in folder.iterdir() if path.suffix == ".note"), key=_order)
        except OSError as error:
            self._doubts.append(f"The folder of checkpoints, {folder}, cannot be read: {error.strerror}.")
            return []

    def checkpoints(self, snapshot: Snapshot) -> Iterator[KeptCheckpoint]:
        """Yield each that is signed by our key."""
        given = sorted(self._read(self._files), key=_PLACE)
        in_folder = self._read(self._in_folder, named=True)
        merged = heapq.merge(given, in_folder, self._in_database(snapshot), key=_PLACE)
        for checkpoint in merged:
            self.count += 1
            if checkpoint.outside:
                self.outside += 1
                self.newest = checkpoint
            yield checkpoint

    def _read(self, paths: Iterable[Path], *, named: bool = False) -> Iterator[KeptCheckpoint]:
        for path in paths:
            try:
                text = path.read_text(encoding="utf-8")
                at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            except (OSError, UnicodeDecodeError) as error:
                self._doubts.append(f"{path.name} cannot be read: {error}.")
                continue
            checkpoint = self._opened(text, path.name, outside=True, at=at)
            if checkpoint is None:
                continue
            # The order in which they are read is that of their names.
            if named and place_in_name(path.stem) != _PLACE(checkpoint):
                self._doubts.append(f"{path.name} holds the note of another checkpoint than its name says.")
                continue
            yield checkpoint

    def _in_database(self, snapshot: Snapshot) -> Iterator[KeptCheckpoint]:
        for epoch, size, note in snapshot.checkpoints():
            name = f"the checkpoint {epoch}-{size} in the database"
            if not isinstance(note, str):
                self._doubts.append(f"{name} is no text.")
                continue
            checkpoint = self._opened(note, name, outside=False, at=None)
            if checkpoint is None:
                continue
            if (checkpoint.epoch, checkpoint.size) == (epoch, size):
                yield checkpoint
            else:
                self._doubts.append(f"{name} holds the note of another one.")

    def _opened(self, note: str, source: str, *, outside: bool, at: datetime | None) -> KeptCheckpoint | None:
        if not self._keys:
            self._doubts.append(
                f"{source} cannot be checked without a key: set GATEHOUSE_AUDIT_KEY_FILE or --public-key."
            )
            return None
        try:
            said = open_checkpoint(note, self._keys)
        except UnknownSigner as error:
            count, where = self._of_strangers.get(", ".join(error.names), (0, source))
            self._of_strangers[", ".join(error.names)] = count + 1, where
            return None
        except InvalidNote as error:
            self._doubts.append(f"{source} is of no use: {error}.")
            return None
        epoch = epoch_of(said.origin)
        if said.extensions or epoch is None:
            self._doubts.append(f"{source} is about {said.origin}, or says more, and this release cannot judge it.")
            return None
        return KeptCheckpoint(said.origin, epoch, said.size, said.root, source, outside, at)


class Queue:
    """Checkpoints in the order in which the trail grows past them."""

    def __init__(self, checkpoints: Iterator[KeptCheckpoint]) -> None:
        self._checkpoints = checkpoints
        self._next = next(checkpoints, None)

    def until(self, epoch: int, size: int | None = None) -> Iterator[KeptCheckpoint]:
        """Yield and forget those of earlier epochs, and of this one up to a size."""
        while (one := self._next) is not None and (
            one.epoch < epoch or (one.epoch == epoch and (size is None or one.size <= size))
        ):
            self._next = next(self._checkpoints, None)
            yield one

    def rest(self) -> Iterator[KeptCheckpoint]:
        while (one := self._next) is not None:
            self._next = next(self._checkpoints, None)
            yield one


def _order(path: Path) -> tuple[int, int, str]:
    return (*place_in_name(path.stem), path.name)

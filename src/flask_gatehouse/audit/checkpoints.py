"""Signing how the trail stands, and never two things that do not go together (c2sp.org/tlog-checkpoint)."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from heapq import heapify, heappop
from pathlib import Path

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.orm import Session

from ..db.upsert import insert_of
from ..kernel.clock import utc_now
from .errors import InconsistentTree, InvalidNote
from .following import Place, oldest_from
from .models import NEWEST_TREE, AuditCheckpoint, AuditTree
from .note_keys import SigningKey, VerifierKey
from .notes import Checkpoint, open_checkpoint, parse_checkpoint, parse_note, sign_checkpoint
from .origins import epoch_of, log_of, place_in_name
from .proofs import MissingHashes, verify_consistency
from .sealing import oldest_unsealed
from .stored import stored_tree

# Each begins with a restore.
MOST_EPOCHS = 1_000_000
_SUFFIX = ".note"


def note_name(epoch: int, size: int) -> str:
    """Return what the file of a checkpoint is called, so that names sort as the trail grew."""
    return f"{epoch}-{size:012}{_SUFFIX}"


def unsigned(connection: Connection) -> int:
    """Return how many sealed events the newest checkpoint in the database does not cover."""
    tree = connection.execute(NEWEST_TREE.with_only_columns(AuditTree.epoch, AuditTree.size)).first()
    return 0 if tree is None else tree.size - _signed_to(connection, tree.epoch)


def make_checkpoint(
    db: Session, key: SigningKey, outside: Sequence[Checkpoint] = (), former: Sequence[VerifierKey] = ()
) -> str | None:
    """Sign how the newest tree stands; return the note, or None if nothing was added since the last one.

    :param outside: earlier checkpoints that are kept elsewhere, such as the newest of a folder.
    :param former: the keys before this one, whose checkpoints have to be continued too.
    :raises InconsistentTree: if the tree does not continue what was signed before. Nothing is signed then.
    """
    columns = (AuditTree.epoch, AuditTree.origin, AuditTree.size, AuditTree.root)
    tree = db.execute(NEWEST_TREE.with_only_columns(*columns)).first()
    if tree is None:
        return None
    earlier = [*outside, *_newest_signed(db, tree.epoch, [key.verifier, *former])]
    _refuse_what_does_not_fit(db, tree, earlier)
    if _signed_to(db, tree.epoch) == tree.size:
        return None
    note = sign_checkpoint(Checkpoint(tree.origin, tree.size, tree.root), key)
    values = {"epoch": tree.epoch, "size": tree.size, "note": note, "created_at": utc_now()}
    # Another worker may have signed the same, which is the same text.
    db.execute(insert_of(db)(AuditCheckpoint).values(**values).on_conflict_do_nothing())
    return note


def newest_undelivered(connection: Connection) -> tuple[int, int, str] | None:
    """Return epoch, size and note of the newest checkpoint that has not left the database yet."""
    row = connection.execute(
        select(AuditCheckpoint.epoch, AuditCheckpoint.size, AuditCheckpoint.note)
        .where(AuditCheckpoint.delivered_at.is_(None))
        .order_by(AuditCheckpoint.epoch.desc(), AuditCheckpoint.size.desc())
        .limit(1)
    ).first()
    return None if row is None else (row.epoch, row.size, row.note)


def oldest_uncarried(connection: Connection) -> datetime | None:
    """Return when the first event happened that no checkpoint outside of the database covers; None if all are."""
    epoch = connection.execute(NEWEST_TREE.with_only_columns(AuditTree.epoch)).scalar() or 0
    carried = select(AuditCheckpoint.size).where(
        AuditCheckpoint.epoch == epoch, AuditCheckpoint.delivered_at.is_not(None)
    )
    covered = connection.execute(carried.order_by(AuditCheckpoint.size.desc()).limit(1)).scalar() or 0
    # What is not sealed is in no checkpoint either: a sealer that stands still is missed by this, and by nothing else.
    return oldest_from(connection, Place(epoch, covered)) or oldest_unsealed(connection)


def newest_note(connection: Connection) -> str | None:
    """Return the newest checkpoint of the newest tree."""
    newest = select(AuditCheckpoint.note).order_by(AuditCheckpoint.epoch.desc(), AuditCheckpoint.size.desc())
    return connection.execute(newest.limit(1)).scalar()


def mark_delivered(db: Session, epoch: int, size: int) -> None:
    """Note that a checkpoint has left the database, and with it, as it covers them, all that came before."""
    db.execute(
        update(AuditCheckpoint)
        .where(AuditCheckpoint.epoch <= epoch, AuditCheckpoint.delivered_at.is_(None))
        .where((AuditCheckpoint.epoch < epoch) | (AuditCheckpoint.size <= size))
        .values(delivered_at=utc_now())
    )


def newest_in_folder(folder: Path | None, keys: Sequence[VerifierKey]) -> list[Checkpoint]:
    """Return the newest checkpoint of a folder that one of the keys has signed, if there is one.

    :raises OSError: if the folder cannot be read.
    """
    if folder is None or not folder.is_dir():
        return []
    for path in _newest_first(folder):
        try:
            return [open_checkpoint(path.read_text(encoding="utf-8"), keys)]
        except (InvalidNote, UnicodeDecodeError):
            # Of a key that nobody has named, or not one of ours: it binds nobody. Verification tells of it.
            continue
    return []


def highest_epoch_in_folder(folder: Path | None, log: str | None) -> int:
    """Return the highest number of an epoch of a log of which a folder holds a checkpoint; 0 if it holds none.

    Whoever signed it: a number that nobody has used does no harm, and one that somebody has does.

    :param log: the name of the trail without the epoch.
    :raises OSError: if the folder cannot be read.
    """
    if folder is None or not folder.is_dir():
        return 0
    for path in _newest_first(folder):
        with suppress(InvalidNote, UnicodeDecodeError):
            origin = parse_checkpoint(parse_note(path.read_text(encoding="utf-8"))[0]).origin
            epoch = epoch_of(origin)
            # Beyond that somebody has made numbers up, of which no database can count on.
            if epoch is not None and epoch < MOST_EPOCHS and log_of(origin) == log:
                return epoch
    return 0


def _newest_first(folder: Path) -> Iterator[Path]:
    """Yield the notes of a folder, by what their names say; names alone are read, since there is one for each minute.

    :raises OSError: if the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.endswith(_SUFFIX)]
    waiting = [(-epoch, -size, name) for name in names for epoch, size in [place_in_name(name.removesuffix(_SUFFIX))]]
    # Mostly the first one is asked for, for which nothing has to be sorted.
    heapify(waiting)
    while waiting:
        yield folder / heappop(waiting)[-1]


def _signed_to(db: Session | Connection, epoch: int) -> int:
    newest = select(AuditCheckpoint.size).where(AuditCheckpoint.epoch == epoch)
    return db.execute(newest.order_by(AuditCheckpoint.size.desc()).limit(1)).scalar() or 0


def _newest_signed(db: Session, epoch: int, keys: Sequence[VerifierKey]) -> list[Checkpoint]:
    statement = select(AuditCheckpoint.note).where(AuditCheckpoint.epoch == epoch)
    for note in db.scalars(statement.order_by(AuditCheckpoint.size.desc()).limit(1)):
        try:
            return [open_checkpoint(note, keys)]
        except InvalidNote:
            # Of a key before this one that nobody has named.
            continue
    return []


def _refuse_what_does_not_fit(db: Session, tree: Row[int, str, int, bytes], earlier: Sequence[Checkpoint]) -> None:
    stored = stored_tree(db, tree.epoch, tree.size)
    for old in earlier:
        if (epoch_of(old.origin) or 0) < tree.epoch and log_of(old.origin) == log_of(tree.origin):
            continue
        if old.origin != tree.origin:
            raise InconsistentTree(old.origin, old.size, tree.origin, tree.size)
        if not old.size:
            continue
        try:
            fits = old.size <= tree.size and verify_consistency(
                old.size, old.root, tree.size, tree.root, stored.consistency_proof(old.size)
            )
        except MissingHashes:
            fits = False
        if not fits:
            raise InconsistentTree(old.origin, old.size, tree.origin, tree.size)

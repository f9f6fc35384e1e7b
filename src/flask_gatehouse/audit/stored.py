"""A tree as it lies in the database, for proofs."""

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from .models import AuditLeaf, AuditTile
from .proofs import StoredTree

_LEAVES = (
    select(AuditLeaf.hash)
    .where(
        AuditLeaf.epoch == bindparam("epoch"),
        AuditLeaf.position >= bindparam("start"),
        AuditLeaf.position < bindparam("end"),
    )
    .order_by(AuditLeaf.position)
)
_TILES = (
    select(AuditTile.hash)
    .where(
        AuditTile.epoch == bindparam("epoch"),
        AuditTile.level == bindparam("level"),
        AuditTile.index >= bindparam("start"),
        AuditTile.index < bindparam("end"),
    )
    .order_by(AuditTile.index)
)


def stored_tree(db: Session | Connection, epoch: int, size: int) -> StoredTree:
    """Return the tree of an epoch as it was when it had so many leaves. Proofs read it as they need it.

    Asking it for what retention has taken away raises ``MissingHashes``.
    """

    def fetch(level: int, start: int, end: int) -> list[bytes]:
        place = {"epoch": epoch, "start": start, "end": end}
        rows = db.execute(_TILES, place | {"level": level}) if level else db.execute(_LEAVES, place)
        return [bytes(row.hash) for row in rows]

    return StoredTree(size, fetch)

"""The tables of the trail. Imported by this room and by the migrations only."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from ..db.base import Base, UtcDateTime, index_of, text_enum
from .events import (
    EVENT_LENGTH,
    IDENTIFIER_LENGTH,
    KIND_LENGTH,
    Outcome,
)
from .tree import HASH_LENGTH

REQUEST_ID_LENGTH = 36
_LONG = BigInteger().with_variant(Integer, "sqlite")


def _index_of_present(column: str, *more: str) -> Index:
    """Return an index that leaves rows without a value out."""
    return index_of(f"{column} IS NOT NULL", column, *more)


class AuditEventRow(Base):
    """One event. It refers to people and sessions by plain ids: deleting them must not change it.

    ``body`` is what counts; the other columns repeat it so that it can be found. ``personal`` and ``ip`` can be erased.
    """

    __tablename__ = "gatehouse_audit_events"
    __table_args__ = (
        # Each question that the page can ask, in the order in which events happened.
        Index(None, "target_type", "target_id", "id"),
        Index(None, "event", "id"),
        Index(None, "outcome", "id"),
        Index(None, "occurred_at", "id"),
        _index_of_present("actor_id", "id"),
        _index_of_present("ip", "id"),
        _index_of_present("request_id"),
        # A deleted event's number is not given again.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_LONG, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    event: Mapped[str] = mapped_column(String(EVENT_LENGTH))
    outcome: Mapped[Outcome] = mapped_column(text_enum(Outcome))
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[int | None] = mapped_column(Integer)
    session_id: Mapped[str | None] = mapped_column(String(22))
    target_type: Mapped[str | None] = mapped_column(String(KIND_LENGTH))
    target_id: Mapped[str | None] = mapped_column(String(IDENTIFIER_LENGTH))
    request_id: Mapped[str | None] = mapped_column(String(REQUEST_ID_LENGTH))
    ip: Mapped[str | None] = mapped_column(String(45))
    body: Mapped[str] = mapped_column(Text)
    personal: Mapped[str | None] = mapped_column(Text)


class AuditTree(Base):
    """One epoch of the trail: a Merkle tree that only grows. A restored backup begins the next one."""

    __tablename__ = "gatehouse_audit_trees"

    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    origin: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(_LONG)
    root: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH))
    # The roots of the perfect subtrees of which the tree consists, the largest first.
    frontier: Mapped[bytes] = mapped_column(LargeBinary)
    # Events up to this id have their place, or never will: their transactions were rolled back.
    watermark: Mapped[int] = mapped_column(_LONG)
    # Events before this position have left by retention.
    cut: Mapped[int] = mapped_column(_LONG)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime)


NEWEST_TREE = select(AuditTree).order_by(AuditTree.epoch.desc()).limit(1)


class AuditLeaf(Base):
    """The place of an event in its tree."""

    __tablename__ = "gatehouse_audit_leaves"

    epoch: Mapped[int] = mapped_column(ForeignKey(AuditTree.epoch), primary_key=True)
    position: Mapped[int] = mapped_column(_LONG, primary_key=True)
    # No foreign key: that the event is gone is for verification to find, not for a constraint to prevent.
    event_id: Mapped[int] = mapped_column(_LONG, unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH))


class AuditTile(Base):
    """The root of a full subtree of ``256 ** level`` leaves, so that a proof reads hundreds of rows, not millions."""

    __tablename__ = "gatehouse_audit_tiles"

    epoch: Mapped[int] = mapped_column(ForeignKey(AuditTree.epoch), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(_LONG, primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_LENGTH))


class AuditCheckpoint(Base):
    """A signed note about a tree, kept here too; what counts is the copy elsewhere."""

    __tablename__ = "gatehouse_audit_checkpoints"

    epoch: Mapped[int] = mapped_column(ForeignKey(AuditTree.epoch), primary_key=True)
    size: Mapped[int] = mapped_column(_LONG, primary_key=True)
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # When the webhook took it; None while it has not, or where there is none.
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditCount(Base):
    """How many events of a kind there were in an hour. The sealer, which sees each event once, keeps count."""

    __tablename__ = "gatehouse_audit_counts"

    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    event: Mapped[str] = mapped_column(String(EVENT_LENGTH), primary_key=True)
    outcome: Mapped[Outcome] = mapped_column(text_enum(Outcome), primary_key=True)
    count: Mapped[int] = mapped_column(_LONG)

"""What is remembered of erasures and of retention. Imported by this room and by the migrations only."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..db.base import Base, UtcDateTime

_LONG = BigInteger().with_variant(Integer, "sqlite")


class LedgerKey(Base):
    """The key of the marks in the ledger: who has the ledger alone cannot try addresses out."""

    __tablename__ = "gatehouse_ledger_key"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    key: Mapped[bytes] = mapped_column(LargeBinary(32))


class PendingErasure(Base):
    """An erasure on its way into the ledger: committed with the erasure itself, and gone once nothing is left to do."""

    __tablename__ = "gatehouse_pending_erasures"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    # The line of the ledger.
    entry: Mapped[str] = mapped_column(Text)
    # When it was in the file for good; what the database's own files may still hold is removed after that.
    written_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RetentionCursor(Base):
    """Up to which event a rule of retention has come, so that it never looks at the whole trail again."""

    __tablename__ = "gatehouse_retention_cursors"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    event_id: Mapped[int] = mapped_column(_LONG)

"""The table of events. Imported by this room and by the migrations only."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..db.base import Base, UtcDateTime, text_enum
from .events import Outcome

EVENT_LENGTH = 64
KIND_LENGTH = 64
IDENTIFIER_LENGTH = 255


class AuditEventRow(Base):
    """One event. It refers to people and sessions by plain ids: deleting them must not change it."""

    __tablename__ = "gatehouse_audit_events"
    __table_args__ = (
        # What happened to one thing, in the order in which it happened.
        Index(None, "resource_type", "resource_id", "id"),
        # A deleted event's number is not given again.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    event: Mapped[str] = mapped_column(String(EVENT_LENGTH))
    outcome: Mapped[Outcome] = mapped_column(text_enum(Outcome))
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[int | None] = mapped_column(Integer)
    session_id: Mapped[str | None] = mapped_column(String(22))
    resource_type: Mapped[str | None] = mapped_column(String(KIND_LENGTH))
    resource_id: Mapped[str | None] = mapped_column(String(IDENTIFIER_LENGTH))
    ip: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(255))
    details: Mapped[str] = mapped_column(Text)
